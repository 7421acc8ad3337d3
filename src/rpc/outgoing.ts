import { Writer } from "../bytes/writer.ts";
import type { LongReply, Reply } from "./message.ts";

/** Replies on their way out: those that lie behind one another leave as one piece. */
export class Outgoing {
  #parts: Uint8Array[] = [];
  /** The last piece, still growing. */
  #run: Uint8Array | undefined;
  #start = 0;
  #end = 0;
  #held: LongReply[] = [];
  bytes = 0;

  add(reply: Reply): void {
    if (reply instanceof Writer) this.#append(reply.full());
    else this.#appendLong(reply);
  }

  /** Everything that was added, to be sent in this order; then `held` can be released. */
  take(): { readonly parts: readonly Uint8Array[]; readonly held: readonly LongReply[] } {
    this.#endRun();
    const taken = { parts: this.#parts, held: this.#held };
    this.#parts = [];
    this.#held = [];
    this.bytes = 0;
    return taken;
  }

  #appendLong(reply: LongReply): void {
    this.#append(reply.head.full());
    this.#endRun();
    for (const part of reply.parts) {
      this.#parts.push(part);
      this.bytes += part.length;
    }
    this.#held.push(reply);
  }

  #append({ bytes, start, offset }: Writer): void {
    if (bytes !== this.#run || start !== this.#end) {
      this.#endRun();
      this.#run = bytes;
      this.#start = start;
    }
    this.#end = offset;
    this.bytes += offset - start;
  }

  #endRun(): void {
    if (this.#run !== undefined) this.#parts.push(this.#run.subarray(this.#start, this.#end));
    this.#run = undefined;
  }
}
