import type { Nexus } from "./command.ts";
import { Additional, type AdditionalSense } from "./sense.ts";

/** SAM-5 §5.14.2: what is told first; all others after these, in the order in which they came. */
const precedence: readonly AdditionalSense[] = [
  Additional.POWER_ON_OCCURRED,
  Additional.BUS_RESET_OCCURRED,
  Additional.DEVICE_RESET_OCCURRED,
  Additional.NEXUS_LOSS_OCCURRED,
];

/**
 * SAM-5 §5.14: what each nexus is to be told before its next command runs. Each is told once, and waits once however
 * often it came about: a nexus has no more of them than there are kinds.
 */
export class Attentions {
  readonly #pending = new Map<Nexus, AdditionalSense[]>();

  attach(nexus: Nexus): void {
    this.#pending.set(nexus, []);
  }

  detach(nexus: Nexus): void {
    this.#pending.delete(nexus);
  }

  /** For a nexus that is there; others hear of it by logging in again. */
  establish(nexus: Nexus, sense: AdditionalSense): void {
    const pending = this.#pending.get(nexus);
    if (pending === undefined || pending.some((other) => isSame(other, sense))) return;
    const at = pending.findIndex((other) => rank(other) > rank(sense));
    pending.splice(at < 0 ? pending.length : at, 0, sense);
  }

  establishWhere(concerns: (nexus: Nexus) => boolean, sense: AdditionalSense): void {
    for (const nexus of this.#pending.keys()) if (concerns(nexus)) this.establish(nexus, sense);
  }

  /** What it is told now, and not again. */
  next(nexus: Nexus): AdditionalSense | undefined {
    return this.#pending.get(nexus)?.shift();
  }
}

function rank(sense: AdditionalSense): number {
  const at = precedence.findIndex((other) => isSame(other, sense));
  return at < 0 ? precedence.length : at;
}

function isSame(one: AdditionalSense, other: AdditionalSense): boolean {
  return one[0] === other[0] && one[1] === other[1];
}
