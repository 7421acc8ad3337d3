import { randomBytes } from "node:crypto";
import { type Cidr, contains, formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import { type SessionInfo, serveIscsi as serve } from "../iscsi/server.ts";
import type { ChapSettings, FoundTarget, LoginRefusal, Targets } from "../iscsi/target.ts";
import { systemClock } from "../net/clock.ts";
import { Buffers } from "../scsi/buffers.ts";
import { Disk } from "../scsi/disk.ts";
import { UserError } from "../user-error.ts";
import { FileVolume } from "../volume/file.ts";
import type { Volume } from "../volume/volume.ts";
import type { BootEvent } from "../watch/events.ts";
import { hostAddress, network, warn } from "./options.ts";

/**
 * `sidus/iscsi`: an iSCSI target (RFC 7143, error recovery level 0) in this process, for programs of your own. What is
 * served is a `Volume`: a file, or anything of yours that implements it, as a thin disk of 512-byte blocks at LUN 0.
 */

export { UserError } from "../user-error.ts";
export type { Extent, Volume, VolumeError } from "../volume/volume.ts";
export type { BootEvent as IscsiEvent } from "../watch/events.ts";
export type { ChapSettings };

export interface IscsiTarget {
  /** What initiators log in to: `iqn.2024-01.org.example:disk`. */
  readonly name: string;
  /** Any number of initiators share it, as a disk on a SAN: file systems for one machine do not bear that. */
  readonly volume: Volume;
  /** Networks and addresses that may log in, as `10.0.0.0/24` or `10.0.0.7`. Unless written: everyone. */
  readonly initiators?: readonly string[];
  /** Unless written, no initiator must prove who it is. */
  readonly chap?: ChapSettings;
}

export interface IscsiServerOptions {
  /** An IPv4 address of this machine, or `0.0.0.0`. Unless written: `127.0.0.1`. */
  readonly host?: string;
  /** Unless written: 3260; 0 lets the system choose. */
  readonly port?: number;
  readonly targets: readonly IscsiTarget[];
  /** Told of sessions and of what was refused. */
  readonly onEvent?: (event: BootEvent) => void;
  /** Told of what went wrong inside; the server goes on. Unless written: a warning of the process. */
  readonly onError?: (error: Error) => void;
}

export interface IscsiServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  sessions(): readonly IscsiSession[];
  /** Sessions are asked to end, and have a moment for it. Volumes stay open: they are their owner's. */
  close(): Promise<void>;
}

export interface IscsiSession {
  readonly target: string;
  readonly initiator: string;
  readonly address: string;
  /** SCSI commands so far. */
  readonly commands: number;
}

/** Starts a server; answers when it listens. @throws UserError for options that make no sense, or a port in use. */
export async function serveIscsi(options: IscsiServerOptions): Promise<IscsiServer> {
  const { host = "127.0.0.1", port = 3260, onEvent = () => {}, onError = warn } = options;
  const address = hostAddress(host);
  const report = (what: string, cause: unknown): void => onError(new Error(what, { cause }));
  const server = await serve({
    local: { address, port },
    targets: new FixedTargets(options.targets, report),
    clock: systemClock,
    random: randomBytes,
    tell: onEvent,
    report,
  });
  const close = async (): Promise<void> => await server[Symbol.asyncDispose]();
  return {
    host: formatIpv4(server.local.address),
    port: server.local.port,
    sessions: () => server.sessions().map(sessionOf),
    close,
    [Symbol.asyncDispose]: close,
  };
}

export interface FileOptions {
  readonly isReadOnly?: boolean;
  /** Told, once, what the file system cannot do. Unless written: a warning of the process. */
  readonly onWarning?: (text: string) => void;
}

/** A file as a disk; its size is the disk's. It must be open once only. @throws system errors. */
export function openFile(path: string, options: FileOptions = {}): Volume & AsyncDisposable {
  const { isReadOnly = false, onWarning = (text) => process.emitWarning(text) } = options;
  return new FileVolume({ path, isReadOnly, clock: systemClock, warn: onWarning });
}

interface Offered {
  readonly target: FoundTarget;
  readonly initiators: readonly Cidr[] | undefined;
}

/** Those that the program named. */
class FixedTargets implements Targets {
  readonly #offered = new Map<string, Offered>();

  constructor(targets: readonly IscsiTarget[], report: (what: string, error: unknown) => void) {
    const buffers = new Buffers();
    for (const { name, volume, initiators, chap } of targets) {
      if (!/^(iqn\.\d{4}-\d{2}\.|eui\.|naa\.)[a-z0-9.:-]{1,200}$/.test(name)) {
        throw new UserError(
          `name: expected an iSCSI name, as iqn.2024-01.org.example:disk, found "${name}"`,
        );
      }
      const serial = name.slice(name.lastIndexOf(":") + 1);
      const disk = new Disk({ volume, identity: { name, serial }, buffers, report });
      const opened = { target: { name, disk }, async [Symbol.asyncDispose]() {} };
      const target = { chap, open: async () => opened };
      this.#offered.set(name, { target, initiators: initiators?.map(network("initiators")) });
    }
  }

  list({ address }: { readonly address: Ipv4 }): string[] {
    const all = [...this.#offered];
    return all.flatMap(([name, offered]) => (admits(offered, address) ? [name] : []));
  }

  async find(
    name: string,
    { address }: { readonly address: Ipv4 },
  ): Promise<FoundTarget | LoginRefusal> {
    const offered = this.#offered.get(name);
    if (offered === undefined) return "not-found";
    return admits(offered, address) ? offered.target : "forbidden";
  }
}

function admits({ initiators }: Offered, address: Ipv4): boolean {
  return initiators?.some((one) => contains(one, address)) ?? true;
}

function sessionOf({ target, initiator, address, commands }: SessionInfo): IscsiSession {
  return { target, initiator, address: formatIpv4(address), commands };
}
