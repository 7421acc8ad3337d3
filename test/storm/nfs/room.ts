import { LOOPBACK_ADDRESS } from "../../../src/bytes/ipv4.ts";
import { macFromBytes } from "../../../src/bytes/mac.ts";
import { type Clock, systemClock } from "../../../src/net/clock.ts";
import type { Connect } from "../../../src/net/stream.ts";
import type { SimulatedIdentity, StormProtocol, Tally } from "../../../src/storm/client.ts";
import { SeenContent } from "../../../src/storm/expectations.ts";
import { NfsClient } from "../../../src/storm/nfs/client.ts";
import { seededRandom } from "../../../src/storm/random.ts";
import type { NfsCall, TraceFile } from "../../../src/storm/trace/trace.ts";

/** All that clients tell, kept. */
export class Told implements Tally {
  readonly calls: string[] = [];
  readonly sizes: {
    readonly operation: string;
    readonly received: number;
    readonly sent: number;
  }[] = [];
  readonly complaints: string[] = [];
  readonly differences: string[] = [];
  repeated = 0;
  bytes = 0;

  answered(_: StormProtocol, operation: string, ms: number, received: number, sent: number): void {
    if (!(ms >= 0)) throw new RangeError(`${operation} took ${ms} ms`);
    this.calls.push(operation);
    this.sizes.push({ operation, received, sent });
  }

  moved(): void {}

  retransmitted(): void {
    this.repeated += 1;
  }

  complained(protocol: StormProtocol, reason: string): void {
    this.complaints.push(`${protocol} ${reason}`);
  }

  verified(bytes: number): void {
    this.bytes += bytes;
  }

  differed(_: StormProtocol, what: string): void {
    this.differences.push(what);
  }
}

export function identity(index: number): SimulatedIdentity {
  const mac = macFromBytes(Uint8Array.of(0x52, 0x54, 0, 0, index >> 8, index & 255));
  return { index, name: `node${index}`, mac, uuid: Buffer.alloc(16, index) };
}

export interface NodeOptions {
  readonly files: readonly TraceFile[];
  readonly port: number;
  /** Undefined, and said so: there is none. */
  readonly portmap?: number | undefined;
  /** False: portmap must tell them. */
  readonly isToldPorts?: boolean;
  readonly clock?: Clock;
  readonly patienceMs?: number;
  readonly index?: number;
  readonly connect?: Connect;
  readonly expectations?: SeenContent;
  /** Of what stands for a file, where that is not what was recorded. */
  readonly served?: ReadonlyMap<number, { readonly path: string; readonly size: number }>;
}

/** One simulated node's NFS, and what it told; calls as promises of their failures. */
export class NfsNode implements Disposable {
  readonly told = new Told();
  readonly client: NfsClient;
  readonly expectations: SeenContent;

  constructor(options: NodeOptions) {
    const { files, port, clock = systemClock, patienceMs = 20_000, index = 0, served } = options;
    const { connect, isToldPorts = true } = options;
    const portmap = "portmap" in options ? options.portmap : port;
    this.expectations = options.expectations ?? new SeenContent();
    this.client = new NfsClient({
      server: {
        address: LOOPBACK_ADDRESS,
        portmap,
        ...(isToldPorts ? { nfs: port, mount: port } : {}),
      },
      ...(connect === undefined ? {} : { connect }),
      from: { address: undefined },
      clock,
      random: seededRandom(index),
      patienceMs,
      tally: this.told,
      expectations: this.expectations,
      trace: { files },
      mapping: {
        pathOf: (file) => served?.get(file)?.path ?? files[file]?.path,
        sizeOf: (file) => served?.get(file)?.size ?? files[file]?.size ?? 0,
      },
      isTreeKnown: true,
      identity: identity(index),
    });
  }

  mount(path = "/srv/nfsroot/test"): Promise<string | undefined> {
    return new Promise((resolve) => this.client.mount(path, resolve));
  }

  call(call: NfsCall): Promise<string | undefined> {
    return new Promise((resolve) => this.client.call(call, resolve));
  }

  portmap(program: number): Promise<string | undefined> {
    return new Promise((resolve) => this.client.portmap(program, 3, resolve));
  }

  [Symbol.dispose](): void {
    this.client.close();
  }
}
