import type { Ipv4 } from "../bytes/ipv4.ts";
import { MOUNTS_REMEMBERED_MAX } from "../limits.ts";

export interface MountEntry {
  readonly address: Ipv4;
  readonly path: string;
}

/** Who mounted what, for DUMP. Clients come and go without a word, so it is hearsay; the oldest is forgotten when full. */
export class Mounts {
  readonly #entries = new Map<string, MountEntry>();

  add(entry: MountEntry): void {
    const key = keyOf(entry);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MOUNTS_REMEMBERED_MAX && oldest !== undefined) {
      this.#entries.delete(oldest);
    }
  }

  remove(entry: MountEntry): void {
    this.#entries.delete(keyOf(entry));
  }

  removeAll(address: Ipv4): void {
    for (const entry of this.all()) {
      if (entry.address === address) this.remove(entry);
    }
  }

  all(): MountEntry[] {
    return [...this.#entries.values()];
  }
}

function keyOf({ address, path }: MountEntry): string {
  return `${address} ${path}`;
}
