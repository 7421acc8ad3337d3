import { Bounded } from "../bytes/bounded.ts";
import type { MacAddress } from "../bytes/mac.ts";
import {
  HISTORY_BOOTS_PER_NODE,
  STUCK_MS,
  USUAL_BOOTS_MAX,
  USUAL_BOOTS_READ,
  USUAL_NODES_MAX,
  USUAL_TREES_MAX,
} from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import type { PastBoot, PastBoots } from "./past.ts";
import { isWhole, type NodeBoot } from "./timeline.ts";
import { isSlower, type Usual, usualOf } from "./usual.ts";

/** The boots of all trees together, beside those of each. */
const ROOM = "";

/** What was found of a boot's past, while it was of this tree. */
interface Found {
  /** The node's boots before it, while they may be asked for again: nodes say what they run once they are up. */
  readonly own: readonly PastBoot[] | undefined;
  readonly tree: string | undefined;
  readonly usual: Usual | undefined;
}

/** Keeps boots, and says how one compares with those before it. */
export class History {
  readonly #clock: Pick<Clock, "now" | "epochMs">;
  readonly #past: PastBoots;
  /** A boot is one object for as long as it lasts. */
  readonly #beganAt = new WeakMap<NodeBoot, number>();
  readonly #found = new WeakMap<NodeBoot, Found>();
  /** Of nodes that boot again and again what was read once: all their boots, the last one first. */
  readonly #own = new Bounded<MacAddress, PastBoot[]>(USUAL_NODES_MAX);
  /** The last boots that came up, by tree. */
  readonly #lately = new Bounded<string, PastBoot[]>(USUAL_TREES_MAX);

  constructor(clock: Pick<Clock, "now" | "epochMs">, past: PastBoots) {
    this.#clock = clock;
    this.#past = past;
    const latest = past.latest(USUAL_BOOTS_READ);
    for (const boot of latest.toReversed()) this.#count(boot);
  }

  /** It got further. */
  reached(boot: NodeBoot): void {
    if (!isWhole(boot)) return;
    const past = this.#asPast(boot);
    this.#past.save(past);
    this.#keep(past);
    if (boot.stage !== "up") return;
    // What is usual is what was so before.
    this.usual(boot);
    this.#count(past);
  }

  /** Milliseconds since 1970. */
  beganAt(boot: NodeBoot): number {
    const known = this.#beganAt.get(boot);
    if (known !== undefined) return known;
    const beganAt = Math.round(this.#clock.epochMs() - (this.#clock.now() - boot.startedAt));
    this.#beganAt.set(boot, beganAt);
    return beganAt;
  }

  /** Of the node's own boots, of its tree's where it has too few, of the room's while its tree is not known. */
  usual(boot: NodeBoot): Usual | undefined {
    if (boot.stage === "heard") return undefined;
    const found = this.#found.get(boot);
    if (found !== undefined && found.tree === boot.tree) return found.usual;
    const { tree } = boot;
    const own = found?.own ?? this.#before(boot);
    const isOwn = found?.usual?.of === "node" && own.every((past) => past.tree === tree);
    const usual = isOwn ? found.usual : this.#find(boot, own);
    this.#found.set(boot, { own: tree === undefined ? own : undefined, tree, usual });
    return usual;
  }

  /** What it took, or has taken so far, is more than usual. A boot that stands still is not slow. */
  isSlower(boot: NodeBoot): boolean {
    const usual = this.usual(boot);
    const now = this.#clock.now();
    const upAt = boot.reached.get("up");
    const isMoving = isWhole(boot) && now - boot.lastHeardAt < STUCK_MS;
    if (usual === undefined || (upAt === undefined && !isMoving)) return false;
    return isSlower((upAt ?? now) - boot.startedAt, usual);
  }

  #before(boot: NodeBoot): PastBoot[] {
    const beganAt = this.beganAt(boot);
    const own = this.#own.get(boot.mac) ?? [...this.#past.of(boot.mac)];
    this.#own.put(boot.mac, own);
    return own.filter((past) => past.beganAt !== beganAt);
  }

  #keep(past: PastBoot): void {
    const own = this.#own.get(past.mac);
    if (own === undefined) return;
    const at = own.findIndex(({ beganAt }) => beganAt <= past.beganAt);
    const isThere = own[at]?.beganAt === past.beganAt;
    own.splice(at < 0 ? own.length : at, isThere ? 1 : 0, past);
    if (own.length > HISTORY_BOOTS_PER_NODE) own.pop();
  }

  #find({ tree }: NodeBoot, own: readonly PastBoot[]): Usual | undefined {
    const ofTree = own.filter((past) => tree === undefined || past.tree === tree);
    return (
      usualOf("node", ofTree) ??
      usualOf("node", own) ??
      (tree === undefined ? undefined : usualOf("tree", this.#lately.get(tree) ?? [])) ??
      usualOf("room", this.#lately.get(ROOM) ?? [])
    );
  }

  #asPast(boot: NodeBoot): PastBoot {
    const { mac, tree, digest, startedAt } = boot;
    const reached = [...boot.reached].map(([stage, at]) => [stage, at - startedAt] as const);
    return { mac, beganAt: this.beganAt(boot), tree, digest, reached: new Map(reached) };
  }

  #count(boot: PastBoot): void {
    if (!boot.reached.has("up")) return;
    for (const tree of new Set([ROOM, boot.tree ?? ROOM])) {
      const lately = this.#lately.get(tree) ?? [];
      lately.push(boot);
      if (lately.length > USUAL_BOOTS_MAX) lately.shift();
      this.#lately.put(tree, lately);
    }
  }
}
