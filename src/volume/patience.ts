import type { Instant } from "../bytes/instant.ts";
import {
  VOLUME_SLOW_MS,
  VOLUME_SLOW_REST_MS,
  VOLUME_SLOW_SHARE,
  VOLUME_SLOW_TOTAL_MS,
} from "../limits.ts";

/**
 * Whether a thread should wait for the kernel itself: it should while the kernel answers from memory. One slow call may
 * have waited for a core; what slow calls took together, less a small share of the time, tells that the disk is asked.
 */
export class Patience {
  #lostMs = 0;
  #countedAt = 0;
  #restsUntil = 0;

  isReady(now: Instant): boolean {
    return now >= this.#restsUntil;
  }

  /** A call was made, and the thread waited for it. */
  took(began: Instant, ended: Instant): void {
    const tookMs = ended - began;
    if (tookMs <= VOLUME_SLOW_MS) return;
    const recoveredMs = (began - this.#countedAt) * VOLUME_SLOW_SHARE;
    this.#lostMs = Math.max(0, this.#lostMs - recoveredMs) + tookMs;
    this.#countedAt = ended;
    if (this.#lostMs < VOLUME_SLOW_TOTAL_MS) return;
    this.#lostMs = 0;
    this.#restsUntil = ended + VOLUME_SLOW_REST_MS;
  }
}
