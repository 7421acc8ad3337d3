import { AtMost } from "../bytes/at-most.ts";
import type { Ipv4 } from "../bytes/ipv4.ts";
import type { FoundTarget, Initiator, LoginRefusal, OpenTarget, Targets } from "../iscsi/target.ts";
import { VOLUME_CALLS_AT_ONCE } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import { Buffers } from "../scsi/buffers.ts";
import { Disk } from "../scsi/disk.ts";
import { UserError } from "../user-error.ts";
import type { Claims } from "../volume/claims.ts";
import type { FileVolume } from "../volume/file.ts";
import { PunchNow } from "../volume/punch-now.ts";
import type { VolumeStore } from "../volume/store.ts";
import type { VolumeGrant } from "./messages.ts";

export interface VolumeTargetsOptions {
  /** Targets are this, a colon, and the name of their volume. */
  readonly iqn: string;
  readonly store: VolumeStore;
  readonly claims: Claims;
  /** Which volumes an address may have, now. */
  readonly grants: (address: Ipv4) => Promise<readonly VolumeGrant[]>;
  readonly clock: Clock;
  readonly warn: (text: string) => void;
  readonly report: (what: string, error: unknown) => void;
}

/** A volume with sessions: closed after the last of them, so that it can be worked on. */
interface Opened {
  readonly disk: Disk;
  readonly file: FileVolume;
  /** Whose sessions they are: all of one node's. */
  readonly node: string;
  sessions: number;
}

/**
 * A target a volume, for the node whose volume it is. A node logs in several times at once (its firmware, then its
 * kernel), but never two nodes to one volume: each would destroy the other's file system.
 */
export class VolumeTargets implements Targets {
  readonly #options: VolumeTargetsOptions;
  readonly #calls = new AtMost(VOLUME_CALLS_AT_ONCE);
  readonly #punchNow: PunchNow;
  readonly #buffers = new Buffers();
  readonly #opened = new Map<string, Promise<Opened>>();
  readonly #closing = new Map<string, PromiseLike<void>>();

  constructor(options: VolumeTargetsOptions) {
    this.#options = options;
    this.#punchNow = new PunchNow(options.clock);
  }

  async list({ address }: Initiator): Promise<string[]> {
    const grants = await this.#options.grants(address);
    return grants.map(({ volume }) => `${this.#options.iqn}:${volume}`);
  }

  async find(name: string, initiator: Initiator): Promise<FoundTarget | LoginRefusal> {
    const { iqn, grants } = this.#options;
    if (!name.startsWith(`${iqn}:`)) return "not-found";
    const volume = name.slice(iqn.length + 1);
    const grant = (await grants(initiator.address)).find((one) => one.volume === volume);
    if (grant === undefined) return (await this.#isThere(volume)) ? "forbidden" : "not-found";
    return { chap: grant.chap, open: () => this.#login(name, grant, initiator) };
  }

  async #login(
    name: string,
    grant: VolumeGrant,
    initiator: Initiator,
  ): Promise<OpenTarget | LoginRefusal> {
    const { claims, warn, report } = this.#options;
    const use = claims.use(grant.volume, initiator);
    if (use === undefined) {
      warn(`${name}: ${initiator.name} was told to come again: sidus volume works on it`);
      return "unavailable";
    }
    try {
      const opened = await this.#use(grant);
      if (opened !== undefined) return this.#openTarget(name, grant.volume, opened, use);
      warn(`${name}: ${initiator.name} was refused: another node has a session`);
    } catch (error) {
      // A full disk, say. The node goes on without its volume, and its administrator is told.
      if (error instanceof UserError) warn(`${name}: ${error.message}`);
      else report(`volume ${grant.volume}`, error);
    }
    use[Symbol.dispose]();
    return "unavailable";
  }

  #openTarget(name: string, volume: string, opened: Opened, use: Disposable): OpenTarget {
    return {
      target: { name, disk: opened.disk },
      [Symbol.asyncDispose]: async () => {
        opened.sessions -= 1;
        try {
          if (opened.sessions === 0) await this.#close(volume, opened);
        } finally {
          use[Symbol.dispose]();
        }
      },
    };
  }

  /** Undefined where another node has it. */
  async #use(grant: VolumeGrant): Promise<Opened | undefined> {
    const { volume } = grant;
    await this.#closing.get(volume);
    const opening = this.#opened.get(volume) ?? this.#open(grant);
    this.#opened.set(volume, opening);
    let opened: Opened;
    try {
      opened = await opening;
    } catch (error) {
      if (this.#opened.get(volume) === opening) this.#opened.delete(volume);
      throw error;
    }
    // Its last session ended meanwhile.
    if (this.#opened.get(volume) !== opening) return this.#use(grant);
    if (opened.node !== grant.node) return undefined;
    opened.sessions += 1;
    return opened;
  }

  async #open({ volume, bytes, node }: VolumeGrant): Promise<Opened> {
    const { iqn, store, clock, warn, report } = this.#options;
    const file = await store.open(volume, bytes, {
      clock,
      warn,
      calls: this.#calls,
      punchNow: this.#punchNow,
    });
    const identity = { name: `${iqn}:${volume}`, serial: volume };
    const disk = new Disk({ volume: file, identity, buffers: this.#buffers, report });
    return { disk, file, node, sessions: 0 };
  }

  async #close(volume: string, opened: Opened): Promise<void> {
    this.#opened.delete(volume);
    const closing = opened.file[Symbol.asyncDispose]();
    this.#closing.set(volume, closing);
    try {
      await closing;
    } finally {
      this.#closing.delete(volume);
    }
  }

  async #isThere(volume: string): Promise<boolean> {
    const volumes = await this.#options.store.list();
    return volumes.some(({ name }) => name === volume);
  }
}
