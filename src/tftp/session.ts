import type { Instant } from "../bytes/instant.ts";
import { isMalformed } from "../bytes/malformed.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { UdpSocket } from "../net/udp.ts";
import type { BootEvent, Tell } from "../watch/events.ts";
import type { Content } from "./content.ts";
import type { Terms } from "./options.ts";
import { decode, ErrorCode, encode, Opcode, type Packet } from "./packet.ts";
import { errorPacket, type Refusal } from "./request.ts";
import { Transfer } from "./transfer.ts";

export interface SessionOptions {
  readonly client: Endpoint;
  readonly path: string;
  readonly terms: Terms;
  readonly content: Content;
  /** The server's end of this transfer: its port is the transfer id. */
  readonly socket: UdpSocket;
  readonly now: () => Instant;
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
  /** Called after each step: `wakeAt` may have moved, or the session may have ended. */
  readonly stepped: () => void;
}

/** Drives one transfer: from its file, to and from its client, until it ends; and tells how that went. */
export class Session implements AsyncDisposable {
  readonly #options: SessionOptions;
  readonly #transfer: Transfer;
  #reading = false;
  #told: "nothing" | "started" | "ended" = "nothing";

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#transfer = new Transfer(options.terms);
  }

  get ended(): boolean {
    return this.#told === "ended";
  }

  get stalled(): boolean {
    return this.#transfer.stalled;
  }

  get wakeAt(): Instant | undefined {
    return this.#transfer.wakeAt;
  }

  /** A datagram to this transfer's port. */
  receive(bytes: Uint8Array, from: Endpoint): void {
    if (this.ended) return;
    const { client } = this.#options;
    const packet = decode(bytes);
    if (isMalformed(packet)) this.#refuse("malformed");
    else if (from.address !== client.address || from.port !== client.port) {
      this.#rebuff(packet, from);
    } else if (packet.opcode === Opcode.ACK || packet.opcode === Opcode.ERROR) {
      this.#transfer.receive(packet);
      this.step();
    } else this.#refuse("not of this transfer");
  }

  /** RFC 1350 §4: a stranger is told, and the transfer goes on. But no ERROR is answered with an ERROR. */
  #rebuff(packet: Packet, from: Endpoint): void {
    this.#refuse("unknown transfer id");
    const reply = errorPacket(ErrorCode.UNKNOWN_TID, "unknown transfer id");
    if (packet.opcode !== Opcode.ERROR) this.#options.socket.send(encode(reply), from);
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
    const { socket, client, now } = this.#options;
    for (let next = this.#transfer.take(now()); next !== undefined; ) {
      socket.send(next, client);
      next = this.#transfer.take(now());
    }
    this.#tellProgress();
    this.#options.stepped();
  }

  /** Closes it; one that is under way ends without a word to the client, which went on to something else. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.ended) this.#tellEnd(this.#transfer.allSent ? "done" : "aborted");
    await this.#options.socket[Symbol.asyncDispose]();
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
    const { report, path, socket, client } = this.#options;
    if (this.ended) return;
    report(`TFTP ${path}`, error);
    this.#transfer.fail();
    socket.send(encode(errorPacket(ErrorCode.NOT_DEFINED, "the file cannot be read")), client);
  }

  #tellProgress(): void {
    const { begun, outcome } = this.#transfer;
    if (this.#told === "nothing" && begun) {
      this.#told = "started";
      this.#tellFile("started", 0);
    }
    if (outcome !== undefined) this.#tellEnd(outcome === "done" ? "done" : "aborted");
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
