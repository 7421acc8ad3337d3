import type { MountChange, MountList } from "../nfs/mounts.ts";

/** A thread's copy of the list of mounts: what happens here is told, what happened elsewhere followed. */
export class SharedMounts implements MountList {
  readonly #own: MountList;
  readonly #tell: (change: MountChange) => void;

  constructor(own: MountList, tell: (change: MountChange) => void) {
    this.#own = own;
    this.#tell = tell;
  }

  change(change: MountChange): boolean {
    const isNews = this.#own.change(change);
    if (isNews) this.#tell(change);
    return isNews;
  }

  follow(change: MountChange): void {
    this.#own.change(change);
  }

  all(): ReturnType<MountList["all"]> {
    return this.#own.all();
  }
}
