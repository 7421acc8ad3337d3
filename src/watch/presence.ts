import { after, type Instant } from "../bytes/instant.ts";
import type { Ipv4 } from "../bytes/ipv4.ts";
import { PRESENT_MS } from "../limits.ts";
import type { Clock } from "../net/clock.ts";

/**
 * Addresses that have connections: a kernel that got its address by `ip=dhcp` never renews its lease, and must not lose
 * the address while its root is mounted.
 */
export class Presence {
  readonly #clock: Pick<Clock, "now">;
  readonly #until = new Map<Ipv4, Instant>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** All that one thread has connections with: at most as many as it takes. */
  see(addresses: readonly Ipv4[]): void {
    const now = this.#clock.now();
    for (const [address, until] of this.#until) if (until <= now) this.#until.delete(address);
    for (const address of addresses) this.#until.set(address, after(now, PRESENT_MS));
  }

  has(address: Ipv4): boolean {
    return (this.#until.get(address) ?? 0) > this.#clock.now();
  }
}
