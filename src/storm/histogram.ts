import type { Percentiles } from "./result.ts";

/** Buckets of one doubling: a value is told from others that differ by more than 1/32. */
const STEPS = 32;
/** 2^-10 ms: about a microsecond. What is less, is that. */
const SMALLEST_EXPONENT = -10;
/** 2^22 ms: more than an hour. What is more, is that. */
const LARGEST_EXPONENT = 22;
const SMALLEST_IN_A_MS = 2 ** -SMALLEST_EXPONENT;
const LARGEST_SCALED = 2 ** (LARGEST_EXPONENT - SMALLEST_EXPONENT);
const BUCKETS = (LARGEST_EXPONENT - SMALLEST_EXPONENT) * STEPS + 1;

/**
 * How often which time was measured, in buckets that are as wide as their values are large (log-linear: HdrHistogram's
 * idea): of a fixed size whatever is counted, and added up between threads without loss. In milliseconds.
 */
export class Histogram {
  /** Times of each bucket; its last field is the largest value. Shared between threads at rest only. */
  readonly #counts: Float64Array;

  constructor(counts: Float64Array = new Float64Array(BUCKETS + 1)) {
    if (counts.length !== BUCKETS + 1) throw new RangeError("not a histogram's counts");
    this.#counts = counts;
  }

  record(ms: number): void {
    const counts = this.#counts;
    const bucket = bucketOf(ms);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
    if (ms > (counts[BUCKETS] ?? 0)) counts[BUCKETS] = ms;
  }

  add(other: Histogram): void {
    const counts = this.#counts;
    const more = other.#counts;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      counts[bucket] = (counts[bucket] ?? 0) + (more[bucket] ?? 0);
    }
    counts[BUCKETS] = Math.max(counts[BUCKETS] ?? 0, more[BUCKETS] ?? 0);
  }

  /** All times together, to within 1/64. */
  get sum(): number {
    let sum = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      sum += (this.#counts[bucket] ?? 0) * middleOf(bucket);
    }
    return sum;
  }

  /** What crosses between threads, for the constructor there. */
  get counts(): Float64Array {
    return this.#counts;
  }

  /** Each within 1/32 of the nearest-rank percentile; 0 where nothing was recorded. */
  percentiles(): Percentiles {
    const counts = this.#counts;
    const max = counts[BUCKETS] ?? 0;
    let count = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) count += counts[bucket] ?? 0;
    const at = (share: number): number => {
      const rank = Math.ceil(count * share);
      let seen = 0;
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
        seen += counts[bucket] ?? 0;
        if (seen >= rank && seen > 0) return Math.min(max, middleOf(bucket));
      }
      return max;
    };
    return { count, p50: at(0.5), p95: at(0.95), p99: at(0.99), max };
  }
}

/** Linear between one power of two and the next: neither logarithm nor power on the hot path. */
function bucketOf(ms: number): number {
  const scaled = ms * SMALLEST_IN_A_MS;
  if (!(scaled >= 1)) return 0;
  if (scaled >= LARGEST_SCALED) return BUCKETS - 1;
  const doublings = 31 - Math.clz32(scaled);
  const within = Math.floor((scaled / ((1 << doublings) >>> 0) - 1) * STEPS);
  return doublings * STEPS + within;
}

function middleOf(bucket: number): number {
  const exponent = Math.floor(bucket / STEPS) + SMALLEST_EXPONENT;
  return 2 ** exponent * (1 + ((bucket % STEPS) + 0.5) / STEPS);
}

/** Of few values, exactly: the nearest rank of each. */
export function percentilesOf(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
