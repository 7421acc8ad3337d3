import { Writer } from "../bytes/writer.ts";
import { ARENA_BYTES } from "../limits.ts";

const VIEW_OF_NOTHING = new DataView(new ArrayBuffer(0));

/**
 * Room for many small messages in few large buffers: what is written soon after one another lies behind one another,
 * and can leave as one piece. A buffer lives as long as a message in it.
 */
export class Arena {
  #bytes = Buffer.alloc(0);
  #view = VIEW_OF_NOTHING;
  #at = 0;

  /** Fills all of its room, or throws when it is finished: nothing in it was cleared. */
  writer(length: number): Writer {
    if (length > ARENA_BYTES / 4) return new Writer(Buffer.allocUnsafeSlow(length));
    if (length > this.#bytes.length - this.#at) this.#renew();
    const start = this.#at;
    this.#at = start + length;
    return new Writer(this.#bytes, { view: this.#view, start, end: this.#at });
  }

  #renew(): void {
    this.#bytes = Buffer.allocUnsafeSlow(ARENA_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
    this.#at = 0;
  }
}
