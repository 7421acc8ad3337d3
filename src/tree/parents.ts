import { TREE_ENTRIES_MAX } from "../limits.ts";
import type { FileId } from "./tree.ts";

/** Slots that a key can be in. */
const WAYS = 4;
/** A key and a parent. */
const SLOT_WORDS = 2;

/**
 * The directory that each file was last seen in, for all threads: what one of them found, another that is given the handle
 * need not search the tree for. It is hearsay: threads write it without a lock, and whatever is read here is
 * checked on disk before it is believed.
 */
export class Parents {
  readonly shared: SharedArrayBuffer;
  readonly #words: BigUint64Array;
  readonly #buckets: number;

  private constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.#words = new BigUint64Array(shared);
    this.#buckets = this.#words.length / (WAYS * SLOT_WORDS);
  }

  static create(): Parents {
    const words = TREE_ENTRIES_MAX * SLOT_WORDS;
    return new Parents(new SharedArrayBuffer(words * BigUint64Array.BYTES_PER_ELEMENT));
  }

  /** In another thread: over what `shared` of the created one is. */
  static attach(shared: SharedArrayBuffer): Parents {
    return new Parents(shared);
  }

  /** `tree`: its identity; the ids of two trees may be the same. */
  set(tree: bigint, id: FileId, parent: FileId): void {
    const key = tree ^ id;
    const bucket = this.#bucketOf(key);
    for (let way = 0; way < WAYS; way += 1) {
      const at = bucket + way * SLOT_WORDS;
      const found = this.#words[at];
      if (found !== key && found !== 0n) continue;
      this.#write(at, key, parent);
      return;
    }
    // All are taken: one of them goes, which one the key says.
    this.#write(bucket + Number(key & 3n) * SLOT_WORDS, key, parent);
  }

  get(tree: bigint, id: FileId): FileId | undefined {
    const key = tree ^ id;
    const bucket = this.#bucketOf(key);
    for (let way = 0; way < WAYS; way += 1) {
      const at = bucket + way * SLOT_WORDS;
      if (this.#words[at] === key) return this.#words[at + 1] as FileId;
    }
    return undefined;
  }

  #write(at: number, key: bigint, parent: FileId): void {
    this.#words[at] = key;
    this.#words[at + 1] = parent;
  }

  #bucketOf(key: bigint): number {
    const mixed = Math.imul(Number(key & 0xffff_ffffn) ^ Number(key >> 32n), 0x9e37_79b1) >>> 0;
    return (mixed % this.#buckets) * WAYS * SLOT_WORDS;
  }
}
