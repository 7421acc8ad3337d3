import { after, type Instant } from "../bytes/instant.ts";
import {
  DISK_SLOW_MS,
  DISK_SLOW_REST_MAX_MS,
  DISK_SLOW_REST_MS,
  DISK_SLOW_SHARE,
  DISK_SLOW_TOTAL_MS,
  DISK_SUSPECT_MS,
} from "../limits.ts";

/** Milliseconds that this thread was ready to run and had no core, so far. */
export type CoreWait = () => number;

/**
 * Whether a thread should wait for the kernel itself: it should while the kernel answers from memory. A slow call may
 * have waited for a core, so that for a time after one the waits are told apart; what slow calls took of the disk
 * together, less a small share of the time, tells that it is asked.
 */
export class Patience {
  readonly #coreWait: CoreWait;
  #suspectsUntil = 0;
  /** Undefined: nothing was suspected when the call began. */
  #waitedBefore: number | undefined;
  #lostMs = 0;
  #countedAt = 0;
  #restsUntil = 0;

  constructor(coreWait: CoreWait) {
    this.#coreWait = coreWait;
  }

  /** Whether to make a call now, and wait for it: then `took` follows. */
  begin(now: Instant): boolean {
    if (now < this.#restsUntil) return false;
    this.#waitedBefore = now < this.#suspectsUntil ? this.#coreWait() : undefined;
    return true;
  }

  took(began: Instant, ended: Instant): void {
    const tookMs = ended - began;
    if (tookMs <= DISK_SLOW_MS) return;
    const before = this.#waitedBefore;
    this.#suspectsUntil = after(ended, DISK_SUSPECT_MS);
    if (before === undefined) {
      // No core is waited for so long.
      if (tookMs > DISK_SLOW_TOTAL_MS) this.#lose(tookMs, ended);
      return;
    }
    const diskMs = tookMs - (this.#coreWait() - before);
    if (diskMs > DISK_SLOW_MS) this.#lose(diskMs, ended);
  }

  #lose(ms: number, now: Instant): void {
    const recoveredMs = (now - this.#countedAt) * DISK_SLOW_SHARE;
    this.#lostMs = Math.max(0, this.#lostMs - recoveredMs) + ms;
    this.#countedAt = now;
    if (this.#lostMs < DISK_SLOW_TOTAL_MS) return;
    const restMs = Math.max(DISK_SLOW_REST_MS, this.#lostMs / DISK_SLOW_SHARE);
    this.#lostMs = 0;
    const restsUntil = after(now, Math.min(DISK_SLOW_REST_MAX_MS, restMs));
    this.#restsUntil = restsUntil;
    this.#suspectsUntil = after(restsUntil, DISK_SUSPECT_MS);
  }
}
