import { CACHE_WINDOW_BYTES } from "../../limits.ts";
import type { CacheKey } from "./key.ts";
import {
  Header,
  type Layout,
  layoutOf,
  NONE,
  SLOT_BYTES_MIN,
  SLOT_SIZES,
  SLOTS_A_SLAB,
  Slab,
  Slot,
  State,
} from "./layout.ts";

/**
 * Which window of which file is where. To be used under the lock, but for `unpin`. Room is made a slab at a time: of
 * those that nobody holds, one that was not used since the hand last came by.
 */
export class Windows {
  readonly #words: Int32Array;
  readonly #layout: Layout;

  constructor(shared: SharedArrayBuffer) {
    this.#layout = layoutOf(shared);
    this.#words = this.#layout.words;
  }

  get layout(): Layout {
    return this.#layout;
  }

  /** Once, before anybody uses it: zeros are valid numbers of slots. */
  clear(): void {
    const { bucketsAt, buckets } = this.#layout;
    this.#words.fill(NONE, bucketsAt, bucketsAt + buckets);
    this.#words.fill(NONE, Header.OPEN, Header.OPEN + SLOT_SIZES);
  }

  /** The slot that holds this window, or is being filled with it; NONE. */
  find(key: CacheKey, window: number): number {
    const words = this.#words;
    let slot = words[this.#bucket(key, window)] ?? NONE;
    while (slot !== NONE) {
      const at = this.#slotAt(slot);
      if (
        words[at + Slot.ID_LOW] === key.idLow &&
        words[at + Slot.WINDOW] === window &&
        words[at + Slot.VERSION_LOW] === key.versionLow &&
        words[at + Slot.VERSION_HIGH] === key.versionHigh &&
        words[at + Slot.ID_HIGH] === key.idHigh &&
        words[at + Slot.SPACE] === key.space
      ) {
        return slot;
      }
      slot = words[at + Slot.NEXT] ?? NONE;
    }
    return NONE;
  }

  isFilled(slot: number): boolean {
    return this.#words[this.#slotAt(slot) + Slot.STATE] === State.FILLED;
  }

  /** Where in the cache's bytes the slot begins. */
  placeOf(slot: number): number {
    const slab = Math.floor(slot / SLOTS_A_SLAB);
    const size = this.#words[this.#slabAt(slab) + Slab.SIZE] ?? 0;
    return slab * CACHE_WINDOW_BYTES + (slot % SLOTS_A_SLAB) * (SLOT_BYTES_MIN << size);
  }

  /** Keeps what is in the slot where it is, until it is unpinned as often. */
  pin(slot: number): void {
    Atomics.add(this.#words, this.#slabAt(Math.floor(slot / SLOTS_A_SLAB)) + Slab.PINS, 1);
  }

  /** It was asked for again: it is worth keeping. */
  use(slot: number): void {
    this.#words[this.#slabAt(Math.floor(slot / SLOTS_A_SLAB)) + Slab.USED_LATELY] = 1;
  }

  /** Needs no lock. */
  unpin(slot: number): void {
    Atomics.sub(this.#words, this.#slabAt(Math.floor(slot / SLOTS_A_SLAB)) + Slab.PINS, 1);
  }

  /** A slot for a window of so many bytes, pinned and to be filled; NONE where all that could be evicted is pinned. */
  reserve(key: CacheKey, window: number, bytes: number): number {
    const size = Math.max(0, Math.ceil(Math.log2(bytes / SLOT_BYTES_MIN)));
    const slab = this.#slabWithRoom(size);
    if (slab === NONE) return NONE;
    const slabAt = this.#slabAt(slab);
    const taken = this.#words[slabAt + Slab.TAKEN] ?? 0;
    const index = lowestZero(taken);
    this.#words[slabAt + Slab.TAKEN] = taken | (1 << index);
    const slot = slab * SLOTS_A_SLAB + index;
    this.#insert(slot, key, window);
    this.pin(slot);
    return slot;
  }

  settle(slot: number): void {
    this.#words[this.#slotAt(slot) + Slot.STATE] = State.FILLED;
  }

  /** It could not be filled. */
  free(slot: number): void {
    this.#remove(slot);
    const at = this.#slabAt(Math.floor(slot / SLOTS_A_SLAB)) + Slab.TAKEN;
    this.#words[at] = (this.#words[at] ?? 0) & ~(1 << (slot % SLOTS_A_SLAB));
  }

  usage(): { readonly slabsUsed: number; readonly slabsPinned: number } {
    let slabsPinned = 0;
    for (let slab = 0; slab < this.#layout.slabs; slab += 1) {
      if (Atomics.load(this.#words, this.#slabAt(slab) + Slab.PINS) > 0) slabsPinned += 1;
    }
    return { slabsUsed: this.#words[Header.SLABS_USED] ?? 0, slabsPinned };
  }

  #slabWithRoom(size: number): number {
    const words = this.#words;
    const slots = SLOTS_A_SLAB >> size;
    const all = slots === 32 ? -1 : (1 << slots) - 1;
    const open = words[Header.OPEN + size] ?? NONE;
    if (open !== NONE && words[this.#slabAt(open) + Slab.TAKEN] !== all) return open;
    const slab = this.#unusedSlab() ?? this.#evictedSlab();
    if (slab === undefined) return NONE;
    words[this.#slabAt(slab) + Slab.SIZE] = size;
    words[Header.OPEN + size] = slab;
    return slab;
  }

  #unusedSlab(): number | undefined {
    const used = this.#words[Header.SLABS_USED] ?? 0;
    if (used === this.#layout.slabs) return undefined;
    this.#words[Header.SLABS_USED] = used + 1;
    return used;
  }

  /** The clock's hand goes round twice at most: after the first time nothing counts as used lately. */
  #evictedSlab(): number | undefined {
    const words = this.#words;
    const { slabs } = this.#layout;
    for (let steps = 2 * slabs; steps > 0; steps -= 1) {
      const slab = words[Header.HAND] ?? 0;
      words[Header.HAND] = (slab + 1) % slabs;
      const at = this.#slabAt(slab);
      if (Atomics.load(words, at + Slab.PINS) > 0) continue;
      if (words[at + Slab.USED_LATELY] === 0) {
        this.#evict(slab);
        return slab;
      }
      words[at + Slab.USED_LATELY] = 0;
    }
    return undefined;
  }

  #evict(slab: number): void {
    const words = this.#words;
    const at = this.#slabAt(slab);
    const size = words[at + Slab.SIZE] ?? 0;
    const taken = words[at + Slab.TAKEN] ?? 0;
    for (let index = 0; index < SLOTS_A_SLAB >> size; index += 1) {
      if ((taken & (1 << index)) !== 0) this.#remove(slab * SLOTS_A_SLAB + index);
    }
    words[at + Slab.TAKEN] = 0;
    if (words[Header.OPEN + size] === slab) words[Header.OPEN + size] = NONE;
  }

  #insert(slot: number, key: CacheKey, window: number): void {
    const words = this.#words;
    const at = this.#slotAt(slot);
    words[at + Slot.STATE] = State.FILLING;
    words[at + Slot.SPACE] = key.space;
    words[at + Slot.ID_HIGH] = key.idHigh;
    words[at + Slot.ID_LOW] = key.idLow;
    words[at + Slot.VERSION_HIGH] = key.versionHigh;
    words[at + Slot.VERSION_LOW] = key.versionLow;
    words[at + Slot.WINDOW] = window;
    const bucket = this.#bucket(key, window);
    words[at + Slot.NEXT] = words[bucket] ?? NONE;
    words[bucket] = slot;
  }

  #remove(slot: number): void {
    const words = this.#words;
    const at = this.#slotAt(slot);
    const key = {
      space: words[at + Slot.SPACE] ?? 0,
      idHigh: words[at + Slot.ID_HIGH] ?? 0,
      idLow: words[at + Slot.ID_LOW] ?? 0,
      versionHigh: words[at + Slot.VERSION_HIGH] ?? 0,
      versionLow: words[at + Slot.VERSION_LOW] ?? 0,
    };
    // The word that leads to the slot: its bucket, or another slot's NEXT.
    let link = this.#bucket(key, words[at + Slot.WINDOW] ?? 0);
    while (words[link] !== slot) link = this.#slotAt(words[link] ?? 0) + Slot.NEXT;
    words[link] = words[at + Slot.NEXT] ?? NONE;
  }

  #bucket(key: CacheKey, window: number): number {
    let hash = Math.imul(key.idLow ^ Math.imul(window + 1, 0x9e37_79b1), 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 15) ^ key.idHigh ^ key.space, 0xc2b2_ae35);
    hash = Math.imul(hash ^ (hash >>> 13) ^ key.versionLow, 0x27d4_eb2f);
    return this.#layout.bucketsAt + (((hash ^ (hash >>> 16)) >>> 0) % this.#layout.buckets);
  }

  #slabAt(slab: number): number {
    return this.#layout.slabsAt + slab * Slab.WORDS;
  }

  #slotAt(slot: number): number {
    return this.#layout.slotsAt + slot * Slot.WORDS;
  }
}

function lowestZero(bits: number): number {
  return 31 - Math.clz32(~bits & (bits + 1));
}
