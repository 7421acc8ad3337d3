import { after, type Instant } from "../bytes/instant.ts";
import { TFTP_RETRIES_MAX } from "../limits.ts";
import type { Terms } from "./options.ts";
import { encode, Opcode, type Packet } from "./packet.ts";
import { Window } from "./window.ts";

/**
 * How a transfer ended. `probed`: the client only wanted to know the size; `cancelled`: it said ERROR;
 * `lost`: it fell silent; `failed`: the file could not be read.
 */
export type Outcome = "done" | "probed" | "cancelled" | "lost" | "failed";

type State =
  | { readonly kind: "offered"; readonly oack: Uint8Array; due: boolean }
  | { readonly kind: "sending" }
  | { readonly kind: "ended"; readonly outcome: Outcome; readonly begun: boolean };

/**
 * One file on its way to one client: RFC 1350 with the options of RFC 2347 to 2349 and 7440. It owns no socket, no
 * clock and no file. After each call its driver fills what it `wants`, sends what it can `take`, and sees to it
 * that `tick` is called at `wakeAt`.
 */
export class Transfer {
  readonly #terms: Terms;
  readonly #window: Window;
  #state: State;
  #waitMs: number;
  #retries = 0;
  #deadline: Instant | undefined;

  constructor(terms: Terms) {
    this.#terms = terms;
    this.#window = new Window(terms.blockBytes, terms.windowBlocks);
    this.#waitMs = terms.timeoutMs;
    const oack = { opcode: Opcode.OACK, options: terms.accepted };
    this.#state =
      terms.accepted.length === 0
        ? { kind: "sending" }
        : { kind: "offered", oack: encode(oack), due: true };
  }

  /** The outcome, once it ended. */
  get outcome(): Outcome | undefined {
    return this.#state.kind === "ended" ? this.#state.outcome : undefined;
  }

  /** False as long as the client may only be asking for the size. */
  get begun(): boolean {
    return this.#state.kind === "ended" ? this.#state.begun : this.#state.kind === "sending";
  }

  /** It was under way, but now the client is silent. */
  get stalled(): boolean {
    return this.#retries > 0 && this.#window.bytesAcknowledged > 0;
  }

  /** All but the last acknowledgement is done. */
  get allSent(): boolean {
    return this.#window.allSent;
  }

  get bytesAcknowledged(): number {
    return this.#window.bytesAcknowledged;
  }

  get wakeAt(): Instant | undefined {
    const waits =
      this.#state.kind === "offered" ||
      (this.#state.kind === "sending" && this.#window.outstanding);
    return waits ? this.#deadline : undefined;
  }

  /** Where the next block of the file belongs: it is read before it is needed. */
  wants(): Uint8Array | undefined {
    return this.#state.kind === "ended" ? undefined : this.#window.wants();
  }

  /** What was wanted is there; fewer bytes than were wanted are the end of the file. */
  fed(bytes: number): void {
    this.#window.fed(bytes);
  }

  /** The file cannot be read. */
  fail(): void {
    this.#end("failed");
  }

  /** A packet from the client's own address and port. */
  receive(packet: Packet): void {
    const state = this.#state;
    if (packet.opcode === Opcode.ERROR) {
      // RFC 2347: an ERROR may answer the OACK. OVMF asks so for the size (code 8, "User aborted the
      // transfer"), other firmware with code 0; then it begins anew from another port.
      this.#end(state.kind === "offered" ? "probed" : "cancelled");
    } else if (packet.opcode === Opcode.ACK && state.kind === "offered") {
      if (packet.block === 0) {
        this.#state = { kind: "sending" };
        this.#progress();
      }
    } else if (packet.opcode === Opcode.ACK && state.kind === "sending") {
      if (this.#window.acknowledge(packet.block)) this.#progress();
      if (this.#window.complete) this.#end("done");
    }
  }

  /** Time has passed. */
  tick(now: Instant): void {
    const wakeAt = this.wakeAt;
    if (wakeAt === undefined || now < wakeAt) return;
    if (this.#retries === TFTP_RETRIES_MAX) {
      this.#end("lost");
      return;
    }
    this.#retries += 1;
    this.#waitMs = Math.min(this.#waitMs * 2, this.#terms.timeoutMaxMs);
    if (this.#state.kind === "offered") this.#state.due = true;
    else this.#window.rewind();
  }

  /** The next datagram to send, if there is one. */
  take(now: Instant): Uint8Array | undefined {
    const datagram = this.#next();
    if (datagram !== undefined) this.#deadline = after(now, this.#waitMs);
    return datagram;
  }

  #next(): Uint8Array | undefined {
    const state = this.#state;
    switch (state.kind) {
      case "offered":
        if (!state.due) return undefined;
        state.due = false;
        return state.oack;
      case "sending":
        return this.#window.take();
      case "ended":
        return undefined;
    }
  }

  #progress(): void {
    this.#retries = 0;
    this.#waitMs = this.#terms.timeoutMs;
  }

  #end(outcome: Outcome): void {
    if (this.#state.kind !== "ended") {
      this.#state = { kind: "ended", outcome, begun: this.begun };
    }
  }
}
