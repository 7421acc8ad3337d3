import type { Ipv4 } from "../bytes/ipv4.ts";
import { MOUNTS_REMEMBERED_MAX } from "../limits.ts";

export interface MountEntry {
  readonly address: Ipv4;
  readonly path: string;
}

export type MountChange =
  | ({ readonly kind: "mounted" | "unmounted" } & MountEntry)
  | { readonly kind: "unmounted-all"; readonly address: Ipv4 };

/** Who mounted what, for DUMP. Threads that share it each hold a copy, and follow one another's changes. */
export interface MountList {
  /** Answers whether anything is otherwise than before. */
  change(change: MountChange): boolean;
  all(): readonly MountEntry[];
}

/** Clients come and go without a word, so it is hearsay; the oldest is forgotten when it is full. */
export class Mounts implements MountList {
  readonly #entries = new Map<string, MountEntry>();

  change(change: MountChange): boolean {
    if (change.kind === "mounted") return this.#add(change);
    if (change.kind === "unmounted") return this.#entries.delete(keyOf(change));
    return this.#removeAll(change.address);
  }

  all(): readonly MountEntry[] {
    return [...this.#entries.values()];
  }

  #add({ address, path }: MountEntry): boolean {
    const key = keyOf({ address, path });
    const isNew = !this.#entries.delete(key);
    this.#entries.set(key, { address, path });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MOUNTS_REMEMBERED_MAX && oldest !== undefined) {
      this.#entries.delete(oldest);
    }
    return isNew;
  }

  #removeAll(address: Ipv4): boolean {
    const before = this.#entries.size;
    for (const [key, entry] of this.#entries) {
      if (entry.address === address) this.#entries.delete(key);
    }
    return this.#entries.size < before;
  }
}

function keyOf({ address, path }: MountEntry): string {
  return `${address} ${path}`;
}
