import { Bounded } from "../bytes/bounded.ts";
import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import {
  BOOT_PAUSE_MS,
  NODES_HEARD_MAX,
  NODES_WATCHED_MAX,
  STORY_FACTS_TOTAL_MAX,
} from "../limits.ts";
import type { Clock, Instant } from "../net/clock.ts";
import type { BootEvent, DhcpClient } from "./events.ts";
import { type Mutable, Story } from "./story.ts";

/** How far a boot has come, as the server sees it. */
export const stages = ["dhcp", "loader", "kernel", "root", "volume", "up"] as const;
export type Stage = (typeof stages)[number];

/** One boot of one node. */
export interface NodeBoot {
  readonly mac: MacAddress;
  readonly name: string | undefined;
  readonly address: Ipv4 | undefined;
  readonly startedAt: Instant;
  /** When each stage was reached; a missing one was not. */
  readonly reached: ReadonlyMap<Stage, Instant>;
  /** `heard`: it asked, and has no address of ours. */
  readonly stage: Stage | "heard";
  /** Which firmware began it; undefined where only a kernel or an operating system was heard. */
  readonly firmware: "pxe" | "ipxe" | undefined;
  /** Option 93, as the firmware said it last. */
  readonly architecture: number | undefined;
  /** When the firmware got its address: what follows until its first request is its own time. */
  readonly addressedAt: Instant | undefined;
  /** What the node said of the tree that it runs. */
  readonly tree: string | undefined;
  /** SHA-256 of the sealed version that it runs, as it says; and of the one on which its layer was begun. */
  readonly digest: string | undefined;
  readonly base: string | undefined;
  readonly lastHeardAt: Instant;
  /** What was seen of the node, of its boots before, too. */
  readonly story: Pick<Story, "facts" | "begun">;
}

type Entry = Mutable<Omit<NodeBoot, "reached" | "story">> & {
  reached: Map<Stage, Instant>;
  story: Story;
  /** It asked for something else since firmware asked for an address last. */
  hasGoneOn: boolean;
};
type DhcpEvent = Extract<BootEvent, { kind: "dhcp" }>;

/** Who has an address, though no boot of this process gave it to it. */
export type WhoHas = (
  address: Ipv4,
) => { readonly mac: MacAddress; readonly name: string | undefined } | undefined;

export type StageReached = (boot: NodeBoot, stage: Stage) => void;

/**
 * Follows every node's boot from the events. Who took an address of ours or asked for more than one is kept apart from
 * who was only heard; of each kind the oldest is forgotten when there are too many.
 */
export class Timeline {
  readonly #clock: Pick<Clock, "now">;
  readonly #reached: StageReached;
  readonly #whoHas: WhoHas;
  readonly #boots = new Bounded<MacAddress, Entry>(NODES_WATCHED_MAX);
  readonly #heard = new Bounded<MacAddress, Entry>(NODES_HEARD_MAX);
  readonly #macs = new Map<Ipv4, MacAddress>();
  #facts = 0;

  constructor(clock: Pick<Clock, "now">, reached: StageReached, whoHas: WhoHas) {
    this.#clock = clock;
    this.#reached = reached;
    this.#whoHas = whoHas;
  }

  /** Each node's last boot, and who was only heard. */
  boots(): readonly NodeBoot[] {
    return [...this.#boots.values(), ...this.#heard.values()];
  }

  boot(mac: MacAddress): NodeBoot | undefined {
    return this.#entry(mac);
  }

  /** Nodes of which a kernel asked for an address, and no firmware: it may have booted by another interface. */
  kernelsAlone(): readonly NodeBoot[] {
    return this.boots().filter(
      ({ firmware, story }) =>
        firmware === undefined &&
        story.facts.some(({ event }) => event.kind === "dhcp" && event.client === "kernel"),
    );
  }

  /** Answers whose boot it was of. */
  tell(event: BootEvent): NodeBoot | undefined {
    const entry = this.#entryOf(event);
    if (entry === undefined) return undefined;
    entry.lastHeardAt = this.#clock.now();
    this.#remember(entry, event);
    if (event.kind !== "dhcp" && event.kind !== "refused") entry.hasGoneOn = true;
    switch (event.kind) {
      case "dhcp":
        this.#dhcp(entry, event);
        break;
      case "file":
        if (event.outcome !== "started" && event.outcome !== "done") break;
        this.#reach(entry, isKernel(event.path) ? "kernel" : "loader");
        break;
      case "mount":
        if (event.outcome === "granted") this.#reach(entry, "root");
        break;
      case "session":
        // Firmware may log in before there is a root.
        if (entry.stage === "root" && event.outcome === "began") this.#reach(entry, "volume");
        break;
      case "up":
        entry.tree = event.tree;
        entry.digest = event.digest;
        entry.base = event.base;
        this.#reach(entry, "up");
        break;
      case "portmap":
      case "refused":
        break;
    }
    return entry;
  }

  #entryOf(event: BootEvent): Entry | undefined {
    if (event.kind === "dhcp") return this.#asking(event);
    if (event.kind !== "refused") return this.#at(event.address);
    if (event.mac !== undefined) return this.#entry(event.mac) ?? this.#begin(event.mac);
    return event.address === undefined ? undefined : this.#at(event.address);
  }

