import type { Instant } from "../bytes/instant.ts";
import { STORY_BOOTS_MAX, STORY_FACTS_MAX, STORY_TEXT_MAX } from "../limits.ts";
import type { BootEvent } from "./events.ts";

/** What was seen of a node, once or several times without anything else between. */
export interface Fact {
  readonly event: BootEvent;
  readonly first: Instant;
  readonly last: Instant;
  readonly times: number;
}

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What was seen of one node lately, in order: the last boots, as far as it fits. */
export class Story {
  readonly #facts: Mutable<Fact>[] = [];
  /** Of these, transfers without an end. */
  readonly #underWay: Mutable<Fact>[] = [];
  readonly #begun: Instant[] = [];

  get facts(): readonly Fact[] {
    return this.#facts;
  }

  /** When boots began, the last one last. */
  get begun(): readonly Instant[] {
    return this.#begun;
  }

  /** What follows is of another boot, though it be the same as before. */
  begin(now: Instant): void {
    this.#begun.push(now);
    if (this.#begun.length > STORY_BOOTS_MAX) this.#begun.shift();
  }

  /** Answers by how many facts it grew: -1, 0 or 1. */
  add(told: BootEvent, now: Instant): number {
    let event = told;
    let before = this.#continued(event);
    if (before === undefined) {
      event = clipped(told);
      if (event !== told) before = this.#continued(event);
    }
    if (before !== undefined) {
      const isEnd = isUnderWay(before.event) && !isUnderWay(event);
      before.event = event;
      before.last = now;
      if (!isEnd) {
        before.times += 1;
        return 0;
      }
      this.#ended(before);
      return this.#isToldAgain(before) ? this.#mergeNewest() : 0;
    }
    const fact = { event, first: now, last: now, times: 1 };
    this.#facts.push(fact);
    if (isUnderWay(event)) this.#underWay.push(fact);
    if (this.#facts.length <= STORY_FACTS_MAX) return 1;
    this.#forgetOldest();
    return 0;
  }

  /** Answers how many it forgot. */
  forgetHalf(): number {
    const count = Math.ceil(this.#facts.length / 2);
    for (let forgotten = 0; forgotten < count; forgotten += 1) this.#forgetOldest();
    return count;
  }

  #forgetOldest(): void {
    const oldest = this.#facts.shift();
    if (oldest !== undefined && this.#underWay[0] === oldest) this.#underWay.shift();
  }

  /** The fact that the event repeats, or that it is the end of. */
  #continued(event: BootEvent): Mutable<Fact> | undefined {
    if (event.kind === "file" && (event.outcome === "done" || event.outcome === "aborted")) {
      const begun = this.#begunAs(event);
      if (begun !== undefined) return begun;
    }
    const newest = this.#facts.at(-1);
    if (newest === undefined || !isAlike(newest.event, event)) return undefined;
    return this.#isOfThisBoot(newest) ? newest : undefined;
  }

  #isOfThisBoot({ first }: Fact): boolean {
    return first >= (this.#begun.at(-1) ?? 0);
  }

  /** It is the newest, and says what the one before it does. */
  #isToldAgain(fact: Fact): boolean {
    const before = this.#facts.at(-2);
    if (before === undefined || this.#facts.at(-1) !== fact) return false;
    return isAlike(before.event, fact.event) && this.#isOfThisBoot(before);
  }

  /** Who fetches a file again and again tells nothing new, and all that was before is not to be forgotten for it. */
  #mergeNewest(): -1 {
    const newest = this.#facts.pop();
    const before = this.#facts.at(-1);
    if (newest !== undefined && before !== undefined) {
      before.times += newest.times;
      before.last = newest.last;
      before.event = newest.event;
    }
    return -1;
  }

  /** The newest transfer of the file that has no end yet. A loop: this is asked at every end. */
  #begunAs({ protocol, path, outcome }: FileEvent): Mutable<Fact> | undefined {
    for (let at = this.#underWay.length - 1; at >= 0; at -= 1) {
      const fact = this.#underWay[at];
      const event = fact?.event;
      if (fact === undefined || event?.kind !== "file") continue;
      // A boot that was broken off is not done later: this one was sent at once.
      if (outcome === "done" && !this.#isOfThisBoot(fact)) return undefined;
      if (event.protocol === protocol && event.path === path) return fact;
    }
    return undefined;
  }

  #ended(fact: Mutable<Fact>): void {
    // Mostly it is the last one, and nothing is moved.
    if (this.#underWay.at(-1) === fact) this.#underWay.pop();
    else this.#underWay.splice(this.#underWay.lastIndexOf(fact), 1);
  }
}

type FileEvent = Extract<BootEvent, { kind: "file" }>;

function isUnderWay(event: BootEvent): event is FileEvent {
  return event.kind === "file" && event.outcome === "started";
}

/** They say the same. */
function isAlike(a: BootEvent, b: BootEvent): boolean {
  if (a.kind === "file" && b.kind === "file") {
    return a.protocol === b.protocol && a.outcome === b.outcome && a.path === b.path;
  }
  if (a.kind !== b.kind || a.kind === "file" || b.kind === "file") return false;
  return keyOf(a) === keyOf(b);
}

/** The same for events that say the same. */
function keyOf(event: Exclude<BootEvent, FileEvent>): string {
  switch (event.kind) {
    case "dhcp": {
      const { client, message, reply, address, architecture, elsewhere, bootFile } = event;
      return `dhcp ${client} ${message} ${reply} ${address} ${architecture} ${elsewhere} ${bootFile}`;
    }
    case "mount":
      return `mount ${event.outcome} ${event.path}`;
    case "portmap":
      return `portmap ${event.program} ${event.port}`;
    case "session":
      return `session ${event.outcome} ${event.target}`;
    case "up":
      return `up ${event.tree} ${event.digest}`;
    case "refused":
      return `refused ${event.protocol} ${event.reason} ${event.path}`;
  }
}

/** Paths come from the wire, and are shown on terminals. */
function clipped(event: BootEvent): BootEvent {
  if (!("path" in event) || event.path === undefined) return event;
  const path = clip(event.path);
  return path === event.path ? event : { ...event, path };
}

/** Printable, and a copy where it is cut: a slice would keep the whole. */
function clip(text: string): string {
  const isLong = text.length > STORY_TEXT_MAX;
  const cut = isLong ? `${Buffer.from(text.slice(0, STORY_TEXT_MAX)).toString()}…` : text;
  return /^[\x20-\x7e]*$/.test(cut) ? cut : cut.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}
