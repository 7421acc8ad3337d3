import type { Instant } from "../../src/bytes/instant.ts";

/** How long a client waits for DATA before it says again what it has. */
const PATIENCE_MS = 2000;

/** What comes after so long is no part of the same burst: the server has waited, and sends again. */
const BURST_MS = 10;

/**
 * A client by RFC 1350 and RFC 7440 §4, which shares no code with the server: its packets are put together by hand. As
 * firmware does, it keeps nothing that is out of order, and says only once a burst what it misses.
 */
export class Receiver {
  readonly #blockBytes: number;
  readonly #windowBlocks: number;
  readonly #chunks: Uint8Array[] = [];
  /** Blocks in hand, without the roll-over; undefined before the OACK. */
  #blocks: number | undefined;
  #inWindow = 0;
  #toldGap = false;
  #acksDue = 0;
  #complete = false;
  #lastAt = 0;
  received = 0;
  wakeAt: Instant | undefined;

  constructor(blockBytes: number, windowBlocks: number) {
    this.#blockBytes = blockBytes;
    this.#windowBlocks = windowBlocks;
  }

  file(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  receive(datagram: Uint8Array, now: number): void {
    if (now - this.#lastAt > BURST_MS) this.#toldGap = false;
    this.#lastAt = now;
    if (datagram[1] === 6) {
      // It comes again where the ACK was lost.
      this.#blocks ??= 0;
      if (this.#blocks === 0) this.#acknowledge();
    } else if (this.#blocks !== undefined) {
      const block = ((datagram[2] ?? 0) << 8) | (datagram[3] ?? 0);
      if (!this.#complete && block === ((this.#blocks + 1) & 0xffff)) {
        this.#keep(datagram.subarray(4), this.#blocks + 1);
      } else if (this.#complete || !this.#toldGap) {
        this.#acknowledge();
        this.#toldGap = true;
      }
    }
  }

  tick(now: Instant): void {
    if (this.wakeAt !== undefined && now >= this.wakeAt) this.#acknowledge();
  }

  take(now: Instant): Uint8Array[] {
    const block = this.#blocks ?? 0;
    const ack = Uint8Array.of(0, 4, (block >> 8) & 255, block & 255);
    const acks = Array.from({ length: this.#acksDue }, () => ack);
    if (this.#blocks !== undefined) this.wakeAt = (now + PATIENCE_MS) as Instant;
    if (this.#complete) this.wakeAt = undefined;
    this.#acksDue = 0;
    return acks;
  }

  #keep(data: Uint8Array, blocks: number): void {
    this.#chunks.push(data);
    this.received += data.length;
    this.#blocks = blocks;
    this.#inWindow += 1;
    this.#toldGap = false;
    this.#complete = data.length < this.#blockBytes;
    if (this.#complete || this.#inWindow === this.#windowBlocks) this.#acknowledge();
  }

  #acknowledge(): void {
    this.#inWindow = 0;
    this.#toldGap = false;
    this.#acksDue += 1;
  }
}
