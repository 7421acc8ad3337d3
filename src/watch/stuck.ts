import { after } from "../bytes/instant.ts";
import { formatMac, type MacAddress } from "../bytes/mac.ts";
import { STUCK_ASKED_EVERY_MS, STUCK_MS, STUCK_TOLD_MAX } from "../limits.ts";
import type { Alarm, Clock, Instant } from "../net/clock.ts";
import type { Explanation } from "./explain.ts";
import type { NodeBoot } from "./timeline.ts";

export interface StuckDeps {
  readonly clock: Clock;
  readonly boots: () => readonly NodeBoot[];
  readonly explain: (mac: MacAddress) => Pick<Explanation, "condition" | "cause">;
  readonly warn: (text: string) => void;
}

interface Judged {
  readonly bootAt: Instant;
  readonly isTold: boolean;
}

/** Says once of each node that began to boot and goes no further, and again when it was up since. */
export class StuckWatch implements Disposable {
  readonly #deps: StuckDeps;
  readonly #alarm: Alarm;
  /** No more than there are boots. */
  #judged: ReadonlyMap<MacAddress, Judged> = new Map();

  constructor(deps: StuckDeps) {
    this.#deps = deps;
    this.#alarm = deps.clock.alarm(() => this.#look());
    this.#set();
  }

  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
  }

  #look(): void {
    const { clock, boots, explain, warn } = this.#deps;
    const now = clock.now();
    const judged = new Map<MacAddress, Judged>();
    let room = STUCK_TOLD_MAX;
    for (const boot of boots()) {
      const { mac, startedAt: bootAt, stage } = boot;
      if (stage === "up") continue;
      const before = this.#judged.get(mac);
      if (before?.isTold === true || before?.bootAt === bootAt) judged.set(mac, before);
      else if (room > 0 && hasBegun(boot) && now - sinceOf(boot) >= STUCK_MS) {
        const { condition, cause } = explain(mac);
        const isStuck = condition === "stuck";
        if (isStuck || condition === "aside") judged.set(mac, { bootAt, isTold: isStuck });
        if (!isStuck) continue;
        room -= 1;
        warn(lineOf(boot, cause));
      }
    }
    this.#judged = judged;
    this.#set();
  }

  #set(): void {
    this.#alarm.set(after(this.#deps.clock.now(), STUCK_ASKED_EVERY_MS));
  }
}

function lineOf({ mac, name, stage }: NodeBoot, cause: string): string {
  const text = formatMac(mac);
  return `${name ?? text} is stuck in stage ${stage}. ${cause} \`sidus explain ${text}\` tells more.`;
}

/** Before, it may be a laptop that does not mean us. */
function hasBegun({ stage }: NodeBoot): boolean {
  return stage === "loader" || stage === "kernel" || stage === "root" || stage === "volume";
}

function sinceOf({ reached, startedAt }: NodeBoot): number {
  return Math.max(startedAt, ...reached.values());
}
