import type { Instant } from "../bytes/instant.ts";
import { isMalformed } from "../bytes/malformed.ts";
import { TFTP_TURN_BLOCKS } from "../limits.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { UdpSocket } from "../net/udp.ts";
import type { BootEvent, Tell } from "../watch/events.ts";
import type { Content } from "./content.ts";
import type { Terms } from "./options.ts";
import { ackedBlock, decode, ErrorCode, encode, Opcode } from "./packet.ts";
import { errorPacket, type Refusal } from "./request.ts";
import { Transfer } from "./transfer.ts";

export interface SessionOptions {
  readonly client: Endpoint;
  readonly path: string;
  readonly terms: Terms;
  readonly content: Content;
  /** Where the client's datagrams arrive, those of other transfers too, and its own leave. */
  readonly port: UdpSocket;
  readonly now: () => Instant;
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
  /**
   * Called after each step: `wakeAt` may have moved, or the session may have ended. `more`: its turn was over before all
   * was sent; the next step goes on.
   */
  readonly stepped: (more: boolean) => void;
}

/** Drives one transfer: from its file, to and from its client, until it ends; and tells how that went. */
export class Session implements Disposable {
  readonly #options: SessionOptions;
  readonly #transfer: Transfer;
  #reading = false;
  #told: "nothing" | "started" | "ended" = "nothing";

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#transfer = new Transfer(options.terms);
  }

  get port(): UdpSocket {
    return this.#options.port;
  }

  get ended(): boolean {
    return this.#told === "ended";
  }

  get stalledSince(): Instant | undefined {
    return this.#transfer.stalledSince;
  }

  get wakeAt(): Instant | undefined {
    return this.#transfer.wakeAt;
  }

  /** The client's answer came: it is where it said. */
  get answered(): boolean {
    return this.#transfer.answered;
  }

  /** A datagram from the client to this transfer's port. */
  receive(bytes: Uint8Array): void {
    if (this.ended) return;
    const block = ackedBlock(bytes);
    if (block !== undefined) this.#transfer.acknowledge(block, this.#options.now());
    else if (!this.#takeOther(bytes)) return;
    this.step();
  }

  #takeOther(bytes: Uint8Array): boolean {
    const packet = decode(bytes);
    if (isMalformed(packet)) this.#refuse("malformed");
    else if (packet.opcode === Opcode.ERROR) {
      this.#transfer.cancel();
      return true;
    } else this.#refuse("not of this transfer");
    return false;
  }

  tick(now: Instant): void {
    if (this.wakeAt === undefined || now < this.wakeAt) return;
    this.#transfer.tick(now);
    this.step();
  }

  /** Reads what fits, sends what is due. */
  step(): void {
    if (this.ended) return;
    try {
      this.#fill();
    } catch (error) {
      this.#fail(error);
    }
    const sent = this.#send(this.#options.now());
    this.#tellProgress();
    this.#options.stepped(sent === TFTP_TURN_BLOCKS);
  }

  /** Ends it; one that is under way ends without a word to the client, which went on to something else. */
  [Symbol.dispose](): void {
    if (!this.ended) this.#tellEnd(this.#transfer.allSent ? "done" : "aborted");
  }

  /** What is due, up to one turn of it. */
  #send(now: Instant): number {
    const { port, client } = this.#options;
    for (let sent = 0; sent < TFTP_TURN_BLOCKS; sent += 1) {
      const next = this.#transfer.take(now);
      if (next === undefined) return sent;
      port.send(next, client);
    }
    return TFTP_TURN_BLOCKS;
  }

  #fill(): void {
    if (this.#reading) return;
    for (let room = this.#transfer.wants(); room !== undefined; room = this.#transfer.wants()) {
      const got = this.#options.content.next(room);
      if (typeof got !== "number") {
        this.#reading = true;
        void this.#fillLater(got);
        return;
      }
      this.#transfer.fed(got);
    }
  }

  async #fillLater(reading: Promise<number>): Promise<void> {
    try {
      this.#transfer.fed(await reading);
    } catch (error) {
      this.#fail(error);
    }
    this.#reading = false;
    this.step();
  }

  #fail(error: unknown): void {
    const { report, path, port, client } = this.#options;
    if (this.ended) return;
    report(`TFTP ${path}`, error);
    this.#transfer.fail();
    port.send(encode(errorPacket(ErrorCode.NOT_DEFINED, "the file cannot be read")), client);
  }

  #tellProgress(): void {
    const { begun, outcome } = this.#transfer;
    if (this.#told === "nothing" && begun) {
      this.#told = "started";
      this.#tellFile("started", 0);
    }
    if (outcome === "lost" && this.#told === "nothing") this.#tellUnanswered();
    if (outcome !== undefined) this.#tellEnd(outcome === "done" ? "done" : "aborted");
  }

  #tellUnanswered(): void {
    const { client, path, tell } = this.#options;
    const reason: Refusal = "never answered";
    tell({ kind: "refused", protocol: "tftp", reason, address: client.address, path });
  }

  #tellEnd(outcome: "done" | "aborted"): void {
    // A client that only asked for the size has begun nothing that could end.
    if (this.#told === "started") this.#tellFile(outcome, this.#transfer.bytesAcknowledged);
    this.#told = "ended";
  }

  #tellFile(outcome: Extract<BootEvent, { kind: "file" }>["outcome"], bytes: number): void {
    const { client, path, tell } = this.#options;
    tell({ kind: "file", protocol: "tftp", address: client.address, path, outcome, bytes });
  }

  #refuse(reason: Refusal): void {
    this.#options.tell({ kind: "refused", protocol: "tftp", reason });
  }
}
