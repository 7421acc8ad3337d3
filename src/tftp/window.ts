import { DATA_HEADER_BYTES, writeDataHeader } from "./packet.ts";

interface Slot {
  /** Header and data of the longest block. */
  readonly bytes: Uint8Array;
  readonly data: Uint8Array;
  /** What of `bytes` is sent. */
  datagram: Uint8Array;
}

/**
 * The blocks that are being sent (RFC 7440; a window of one is RFC 1350's lock-step). Blocks are counted from 1 without
 * end; on the wire the number has 16 bits and goes on with 0 after 65535. A block stays in its slot until it is
 * acknowledged, so that resending reads nothing again.
 *
 *      acknowledged │ base … next-1: sent │ next … filled-1: to be sent │ to be filled │ base + blocks
 */
export class Window {
  /** Made when first needed: most files are shorter than a window. */
  readonly #slots: Slot[] = [];
  readonly #blockBytes: number;
  readonly #blocks: number;
  #base = 1;
  #next = 1;
  #filled = 1;
  /** The highest block ever sent. */
  #highest = 0;
  #lastTakenIsNew = false;
  /** The last block of the file, once known, and how many bytes it has. */
  #last = Number.POSITIVE_INFINITY;
  #lastBytes = 0;
  /** An ACK that only repeats a block up to this one is no news. */
  #quietUntil: number;

  constructor(blockBytes: number, blocks: number) {
    this.#blockBytes = blockBytes;
    this.#blocks = blocks;
    // In lock-step a repeated ACK never causes a DATA: each would cause one more ACK, to the end of the
    // file (the Sorcerer's Apprentice; RFC 1123 §4.2.3.1). Only the timer resends.
    this.#quietUntil = blocks === 1 ? Number.POSITIVE_INFINITY : -1;
  }

  /** Where the next block's data belongs, while there is room for it. */
  wants(): Uint8Array | undefined {
    const more = this.#filled < this.#base + this.#blocks && this.#filled <= this.#last;
    return more ? this.#slot(this.#filled).data : undefined;
  }

  /** The block that was wanted is in place. A short one, also an empty one, is the last. */
  fed(bytes: number): void {
    const slot = this.#slot(this.#filled);
    writeDataHeader(slot.bytes, this.#filled & 0xffff);
    slot.datagram = slot.bytes;
    if (bytes < this.#blockBytes) {
      slot.datagram = slot.bytes.subarray(0, DATA_HEADER_BYTES + bytes);
      this.#last = this.#filled;
      this.#lastBytes = bytes;
    }
    this.#filled += 1;
  }

  /** The next DATA to send; it stays as it is until it is acknowledged. */
  take(): Uint8Array | undefined {
    if (this.#next >= this.#filled) return undefined;
    const { datagram } = this.#slot(this.#next);
    this.#lastTakenIsNew = this.#next > this.#highest;
    this.#highest = Math.max(this.#highest, this.#next);
    this.#next += 1;
    return datagram;
  }

  /** Takes an ACK's 16 bits; true: it acknowledged something new. */
  acknowledge(block: number): boolean {
    const news = (block - (this.#base - 1)) & 0xffff;
    if (this.#base - 1 + news > this.#highest) return false;
    if (news === 0) {
      // RFC 7440 §4: the first block of the window was lost, and this repeats the one before it.
      if (this.#base - 1 > this.#quietUntil && this.outstanding) this.rewind();
      return false;
    }
    this.#base += news;
    this.#next = Math.max(this.#next, this.#base);
    // RFC 7440 §4: an ACK from within the window says that the next block was lost; a new window begins there.
    if (this.outstanding) this.rewind();
    return true;
  }

  /**
   * Sends again what was sent and not acknowledged. Blocks that arrive twice can be acknowledged twice: those ACKs
   * must not cause the same again, or every window until the end of the file would be sent double.
   */
  rewind(): void {
    this.#next = this.#base;
    this.#quietUntil = Math.max(this.#quietUntil, this.#highest);
  }

  /** All that was sent is acknowledged, and the last block of it was sent only once: its ACK answers that one time. */
  get answeredOnce(): boolean {
    return !this.outstanding && this.#lastTakenIsNew;
  }

  get outstanding(): boolean {
    return this.#base <= this.#highest;
  }

  /** The last block was sent, though perhaps not acknowledged. */
  get allSent(): boolean {
    return this.#highest === this.#last;
  }

  get complete(): boolean {
    return this.#base > this.#last;
  }

  get bytesAcknowledged(): number {
    const missing = this.complete ? this.#blockBytes - this.#lastBytes : 0;
    return (this.#base - 1) * this.#blockBytes - missing;
  }

  #slot(block: number): Slot {
    const place = block % this.#blocks;
    const found = this.#slots[place];
    if (found !== undefined) return found;
    const bytes = new Uint8Array(DATA_HEADER_BYTES + this.#blockBytes);
    const slot = { bytes, data: bytes.subarray(DATA_HEADER_BYTES), datagram: bytes };
    this.#slots[place] = slot;
    return slot;
  }
}
