import type { Reader } from "../../bytes/reader.ts";
import { STORM_MOUNT_CALL_BYTES } from "../../limits.ts";
import type { Clock } from "../../net/clock.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import type { Connect } from "../../net/stream.ts";
import type { Origin, Tally } from "../client.ts";
import { type Call, noCredential } from "../rpc/call.ts";
import { type Refusal, RpcConnection, type RpcHandler } from "../rpc/connection.ts";
import type { Operation } from "./operations.ts";

export interface EnquiryOptions {
  readonly server: Endpoint;
  readonly from: Origin;
  readonly isPrivileged: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  readonly patienceMs: number;
  readonly tally: Tally;
  readonly connect?: Connect;
  readonly operation: Operation;
  /** XDR. */
  readonly args: Uint8Array;
  /** The results, or why there are none. */
  readonly done: (results: Reader | string) => void;
}

/** One question on a connection of its own, without credentials, as klibc's nfsmount asks portmap and MOUNT. */
export class Enquiry implements RpcHandler<undefined>, Disposable {
  readonly #options: EnquiryOptions;
  readonly #connection: RpcConnection<undefined>;

  constructor(options: EnquiryOptions) {
    this.#options = options;
    this.#connection = new RpcConnection({
      ...options,
      callBytesMax: STORM_MOUNT_CALL_BYTES,
      handler: this,
      make: () => undefined,
    });
    const call = this.#connection.take();
    if (call === undefined) throw new RangeError("the first call has no place");
    this.#connection.send(call.begin(options.operation, noCredential).put(options.args).finish());
  }

  answered(call: Call<undefined>, results: Reader, received: number): void {
    const { tally, operation, done } = this.#options;
    const ms = this.#connection.heardAt - call.sentAt;
    tally.answered("mount", operation.label, ms, received, call.length);
    this.#connection.close();
    done(results);
  }

  refused(_: Call<undefined>, why: Refusal): void {
    this.#connection.close();
    this.#options.done(`${this.#options.operation.label} is refused: ${why}`);
  }

  begins(): boolean {
    return false;
  }

  piece(): void {}

  ends(): void {}

  complained(reason: string): void {
    this.#options.tally.complained("mount", reason);
  }

  repeated(): void {
    this.#options.tally.retransmitted("mount");
  }

  gaveUp(): void {
    this.#options.done(`${this.#options.operation.label}: no answer`);
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}
