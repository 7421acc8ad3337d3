/** Those that have more to do than one turn of theirs allows: each in its order, once a round. */
export class Turns<T> {
  readonly #next: (run: () => void) => void;
  readonly #turn: (one: T) => void;
  #waiting = new Set<T>();
  #isDue = false;

  /** `next` runs a round after others had theirs; a `turn` may add its own one again, to the round after it. */
  constructor(next: (run: () => void) => void, turn: (one: T) => void) {
    this.#next = next;
    this.#turn = turn;
  }

  add(one: T): void {
    this.#waiting.add(one);
    if (this.#isDue) return;
    this.#isDue = true;
    this.#next(() => this.#round());
  }

  #round(): void {
    const round = this.#waiting;
    this.#waiting = new Set();
    this.#isDue = false;
    for (const one of round) this.#turn(one);
  }
}
