import type { Clock, Instant } from "../../net/clock.ts";

/** What a build is doing. Some come back: base system and kernel are each fetched, unpacked and configured by themselves. */
export type BuildStep = "lists" | "download" | "unpack" | "configure" | "initrd" | "finish";

export interface BuildProgress {
  readonly step: BuildStep;
  /** What it is at now: a package, a file; "" where there is nothing to name. */
  readonly item: string;
  /** Of `total` in this step; both 0 where nobody knows. */
  readonly done: number;
  readonly total: number;
  readonly elapsedMs: number;
}

export interface StepTime {
  readonly step: BuildStep;
  readonly seconds: number;
}

/** Reads along with what mmdebstrap, apt and dpkg print, and times what they do. */
export class BuildSteps {
  readonly #clock: Clock;
  readonly #startedAt: Instant;
  readonly #times = new Map<BuildStep, number>();
  #step: BuildStep = "lists";
  #stepStartedAt: Instant;
  #item = "";
  /** Items by step since apt last said how many there are: it unpacks and configures in turns. */
  readonly #done = new Map<BuildStep, number>();
  #total = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#stepStartedAt = this.#startedAt;
  }

  get current(): BuildProgress {
    return {
      step: this.#step,
      item: this.#item,
      done: Math.min(this.#done.get(this.#step) ?? 0, this.#total),
      total: this.#total,
      elapsedMs: this.#clock.now() - this.#startedAt,
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

  finish(item: string): void {
    this.#total = 0;
    this.#at("finish", item);
  }

  /** Seconds by step so far, in the order in which the steps first came. */
  times(): StepTime[] {
    this.#account();
    return [...this.#times].map(([step, ms]) => ({ step, seconds: Math.round(ms / 100) / 10 }));
  }

  #at(step: BuildStep, item: string): void {
    if (step !== this.#step) {
      this.#account();
      this.#step = step;
    }
    this.#item = item;
    if (item !== "") this.#done.set(step, (this.#done.get(step) ?? 0) + 1);
  }

  #account(): void {
    const now = this.#clock.now();
    this.#times.set(this.#step, (this.#times.get(this.#step) ?? 0) + (now - this.#stepStartedAt));
    this.#stepStartedAt = now;
  }
}

const patterns: readonly { readonly pattern: RegExp; readonly step: BuildStep }[] = [
  { pattern: /^I: running apt-get update/, step: "lists" },
  { pattern: /^I: downloading packages/, step: "download" },
  // Get:12 MIRROR SUITE/COMPONENT ARCHITECTURE PACKAGE …: package lists have no number as their version
  { pattern: /^Get:\d+ \S+ \S+ \S+ (\S+) \S+ \d\S* \[/, step: "download" },
  { pattern: /^I: extracting archives/, step: "unpack" },
  { pattern: /^Unpacking (\S+)/, step: "unpack" },
  { pattern: /^Setting up (\S+)/, step: "configure" },
  { pattern: /^update-initramfs: Generating (\S+)/, step: "initrd" },
  { pattern: /^I: cleaning package lists/, step: "finish" },
];
