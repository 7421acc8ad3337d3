import { after, type Instant } from "../bytes/instant.ts";
import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import {
  LIVE_HEARD_JUDGED_EVERY_MS,
  LIVE_HEARD_MS,
  LIVE_JUDGED_A_TURN,
  LIVE_JUDGED_EVERY_MS,
  LIVE_JUDGED_MS,
  LIVE_NODES_A_TURN,
  LIVE_READERS_MAX,
  LIVE_READERS_PER_HOST_MAX,
  LIVE_STALLED_MS,
  LIVE_TOLD_EVERY_MS,
  LIVE_TOTALS_EVERY_MS,
  LIVE_UNTOLD_MAX,
} from "../limits.ts";
import type { Alarm, Clock } from "../net/clock.ts";
import type { Explanation } from "./explain.ts";
import type { NodeBoot } from "./timeline.ts";

/** Why a node is where it is, as it was last looked at. */
export type Judgement = Pick<Explanation, "condition" | "cause" | "advice">;

export interface LiveDeps {
  readonly clock: Clock;
  readonly boots: () => readonly NodeBoot[];
  readonly boot: (mac: MacAddress) => NodeBoot | undefined;
  readonly explain: (boot: NodeBoot) => Judgement;
  readonly isSlower: (boot: NodeBoot) => boolean;
  /** A node, as readers are told of it. */
  readonly shown: (boot: NodeBoot, judgement: Judgement | undefined) => object;
  /** What is not of one node. */
  readonly totals: () => object;
}

/** Somebody who follows. */
export interface LiveReader {
  readonly address: Ipv4;
  /** False: it takes no more for now, and `drained` is told when it does. */
  send(text: string): boolean;
  end(): void;
}

export interface Following {
  drained(): void;
  left(): void;
}

type Judged = Judgement & { readonly slower: boolean; readonly at: Instant };

interface Follower {
  readonly reader: LiveReader;
  /** Changed since it was told of them: of each, what it is by then is told, so that a slow reader costs no memory. */
  readonly untold: Set<MacAddress>;
  /** It takes nothing since then. */
  stalledAt: Instant | undefined;
}

/**
 * Tells readers what changes, as server-sent events: `nodes`, a list of those that changed, and `totals` every second. A
 * reader that comes is told of all nodes, some at a time. Without readers nothing is done.
 */
export class Live implements Disposable {
  readonly #deps: LiveDeps;
  readonly #alarm: Alarm;
  readonly #followers = new Set<Follower>();
  #touched = new Set<MacAddress>();
  /** Of a boot, not of its node: what kept the boot before is not said of this one. */
  #judged = new WeakMap<NodeBoot, Judged>();
  /** Not up yet: to be looked at, one after the other. */
  #unjudged: MacAddress[] = [];
  #roundAt = 0;
  #totalsAt = 0;
  /** No turn before: who comes and goes again and again causes no more of them. */
  #turnAt: Instant;

  constructor(deps: LiveDeps) {
    this.#deps = deps;
    this.#alarm = deps.clock.alarm(() => this.#turn());
    this.#turnAt = deps.clock.now();
  }

  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
    for (const { reader } of this.#followers) reader.end();
    this.#followers.clear();
  }

  get readers(): number {
    return this.#followers.size;
  }

