import type { BootEvent, Protocol } from "./events.ts";

/** Counts what was refused, by protocol and reason. Both come from fixed lists, so this does not grow with traffic. */
export class Refusals {
  readonly #counts = new Map<Protocol, Map<string, number>>();

  tell(event: BootEvent): void {
    if (event.kind !== "refused") return;
    const reasons = this.#counts.get(event.protocol) ?? new Map<string, number>();
    this.#counts.set(event.protocol, reasons);
    reasons.set(event.reason, (reasons.get(event.reason) ?? 0) + (event.times ?? 1));
  }

  /** `{ dhcp: { truncated: 3 } }` */
  counts(): Record<string, Record<string, number>> {
    return Object.fromEntries(
      [...this.#counts].map(([protocol, reasons]) => [protocol, Object.fromEntries(reasons)]),
    );
  }
}
