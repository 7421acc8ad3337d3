/**
 * Values by directory and key, of a bounded weight together. When they would get more, all are forgotten: an image
 * does not change, so that anything can be read again.
 */
export class Remembered<Key, Value> {
  readonly #byDirectory = new Map<number, Map<Key, Value>>();
  readonly #weightMax: number;
  #weight = 0;

  constructor(weightMax: number) {
    this.#weightMax = weightMax;
  }

  get(directory: number, key: Key): Value | undefined {
    return this.#byDirectory.get(directory)?.get(key);
  }

  set(directory: number, key: Key, value: Value, weight: number): void {
    if (this.#weight + weight > this.#weightMax) {
      this.#byDirectory.clear();
      this.#weight = 0;
    }
    this.#weight += weight;
    const values = this.#byDirectory.get(directory);
    if (values === undefined) this.#byDirectory.set(directory, new Map([[key, value]]));
    else values.set(key, value);
  }
}
