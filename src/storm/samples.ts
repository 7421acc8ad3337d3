import { STORM_SAMPLES_MAX } from "../limits.ts";
import { type StormProtocol, stormProtocols } from "./client.ts";
import type { Sample } from "./result.ts";

/** A storm over time. When there are too many samples, each two become one: a long storm has coarser ones. */
export class Samples {
  #kept: Sample[] = [];
  /** Of how many that were taken each kept one is, and how many of the next are had. */
  #each = 1;
  #waiting: Sample[] = [];

  add(sample: Sample): void {
    this.#waiting.push(sample);
    if (this.#waiting.length < this.#each) return;
    this.#keepWaiting();
    if (this.#kept.length < STORM_SAMPLES_MAX) return;
    const kept = this.#kept;
    this.#kept = [];
    for (let index = 0; index < kept.length; index += 2) {
      this.#kept.push(joined(kept.slice(index, index + 2)));
    }
    this.#each *= 2;
  }

  all(): Sample[] {
    if (this.#waiting.length > 0) this.#keepWaiting();
    return this.#kept;
  }

  #keepWaiting(): void {
    this.#kept.push(joined(this.#waiting));
    this.#waiting = [];
  }
}

/** What came adds up, what is so is as at last, and what was used is the mean of times that are alike. */
function joined(samples: readonly Sample[]): Sample {
  const last = samples.at(-1);
  if (last === undefined) throw new RangeError("no samples");
  if (samples.length === 1) return last;
  const mean = (value: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + value(sample), 0) / samples.length;
  return {
    ...last,
    received: sums(samples.map(({ received }) => received)),
    calls: sums(samples.map(({ calls }) => calls)),
    retransmits: samples.reduce((sum, { retransmits }) => sum + retransmits, 0),
    ...(last.serverCpu === undefined ? {} : { serverCpu: mean(({ serverCpu }) => serverCpu ?? 0) }),
    loadCpu: mean(({ loadCpu }) => loadCpu),
    loadBusy: Math.max(...samples.map(({ loadBusy }) => loadBusy)),
    machineCpu: mean(({ machineCpu }) => machineCpu),
  };
}

function sums(all: readonly Sample["calls"][]): Sample["calls"] {
  const sumOf = (protocol: StormProtocol): number =>
    all.reduce((sum, counts) => sum + (counts[protocol] ?? 0), 0);
  const entries = stormProtocols.map((protocol) => [protocol, sumOf(protocol)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value > 0));
}
