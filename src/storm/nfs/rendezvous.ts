import { type Ipv4, ipv4 } from "../../bytes/ipv4.ts";
import type { Reader } from "../../bytes/reader.ts";
import { MOUNT_PATH_BYTES_MAX } from "../../limits.ts";
import type { Clock } from "../../net/clock.ts";
import type { Connect } from "../../net/stream.ts";
import type { Done, Origin, Tally } from "../client.ts";
import { opaque } from "../rpc/call.ts";
import { Enquiry } from "./enquiry.ts";
import { getPort, mnt, NFS_PROGRAM, type Operation } from "./operations.ts";
import { readHandle } from "./results.ts";

/** Where a server's NFS is. Ports that are said are not those that portmap tells; without portmap both are said. */
export interface NfsPlace {
  readonly address: Ipv4;
  readonly portmap: number | undefined;
  readonly nfs?: number | undefined;
  readonly mount?: number | undefined;
}

export interface RendezvousOptions {
  readonly server: NfsPlace;
  readonly from: Origin;
  readonly clock: Clock;
  readonly random: () => number;
  readonly patienceMs: number;
  readonly tally: Tally;
  readonly connect?: Connect;
}

/** RFC 1813 §2.1 */
export const NFS_PORT = 2049;
/** RFC 1833 §3.1: as portmap names it. */
const PROTOCOL_TCP = 6;

/** From an address and a path to the root's handle, as klibc's nfsmount gets there: portmap twice, then MOUNT. */
export class Rendezvous implements Disposable {
  readonly #options: RendezvousOptions;
  readonly #ports = new Map<number, number>();
  #enquiries = new Set<Enquiry>();

  constructor(options: RendezvousOptions) {
    this.#options = options;
    const { nfs, mount } = options.server;
    if (nfs !== undefined) this.#ports.set(NFS_PROGRAM, nfs);
    if (mount !== undefined) this.#ports.set(mnt.program, mount);
  }

  get nfsPort(): number {
    return this.#ports.get(NFS_PROGRAM) ?? NFS_PORT;
  }

  /** RFC 1833 §3.2: PMAPPROC_GETPORT. Left out where there is none to ask, as mounts with `port=` and `mountport=` do. */
  portmap(program: number, version: number, done: Done): void {
    const { portmap } = this.#options.server;
    if (portmap === undefined) {
      done(this.#ports.has(program) ? undefined : "no portmapper says where that program is");
      return;
    }
    const args = Buffer.alloc(16);
    args.writeUInt32BE(program, 0);
    args.writeUInt32BE(version, 4);
    args.writeUInt32BE(PROTOCOL_TCP, 8);
    this.#ask(getPort, portmap, args, (results) => {
      if (typeof results === "string") return done(results);
      const port = results.u32();
      if (results.failed || port > 65_535) return done("GETPORT: malformed answer");
      if (this.#ports.has(program)) return done();
      if (port === 0) return done("portmap knows no such program");
      this.#ports.set(program, port);
      done();
    });
  }

  /** RFC 1813 §5.2.1. Asks portmap first where the trace did not. */
  mount(path: string, done: (failure: string | undefined, handle?: Uint8Array) => void): void {
    const port = this.#ports.get(mnt.program);
    const bytes = Buffer.from(path, "latin1");
    if (bytes.length > MOUNT_PATH_BYTES_MAX) done("the path to mount is too long");
    else if (port === undefined) {
      this.portmap(mnt.program, mnt.version, (failure) =>
        failure === undefined ? this.mount(path, done) : done(failure),
      );
    } else {
      this.#ask(mnt, port, opaque(bytes), (results) => {
        const handle = typeof results === "string" ? results : rootIn(results);
        if (typeof handle === "string") done(handle);
        else done(undefined, handle);
      });
    }
  }

  [Symbol.dispose](): void {
    for (const enquiry of this.#enquiries) enquiry[Symbol.dispose]();
  }

  #ask(
    operation: Operation,
    port: number,
    args: Uint8Array,
    done: (results: Reader | string) => void,
  ): void {
    const enquiry = new Enquiry({
      ...this.#options,
      server: { address: ipv4(this.#options.server.address), port },
      isPrivileged: operation === mnt,
      operation,
      args,
      done: (results) => {
        this.#enquiries.delete(enquiry);
        done(results);
      },
    });
    this.#enquiries.add(enquiry);
  }
}

/** mountres3 */
function rootIn(results: Reader): Uint8Array | string {
  const status = results.u32();
  if (!results.failed && status !== 0) return `MNT is refused: ${mountStatus(status)}`;
  const handle = readHandle(results);
  return results.failed || handle.length === 0 ? "MNT: malformed answer" : handle;
}

/** RFC 1813 §5.1.5 */
function mountStatus(status: number): string {
  if (status === 2) return "MNT3ERR_NOENT";
  if (status === 13) return "MNT3ERR_ACCES";
  return status === 20 ? "MNT3ERR_NOTDIR" : "MNT3ERR_other";
}
