import type { Clock, Instant } from "../../net/clock.ts";
import type { Progress } from "../progress.ts";

export interface StepTime {
  readonly step: string;
  readonly seconds: number;
}

/**
 * What a build is doing: its own steps, and within them what mmdebstrap, debootstrap, apt and dpkg print. Some come back:
 * base system and packages are each fetched, unpacked and configured by themselves.
 */
export class BuildSteps {
  readonly #clock: Clock;
  readonly #startedAt: Instant;
  readonly #times = new Map<string, number>();
  #step = "fetching package lists";
  #stepStartedAt: Instant;
  #item = "";
  /** Items by step since apt last said how many there are: it unpacks and configures in turns. */
  readonly #done = new Map<string, number>();
  #total = 0;
  /** What a step says of itself. */
  #own: Progress | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#stepStartedAt = this.#startedAt;
  }

  get current(): Progress {
    const elapsedMs = this.#clock.now() - this.#startedAt;
    if (this.#own !== undefined) return { ...this.#own, elapsedMs };
    return {
      step: this.#step,
      item: this.#item,
      done: Math.min(this.#done.get(this.#step) ?? 0, this.#total),
      total: this.#total,
      unit: "items",
      elapsedMs,
    };
  }

  /** True where the line says that something new is being done. */
  read(line: string): boolean {
    const installs = /^\d+ upgraded, (\d+) newly installed/.exec(line);
    if (installs !== null) {
      this.#total = Number(installs[1]);
      this.#done.clear();
      return false;
    }
    for (const { pattern, step } of patterns) {
      const found = pattern.exec(line);
      if (found === null) continue;
      this.#at(step, found[1] ?? "");
      return true;
    }
    return false;
  }

  begin(step: string): void {
    this.#total = 0;
    this.#at(step, "");
  }

  /** Of a step that counts for itself; it may have parts with names of their own. */
  show(progress: Progress): void {
    this.#at(progress.step, progress.item);
    this.#own = progress;
  }

  /** Seconds by step so far, in the order in which the steps first came. */
  times(): StepTime[] {
    this.#account();
    return [...this.#times].map(([step, ms]) => ({ step, seconds: Math.round(ms / 100) / 10 }));
  }

  #at(step: string, item: string): void {
    if (step !== this.#step) {
      this.#account();
      this.#step = step;
    }
    this.#own = undefined;
    this.#item = item;
    if (item !== "") this.#done.set(step, (this.#done.get(step) ?? 0) + 1);
  }

  #account(): void {
    const now = this.#clock.now();
    this.#times.set(this.#step, (this.#times.get(this.#step) ?? 0) + (now - this.#stepStartedAt));
    this.#stepStartedAt = now;
  }
}

const patterns: readonly { readonly pattern: RegExp; readonly step: string }[] = [
  { pattern: /^I: running apt-get update/, step: "fetching package lists" },
  { pattern: /^I: downloading packages/, step: "downloading" },
  // Get:12 MIRROR SUITE/COMPONENT ARCHITECTURE PACKAGE …: package lists have no number as their version
  { pattern: /^Get:\d+ \S+ \S+ \S+ (\S+) \S+ \d\S* \[/, step: "downloading" },
  { pattern: /^I: extracting archives/, step: "unpacking" },
  { pattern: /^Unpacking (\S+)/, step: "unpacking" },
  { pattern: /^Setting up (\S+)/, step: "configuring" },
  // debootstrap
  { pattern: /^I: Retrieving (?:InRelease|Release|Packages)/, step: "fetching package lists" },
  { pattern: /^I: Retrieving (\S+) \d/, step: "downloading" },
  { pattern: /^I: (?:Extracting|Unpacking) ([a-z0-9][^. ]*)\.\.\./, step: "unpacking" },
  { pattern: /^I: Configuring (\S+)\.\.\./, step: "configuring" },
];
