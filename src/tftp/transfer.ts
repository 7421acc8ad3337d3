import { after, type Instant } from "../bytes/instant.ts";
import {
  TFTP_AGREED_WAITS_MAX,
  TFTP_SILENCE_MS,
  TFTP_TIMEOUT_MAX_MS,
  TFTP_UNANSWERED_SENDS_MAX,
} from "../limits.ts";
import type { Terms } from "./options.ts";
import { encode, Opcode } from "./packet.ts";
import { RoundTrip } from "./round-trip.ts";
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
  readonly #roundTrip = new RoundTrip();
  #state: State;
  /** Each time that it was for nothing, the wait doubles, until an answer shows that it is long enough (RFC 6298 §5.5). */
  #doublings = 0;
  /** Waits for nothing since something new came. */
  #retries = 0;
  #answered = false;
  /** When something new came last, or the first datagram was sent. */
  #heardAt: Instant | undefined;
  #sentAt = 0 as Instant;
  #deadline: Instant | undefined;

  constructor(terms: Terms) {
    this.#terms = terms;
    this.#window = new Window(terms.blockBytes, terms.windowBlocks);
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

  /** The client said something that only it can say: no one forged its address. */
  get answered(): boolean {
    return this.#answered;
  }

  /** False as long as the client may only be asking for the size. */
  get begun(): boolean {
    return this.#state.kind === "ended" ? this.#state.begun : this.#state.kind === "sending";
  }

  /** It was under way, but now the client is silent: since when. */
  get stalledSince(): Instant | undefined {
    return this.#retries > 0 && this.#window.bytesAcknowledged > 0 ? this.#heardAt : undefined;
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

  /**
   * An ERROR from the client. RFC 2347: it may answer the OACK. OVMF asks so for the size (code 8, "User aborted the
   * transfer"), other firmware with code 0; then it begins anew from another port.
   */
  cancel(): void {
    this.#end(this.#state.kind === "offered" ? "probed" : "cancelled");
  }

  /** An ACK from the client. */
  acknowledge(block: number, now: Instant): void {
    const { kind } = this.#state;
    if (kind === "offered" && block === 0) {
      this.#state = { kind: "sending" };
      this.#progress(now, this.#retries === 0);
    } else if (kind === "sending") {
      if (this.#window.acknowledge(block)) this.#progress(now, this.#window.answeredOnce);
      if (this.#window.complete) this.#end("done");
    }
  }

  /** Time has passed. */
  tick(now: Instant): void {
    const wakeAt = this.wakeAt;
    if (wakeAt === undefined || now < wakeAt) return;
    const silenceEnds = this.#silenceEnds(now);
    if (now >= silenceEnds) {
      this.#end("lost");
      return;
    }
    this.#retries += 1;
    this.#doublings += 1;
    if (!this.#answered && this.#retries >= TFTP_UNANSWERED_SENDS_MAX) this.#deadline = silenceEnds;
    else if (this.#state.kind === "offered") this.#state.due = true;
    else this.#window.rewind();
  }

  /** The next datagram to send, if there is one. */
  take(now: Instant): Uint8Array | undefined {
    const datagram = this.#next();
    if (datagram === undefined) return undefined;
    this.#heardAt ??= now;
    this.#sentAt = now;
    this.#deadline = after(now, this.#waitMs());
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

  /** `measurable`: what is answered now was sent last, and once. */
  #progress(now: Instant, measurable: boolean): void {
    this.#answered = true;
    this.#heardAt = now;
    this.#retries = 0;
    const tookMs = now - this.#sentAt;
    if (measurable) this.#roundTrip.measured(tookMs);
    if (measurable || this.#roundTrip.isUsual(tookMs)) this.#doublings = 0;
  }

  #waitMs(): number {
    const { timeoutMs } = this.#terms;
    if (timeoutMs !== undefined) return timeoutMs;
    return Math.min(this.#roundTrip.timeoutMs * 2 ** this.#doublings, TFTP_TIMEOUT_MAX_MS);
  }

  #silenceEnds(now: Instant): Instant {
    const waitsMs = this.#answered ? (this.#terms.timeoutMs ?? 0) * TFTP_AGREED_WAITS_MAX : 0;
    return after(this.#heardAt ?? now, Math.max(TFTP_SILENCE_MS, waitsMs));
  }

  #end(outcome: Outcome): void {
    if (this.#state.kind !== "ended") {
      this.#state = { kind: "ended", outcome, begun: this.begun };
    }
  }
}
