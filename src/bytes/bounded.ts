/**
 * A map of at most so many entries: the one that was put in first makes room for another. A flood of new ones costs each
 * the same: asking a Map for its first key anew would walk over all that were removed before it.
 */
export class Bounded<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #most: number;
  #oldest = this.#entries.keys();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  values(): MapIterator<V> {
    return this.#entries.values();
  }

  delete(key: K): boolean {
    return this.#entries.delete(key);
  }

  /** As the last one. Answers what it took the place of. */
  put(key: K, value: V): V | undefined {
    this.#entries.delete(key);
    const forgotten = this.#entries.size < this.#most ? undefined : this.#forgetOldest();
    this.#entries.set(key, value);
    return forgotten;
  }

  /** All that the iterator has passed were removed. */
  #forgetOldest(): V | undefined {
    let next = this.#oldest.next();
    if (next.done === true) {
      this.#oldest = this.#entries.keys();
      next = this.#oldest.next();
    }
    if (next.done === true) return undefined;
    const value = this.#entries.get(next.value);
    this.#entries.delete(next.value);
    return value;
  }
}
