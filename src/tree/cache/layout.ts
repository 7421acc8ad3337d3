import { CACHE_WINDOW_BYTES } from "../../limits.ts";

/**
 * The cache's memory, as all threads see it:
 *
 *   words:  the lock, then counts | buckets of the index | one record a slab | one record a slot
 *   bytes:  the slabs, CACHE_WINDOW_BYTES each
 *
 * A slab is cut into slots of one size, from 4 KiB to a whole slab, so that small files take little; a slot holds one
 * window of a file. All but the bytes is read and written under the lock, pins atomically.
 */
export const SLOT_BYTES_MIN = 4096;
export const SLOTS_A_SLAB = CACHE_WINDOW_BYTES / SLOT_BYTES_MIN;
/** 4, 8, … 128 KiB. */
export const SLOT_SIZES = Math.log2(SLOTS_A_SLAB) + 1;

/** Words of the header. `OPEN`: for each size the slab that takes the next slot. `COUNTS`: three numbers of 64 bits. */
export const Header = { LOCK: 0, HAND: 1, SLABS_USED: 2, OPEN: 3, COUNTS: 10 } as const;
const HEADER_WORDS = 16;

/** Words of a slab's record. `SIZE`: 0 for 4 KiB, 1 for 8 KiB …; `TAKEN`: a bit a slot. */
export const Slab = { PINS: 0, SIZE: 1, TAKEN: 2, USED_LATELY: 3, WORDS: 4 } as const;

/** Words of a slot's record. `NEXT` in its bucket. */
export const Slot = {
  NEXT: 0,
  STATE: 1,
  SPACE: 2,
  ID_HIGH: 3,
  ID_LOW: 4,
  VERSION_HIGH: 5,
  VERSION_LOW: 6,
  WINDOW: 7,
  WORDS: 8,
} as const;

export const NONE = -1;
export const State = { FILLING: 0, FILLED: 1 } as const;

const BUCKETS_A_SLAB = 8;
const WORDS_A_SLAB = BUCKETS_A_SLAB + Slab.WORDS + SLOTS_A_SLAB * Slot.WORDS;

export interface Layout {
  readonly words: Int32Array;
  /** A Buffer: parts of it are sent as they are. */
  readonly bytes: Buffer;
  readonly slabs: number;
  readonly buckets: number;
  readonly bucketsAt: number;
  readonly slabsAt: number;
  readonly slotsAt: number;
}

/** As many slabs as fit, each with its share of the index. */
export function layoutOf(shared: SharedArrayBuffer): Layout {
  const perSlab = CACHE_WINDOW_BYTES + WORDS_A_SLAB * 4;
  const slabs = Math.max(0, Math.floor((shared.byteLength - HEADER_WORDS * 4) / perSlab));
  const buckets = slabs * BUCKETS_A_SLAB;
  const bytesAt = (HEADER_WORDS + slabs * WORDS_A_SLAB) * 4;
  const bucketsAt = HEADER_WORDS;
  const slabsAt = bucketsAt + buckets;
  return {
    words: new Int32Array(shared, 0, bytesAt / 4),
    bytes: Buffer.from(shared, bytesAt, slabs * CACHE_WINDOW_BYTES),
    slabs,
    buckets,
    bucketsAt,
    slabsAt,
    slotsAt: slabsAt + slabs * Slab.WORDS,
  };
}
