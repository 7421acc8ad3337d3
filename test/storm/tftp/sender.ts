/**
 * A TFTP server's side of one transfer (RFC 1350, RFC 2347, RFC 7440 §4), put together by hand and sharing no code with
 * ours: it sends a window, waits for an ACK, goes on after what that says, and repeats the window after a second.
 */
export class Sender {
  readonly #file: Uint8Array;
  readonly #answersEachAck: boolean;
  #blockBytes = 512;
  #window = 1;
  #acked = 0;
  #hasOack = false;
  #begun = false;
  #wakeAt = Number.POSITIVE_INFINITY;
  errors: number[] = [];
  acks = 0;
  isDone = false;

  /** `answersEachAck`: even those that come twice, which makes a Sorcerer's Apprentice (RFC 1123 §4.2.3.1). */
  constructor(file: Uint8Array, answersEachAck = false) {
    this.#file = file;
    this.#answersEachAck = answersEachAck;
  }

  get wakeAt(): number {
    return this.isDone ? Number.POSITIVE_INFINITY : this.#wakeAt;
  }

  receive(datagram: Uint8Array, now: number): Uint8Array[] {
    const [, opcode = 0, high = 0, low = 0] = datagram;
    if (opcode === 1) return this.#begin(datagram, now);
    if (opcode === 5) {
      this.errors.push(high * 256 + low);
      this.isDone = true;
      return [];
    }
    this.acks += 1;
    const ahead = (high * 256 + low - this.#acked) & 0xffff;
    if (ahead > this.#window) return [];
    const isNew = ahead > 0 || !this.#begun;
    this.#begun = true;
    this.#acked += ahead;
    if (this.#acked > Math.floor(this.#file.length / this.#blockBytes)) this.isDone = true;
    // In a window, the same ACK says that the block after it did not come.
    return isNew || this.#answersEachAck || this.#window > 1 ? this.#send(now) : [];
  }

  tick(now: number): Uint8Array[] {
    if (now < this.wakeAt) return [];
    return this.#begun ? this.#send(now) : this.#first(now);
  }

  #begin(datagram: Uint8Array, now: number): Uint8Array[] {
    const words = Buffer.from(datagram.subarray(2)).toString("latin1").split("\0");
    const options = new Map<string, string>();
    for (let at = 2; at + 1 < words.length; at += 2)
      options.set(words[at] ?? "", words[at + 1] ?? "");
    this.#blockBytes = Number(options.get("blksize") ?? 512);
    this.#window = Number(options.get("windowsize") ?? 1);
    if (options.has("tsize")) options.set("tsize", String(this.#file.length));
    this.#hasOack = options.size > 0;
    this.#oack = Buffer.from(
      `\0\x06${[...options]
        .flat()
        .map((word) => `${word}\0`)
        .join("")}`,
      "latin1",
    );
    this.#begun = !this.#hasOack;
    this.#acked = 0;
    this.isDone = false;
    return this.#first(now);
  }

  #oack: Uint8Array = new Uint8Array();

  #first(now: number): Uint8Array[] {
    this.#wakeAt = now + 1000;
    return this.#hasOack && !this.#begun ? [this.#oack] : this.#send(now);
  }

  #send(now: number): Uint8Array[] {
    if (this.isDone) return [];
    this.#wakeAt = now + 1000;
    const sent: Uint8Array[] = [];
    for (let block = this.#acked + 1; block <= this.#acked + this.#window; block += 1) {
      const start = (block - 1) * this.#blockBytes;
      if (start > this.#file.length) break;
      const data = this.#file.subarray(start, start + this.#blockBytes);
      sent.push(Uint8Array.of(0, 3, (block >> 8) & 255, block & 255, ...data));
    }
    return sent;
  }
}