  /** Something was seen of the node. */
  touch(mac: MacAddress): void {
    if (this.#followers.size > 0) this.#touched.add(mac);
  }

  /** Undefined: there are too many already. */
  follow(reader: LiveReader): Following | undefined {
    const ofHost = [...this.#followers].filter((one) => one.reader.address === reader.address);
    const isFull = this.#followers.size >= LIVE_READERS_MAX;
    if (isFull || ofHost.length >= LIVE_READERS_PER_HOST_MAX) return undefined;
    const untold = new Set(this.#deps.boots().map(({ mac }) => mac));
    const follower: Follower = { reader, untold, stalledAt: undefined };
    this.#followers.add(follower);
    this.#totalsAt = 0;
    this.#alarm.set(this.#turnAt);
    return {
      drained: () => {
        follower.stalledAt = undefined;
      },
      left: () => this.#leave(follower),
    };
  }

  #leave(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#followers.size > 0) return;
    this.#alarm.set(undefined);
    this.#touched.clear();
    this.#judged = new WeakMap();
    this.#unjudged = [];
    this.#roundAt = 0;
  }

  #turn(): void {
    const now = this.#deps.clock.now();
    this.#turnAt = after(now, LIVE_TOLD_EVERY_MS);
    this.#judge();
    const lines = new Map<MacAddress, string>();
    for (const follower of [...this.#followers]) {
      for (const mac of this.#touched) follower.untold.add(mac);
      if (this.#isLost(follower, now)) continue;
      if (follower.stalledAt === undefined) this.#tellNodes(follower, lines);
    }
    this.#touched.clear();
    if (now >= this.#totalsAt) {
      this.#totalsAt = now + LIVE_TOTALS_EVERY_MS;
      const text = eventOf("totals", JSON.stringify(this.#deps.totals()));
      for (const follower of [...this.#followers]) this.#send(follower, text);
    }
    if (this.#followers.size > 0) this.#alarm.set(this.#turnAt);
  }

  #isLost(follower: Follower, now: Instant): boolean {
    const { reader, stalledAt, untold } = follower;
    const isStalled = stalledAt !== undefined && now - stalledAt >= LIVE_STALLED_MS;
    if (!isStalled && untold.size <= LIVE_UNTOLD_MAX) return false;
    this.#leave(follower);
    reader.end();
    return true;
  }

  #tellNodes(follower: Follower, lines: Map<MacAddress, string>): void {
    const told: string[] = [];
    for (const mac of follower.untold) {
      if (told.length >= LIVE_NODES_A_TURN) break;
      follower.untold.delete(mac);
      const line = lines.get(mac) ?? this.#lineOf(mac);
      if (line === undefined) continue;
      lines.set(mac, line);
      told.push(line);
    }
    if (told.length > 0) this.#send(follower, eventOf("nodes", `[${told.join(",")}]`));
  }

  #lineOf(mac: MacAddress): string | undefined {
    const boot = this.#deps.boot(mac);
    if (boot === undefined) return undefined;
    const judgement = boot.stage === "up" ? undefined : this.#judged.get(boot);
    return JSON.stringify(this.#deps.shown(boot, judgement));
  }

  #send(follower: Follower, text: string): void {
    if (follower.stalledAt !== undefined) return;
    if (!follower.reader.send(text)) follower.stalledAt = this.#deps.clock.now();
  }

  /** A few of those that are not up: who stands still changes with time, without a word of the node. */
  #judge(): void {
    const { clock, boot: bootOf } = this.#deps;
    const now = clock.now();
    let left = LIVE_JUDGED_A_TURN;
    const isOver = (): boolean => left <= 0 || clock.now() >= now + LIVE_JUDGED_MS;
    // What kept a node may be over when it is heard again.
    for (const mac of this.#touched) {
      const boot = bootOf(mac);
      if (boot === undefined || boot.stage === "up" || !isKept(this.#judged.get(boot))) continue;
      if (isOver()) break;
      left -= 1;
      this.#look(boot, now);
    }
    if (this.#unjudged.length === 0 && now >= this.#roundAt) this.#beginRound(now);
    for (; !isOver(); left -= 1) {
      const mac = this.#unjudged.pop();
      const boot = mac === undefined ? undefined : bootOf(mac);
      if (mac === undefined) return;
      if (boot !== undefined && !this.#isOnItsWay(boot, now)) this.#look(boot, now);
    }
  }

  #look(boot: NodeBoot, now: Instant): void {
    const { explain, isSlower } = this.#deps;
    const { condition, cause, advice } = explain(boot);
    const slower = isSlower(boot);
    const before = this.#judged.get(boot);
    const isNews = before?.condition !== condition || before.slower !== slower;
    if (isNews) this.#touched.add(boot.mac);
    this.#judged.set(boot, { condition, cause, advice, slower, at: now });
  }

  /** It was on its way when it was looked at last, not long ago, and has just been heard. */
  #isOnItsWay(boot: NodeBoot, now: Instant): boolean {
    const judged = this.#judged.get(boot);
    if (judged === undefined || isKept(judged)) return false;
    return now - boot.lastHeardAt < LIVE_HEARD_MS && now - judged.at < LIVE_HEARD_JUDGED_EVERY_MS;
  }

  #beginRound(now: Instant): void {
    this.#roundAt = now + LIVE_JUDGED_EVERY_MS;
    const waiting = this.#deps.boots().filter(({ stage }) => stage !== "up");
    this.#unjudged = waiting.map(({ mac }) => mac);
  }
}

/** Something was seen that keeps it from being up. */
function isKept(judged: Judged | undefined): boolean {
  return judged !== undefined && judged.condition !== "on its way";
}

/** WHATWG HTML §9.2.5. JSON has no line ends in it. */
function eventOf(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}