  #entry(mac: MacAddress): Entry | undefined {
    return this.#boots.get(mac) ?? this.#heard.get(mac);
  }

  #asking(event: DhcpEvent): Entry {
    const known = this.#entry(event.mac);
    return known === undefined || this.#isAnother(known, event) ? this.#begin(event.mac) : known;
  }

  /** Firmware that asks for an address anew begins another boot, but for iPXE that firmware fetched. */
  #isAnother(known: Entry, { client, message }: DhcpEvent): boolean {
    if (!isFirmware(client) || message !== "DISCOVER") return false;
    if (client === "ipxe" && known.firmware === "pxe" && known.stage === "loader") return false;
    return known.hasGoneOn || this.#clock.now() - known.lastHeardAt > BOOT_PAUSE_MS;
  }

  #dhcp(entry: Entry, event: DhcpEvent): void {
    const firmware = isFirmware(event.client);
    entry.name = event.name ?? entry.name;
    entry.architecture = event.architecture ?? entry.architecture;
    if (isFirmware(event.client)) {
      entry.firmware = event.client;
      entry.hasGoneOn = false;
    }
    const isOurs = event.reply === "ACK" && event.message !== "INFORM";
    if (event.address !== undefined && (isOurs || this.#isTaken(event, event.address))) {
      this.#leave(entry);
      entry.address = event.address;
      this.#macs.set(event.address, event.mac);
    }
    if (!isOurs) return;
    if (firmware) entry.addressedAt = entry.lastHeardAt;
    this.#reach(entry, "dhcp");
  }

  #begin(mac: MacAddress): Entry {
    const now = this.#clock.now();
    const before = this.#entry(mac);
    const story = before?.story ?? new Story();
    story.begin(now);
    const entry: Entry = {
      mac,
      name: before?.name,
      address: before?.address,
      startedAt: now,
      reached: new Map(),
      stage: "heard",
      firmware: undefined,
      architecture: before?.architecture,
      addressedAt: undefined,
      tree: undefined,
      digest: undefined,
      base: undefined,
      lastHeardAt: now,
      story,
      hasGoneOn: false,
    };
    const booted = this.#boots.delete(mac);
    this.#heard.delete(mac);
    // A node that booted before is not a stranger for booting again.
    this.#keep(booted ? this.#boots : this.#heard, entry);
    return entry;
  }

  #keep(kept: Bounded<MacAddress, Entry>, entry: Entry): void {
    const forgotten = kept.put(entry.mac, entry);
    if (forgotten === undefined) return;
    this.#leave(forgotten);
    this.#facts -= forgotten.story.facts.length;
  }

  #remember(entry: Entry, event: BootEvent): void {
    this.#facts += entry.story.add(event, entry.lastHeardAt);
    if (this.#facts <= STORY_FACTS_TOTAL_MAX) return;
    for (const kept of [this.#boots, this.#heard]) {
      for (const { story } of kept.values()) this.#facts -= story.forgetHalf();
    }
  }

  /** An address of another server's, which the node asks for or says that it has: an INFORM takes it from nobody. */
  #isTaken({ mac, message, reply }: DhcpEvent, address: Ipv4): boolean {
    if (message === "REQUEST") return reply === undefined;
    if (message !== "INFORM") return false;
    const holder = this.#macs.get(address) ?? this.#whoHas(address)?.mac;
    return holder === undefined || holder === mac;
  }

  /** Its address may be another node's by now. */
  #leave({ address, mac }: Entry): void {
    if (address !== undefined && this.#macs.get(address) === mac) this.#macs.delete(address);
  }

  #at(address: Ipv4): Entry | undefined {
    const mac = this.#macs.get(address);
    return mac === undefined ? this.#fromBefore(address) : this.#entry(mac);
  }

  /** A node that got its address before the server was started again, and boots on. */
  #fromBefore(address: Ipv4): Entry | undefined {
    const node = this.#whoHas(address);
    if (node === undefined) return undefined;
    const known = this.#entry(node.mac);
    if (known?.address !== undefined) return undefined;
    const entry = known ?? this.#begin(node.mac);
    entry.name = node.name;
    entry.address = address;
    this.#macs.set(address, node.mac);
    return entry;
  }

  #reach(entry: Entry, stage: Stage): void {
    if (entry.reached.has(stage) || orderOf(stage) < orderOf(entry.stage)) return;
    if (this.#heard.delete(entry.mac)) this.#keep(this.#boots, entry);
    entry.reached.set(stage, entry.lastHeardAt);
    entry.stage = stage;
    this.#reached(entry, stage);
  }
}

function orderOf(stage: Stage | "heard"): number {
  return stage === "heard" ? -1 : stages.indexOf(stage);
}

function isFirmware(client: DhcpClient): client is "pxe" | "ipxe" {
  return client === "pxe" || client === "ipxe";
}

/** Its beginning was seen, so that its times say something: not where the server was started again meanwhile. */
export function isWhole({ firmware, reached }: NodeBoot): boolean {
  return firmware !== undefined || reached.has("loader") || reached.has("kernel");
}

interface BootBegun {
  readonly stage: string;
  readonly firmware?: string | undefined;
}

/** An address alone is no boot, unless firmware asked for it: a running system renews its own. */
export function isBoot({ stage, firmware }: BootBegun): boolean {
  return stage !== "heard" && (stage !== "dhcp" || firmware !== undefined);
}

/** Also as others than Debian name it, and as a Raspberry Pi asks for it. */
export function isKernel(path: string): boolean {
  return /(?:^|\/)(?:vmlinu[xz][^/]*|bzImage[^/]*|linux|kernel[^/]*\.img)$/.test(path);
}
