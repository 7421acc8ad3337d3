/** A stream of bytes that is taken by count. */
export class Pieces {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** At least one, at most `count`, as they come; none at the end. */
  async some(count: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return this.#rest;
      this.#rest = next.value;
    }
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** Fewer only where the stream ends. */
  async exactly(count: number): Promise<Buffer> {
    const taken: Uint8Array[] = [];
    for (let missing = count; missing > 0; ) {
      const piece = await this.some(missing);
      if (piece.length === 0) break;
      taken.push(piece);
      missing -= piece.length;
    }
    return Buffer.concat(taken);
  }
}
