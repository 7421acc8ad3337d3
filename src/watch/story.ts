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

/** What was seen of one node lately, in order: the last boots, as far as it fits. */
export class Story {
  readonly #facts: Fact[] = [];
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

  /** Answers by how many facts it grew: 0 or 1. */
  add(event: BootEvent, now: Instant): number {
    const at = this.#continued(event);
    const before = this.#facts[at];
    if (before !== undefined) {
      const isAgain = keyOf(before.event) === keyOf(event);
      this.#facts[at] = {
        event: clipped(event),
        first: before.first,
        last: now,
        times: before.times + (isAgain ? 1 : 0),
      };
      return 0;
    }
    this.#facts.push({ event: clipped(event), first: now, last: now, times: 1 });
    if (this.#facts.length <= STORY_FACTS_MAX) return 1;
    this.#facts.shift();
    return 0;
  }

  /** Answers how many it forgot. */
  forgetHalf(): number {
    return this.#facts.splice(0, Math.ceil(this.#facts.length / 2)).length;
  }

  /** The fact that the event repeats, or that it is the end of; -1: none. */
  #continued(event: BootEvent): number {
    const bootAt = this.#begun.at(-1) ?? (0 as Instant);
    const last = this.#facts.length - 1;
    if (event.kind === "file" && (event.outcome === "done" || event.outcome === "aborted")) {
      const at = this.#facts.findLastIndex((fact) => isBegun(fact.event, event));
      if (at >= 0) return at;
    }
    const newest = this.#facts[last];
    const isAgain = newest !== undefined && keyOf(newest.event) === keyOf(event);
    return isAgain && newest.first >= bootAt ? last : -1;
  }
}

function isBegun(event: BootEvent, ended: Extract<BootEvent, { kind: "file" }>): boolean {
  if (event.kind !== "file" || event.outcome !== "started") return false;
  return event.protocol === ended.protocol && event.path === clip(ended.path);
}

/** The same for events that say the same. */
function keyOf(event: BootEvent): string {
  switch (event.kind) {
    case "dhcp": {
      const { client, message, reply, address, architecture, elsewhere, bootFile } = event;
      return `dhcp ${client} ${message} ${reply} ${address} ${architecture} ${elsewhere} ${bootFile}`;
    }
    case "file":
      return `file ${event.protocol} ${event.outcome} ${clip(event.path)}`;
    case "mount":
      return `mount ${event.outcome} ${clip(event.path)}`;
    case "portmap":
      return `portmap ${event.program} ${event.port}`;
    case "session":
      return `session ${event.outcome} ${event.target}`;
    case "up":
      return `up ${event.tree} ${event.digest}`;
    case "refused":
      return `refused ${event.protocol} ${event.reason} ${clip(event.path ?? "")}`;
  }
}

/** Paths come from the wire, and are shown on terminals. */
function clipped(event: BootEvent): BootEvent {
  return "path" in event && event.path !== undefined ? { ...event, path: clip(event.path) } : event;
}

/** Printable, and a copy where it is cut: a slice would keep the whole. */
function clip(text: string): string {
  const isLong = text.length > STORY_TEXT_MAX;
  const cut = isLong ? `${Buffer.from(text.slice(0, STORY_TEXT_MAX)).toString()}…` : text;
  return /^[\x20-\x7e]*$/.test(cut) ? cut : cut.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}
