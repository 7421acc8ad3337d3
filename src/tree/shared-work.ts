/** Does one thing once for all who ask for it while it is being done. */
export class SharedWork<Key, Result> {
  readonly #running = new Map<Key, Promise<Result>>();

  do(key: Key, work: () => Promise<Result>): Promise<Result> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const started = work().finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }
}
