import { isMalformed } from "../bytes/malformed.ts";
import type { Reader } from "../bytes/reader.ts";
import {
  RPC_CALLS_PENDING_MAX,
  RPC_PENDING_BYTES_MAX,
  RPC_SENT_TOGETHER_BYTES,
} from "../limits.ts";
import type { TcpConnection, TcpHandler } from "../net/tcp.ts";
import { Credentials } from "./credentials.ts";
import type { Reply } from "./message.ts";
import { Outgoing } from "./outgoing.ts";
import { answerRecord, type RpcClient, type RpcService, refuse } from "./program.ts";
import { RecordReader } from "./record.ts";

/**
 * One connection: records in, replies out as they are ready, each whole in one write (klibc's nfsmount reads a reply
 * with a single read()). While too many calls wait, or the client does not take its replies, nothing is read.
 */
export class RpcConnection implements TcpHandler {
  readonly #connection: TcpConnection;
  readonly #service: RpcService;
  readonly #client: RpcClient;
  readonly #records = new RecordReader();
  readonly #outgoing = new Outgoing();
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
      credentials: new Credentials(),
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

  /** Answers what was received, as far as the bounds allow. */
  #proceed(): void {
    while (this.#isReady()) {
      const record = this.#records.next();
      if (record === undefined) break;
      if (isMalformed(record)) this.#abandon(record.malformed);
      else this.#answer(record);
      if (this.#outgoing.bytes >= RPC_SENT_TOGETHER_BYTES) this.#send();
    }
    this.#send();
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

  #answer(record: Reader): void {
    this.#expected = 0;
    const reply = answerRecord(this.#service, record, this.#client);
    if (!(reply instanceof Promise)) {
      if (isMalformed(reply)) this.#abandon(reply.malformed);
      else this.#outgoing.add(reply);
      return;
    }
    const expected = this.#expected;
    this.#pending += 1;
    this.#pendingBytes += expected;
    const done = (late: Reply): void => {
      this.#pending -= 1;
      this.#pendingBytes -= expected;
      this.#outgoing.add(late);
      this.#send();
      if (this.#paused) this.#proceed();
    };
    reply.then(done).catch((error) => this.#service.report("RPC connection", error));
  }

  /** What is held goes back when it has left, also where the connection ends before. */
  #send(): void {
    if (this.#outgoing.bytes === 0) return;
    const { parts, held } = this.#outgoing.take();
    const release = (): void => {
      for (const reply of held) reply.release();
    };
    if (!this.#open) release();
    else if (!this.#connection.send(parts, held.length === 0 ? undefined : release)) {
      this.#stalled = true;
    }
  }

  #abandon(reason: string): void {
    this.#send();
    refuse(this.#service, reason);
    this.#open = false;
    this.#connection.destroy();
  }
}
