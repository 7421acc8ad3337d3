import { isMalformed } from "../bytes/malformed.ts";
import { RPC_CALLS_PENDING_MAX, RPC_PENDING_BYTES_MAX } from "../limits.ts";
import type { TcpConnection, TcpHandler } from "../net/tcp.ts";
import type { Reply } from "./message.ts";
import { answerRecord, type RpcClient, type RpcService, refuse } from "./program.ts";
import { RecordReader } from "./record.ts";

/**
 * One connection: records in, replies out as they are ready, each in one write with its mark (klibc's nfsmount reads
 * a reply with a single read()). While too many calls wait, or the client does not take its replies, nothing is read.
 */
export class RpcConnection implements TcpHandler {
  readonly #connection: TcpConnection;
  readonly #service: RpcService;
  readonly #client: RpcClient;
  readonly #records = new RecordReader();
  #pending = 0;
  #pendingBytes = 0;
  /** What the call being started expects to answer. */
  #expected = 0;
  #stalled = false;
  #paused = false;
  #open = true;

  constructor(connection: TcpConnection, service: RpcService) {
    this.#connection = connection;
    this.#service = service;
    this.#client = {
      address: connection.peer.address,
      expect: (bytes) => {
        this.#expected = bytes;
      },
    };
  }

  data(bytes: Uint8Array): void {
    this.#records.push(bytes);
    this.#proceed();
  }

  drained(): void {
    this.#stalled = false;
    this.#proceed();
  }

  closed(): void {
    this.#open = false;
  }

  /** Answers what was received, as far as the bounds allow; the replies leave together. */
  #proceed(): void {
    if (!this.#open) return;
    this.#connection.cork();
    while (this.#isReady()) {
      const record = this.#records.next();
      if (record === undefined) break;
      if (isMalformed(record)) this.#abandon(record.malformed);
      else this.#answer(record);
    }
    this.#connection.uncork();
    if (!this.#open) return;
    const isReady = this.#isReady();
    if (isReady && this.#paused) this.#connection.resume();
    if (!isReady && !this.#paused) this.#connection.pause();
    this.#paused = !isReady;
  }

  #isReady(): boolean {
    return (
      this.#open &&
      !this.#stalled &&
      this.#pending < RPC_CALLS_PENDING_MAX &&
      this.#pendingBytes < RPC_PENDING_BYTES_MAX
    );
  }

  #answer(record: Uint8Array): void {
    this.#expected = 0;
    const reply = answerRecord(this.#service, record, this.#client);
    if (!(reply instanceof Promise)) {
      if (isMalformed(reply)) this.#abandon(reply.malformed);
      else this.#send(reply);
      return;
    }
    const expected = this.#expected;
    this.#pending += 1;
    this.#pendingBytes += expected;
    const done = (parts: Reply): void => {
      this.#pending -= 1;
      this.#pendingBytes -= expected;
      this.#send(parts);
      if (this.#paused) this.#proceed();
    };
    reply.then(done).catch((error) => this.#service.report("RPC connection", error));
  }

  #send(reply: Reply): void {
    if (!this.#open) return;
    const [first] = reply;
    if (reply.length === 1 && first !== undefined) {
      if (!this.#connection.write(first)) this.#stalled = true;
      return;
    }
    this.#connection.cork();
    for (const part of reply) {
      if (!this.#connection.write(part)) this.#stalled = true;
    }
    this.#connection.uncork();
  }

  #abandon(reason: string): void {
    refuse(this.#service, reason);
    this.#open = false;
    this.#connection.destroy();
  }
}
