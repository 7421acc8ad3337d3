interface Range {
  readonly from: number;
  readonly to: number;
  readonly ended: Promise<unknown>;
}

/** Parts of a volume that something is done to. */
export class BusyRanges {
  readonly #ranges = new Set<Range>();

  /** From now until the work ends. */
  add(offset: number, length: number, ended: Promise<unknown>): void {
    const range = { from: offset, to: offset + length, ended };
    this.#ranges.add(range);
    const remove = (): void => void this.#ranges.delete(range);
    ended.then(remove, remove);
  }

  /** Ends when the work that overlaps has; undefined where there is none. */
  overlapping(offset: number, length: number): Promise<unknown> | undefined {
    if (this.#ranges.size === 0) return undefined;
    const to = offset + length;
    const found = [...this.#ranges].filter((range) => range.from < to && offset < range.to);
    return found.length === 0 ? undefined : Promise.allSettled(found.map(({ ended }) => ended));
  }

  async idle(): Promise<void> {
    while (this.#ranges.size > 0) {
      await Promise.allSettled([...this.#ranges].map(({ ended }) => ended));
    }
  }
}
