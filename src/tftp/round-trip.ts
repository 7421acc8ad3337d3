import { TFTP_TIMEOUT_MIN_MS, TFTP_TIMEOUT_MS } from "../limits.ts";

/** How long to wait for an ACK, by how long the client took before: RFC 6298 §2, in milliseconds. */
export class RoundTrip {
  #smoothed: number | undefined;
  #variation = 0;

  /** Of a datagram that was sent once: which of two a client answered cannot be told (Karn, RFC 6298 §3). */
  measured(ms: number): void {
    if (this.#smoothed === undefined) {
      this.#smoothed = ms;
      this.#variation = ms / 2;
      return;
    }
    this.#variation += (Math.abs(this.#smoothed - ms) - this.#variation) / 4;
    this.#smoothed += (ms - this.#smoothed) / 8;
  }

  /** Whether an answer came as soon as any: then what it answers is what was sent last, and nothing got slower. */
  isUsual(ms: number): boolean {
    return this.#smoothed !== undefined && ms <= 2 * this.#smoothed + 4 * this.#variation;
  }

  get timeoutMs(): number {
    if (this.#smoothed === undefined) return TFTP_TIMEOUT_MS;
    return Math.max(TFTP_TIMEOUT_MIN_MS, this.#smoothed + 4 * this.#variation);
  }
}
