import { describe, expect, test } from "vitest";
import { HISTORY_BOOTS_PER_NODE, STUCK_MS, USUAL_BOOTS_MIN } from "../../src/limits.ts";
import { History } from "../../src/watch/history.ts";
import type { PastBoot, PastBoots } from "../../src/watch/past.ts";
import { medianOf, quantileOf } from "../../src/watch/quantile.ts";
import { type NodeBoot, type Stage, Timeline } from "../../src/watch/timeline.ts";
import { isSlower, usualOf } from "../../src/watch/usual.ts";
import { VirtualClock } from "../sim/clock.ts";
import { address, dhcp, mac, macOf, momentsOf } from "./replay.ts";

class Kept implements PastBoots {
  readonly boots: PastBoot[] = [];

  save(boot: PastBoot): void {
    const at = this.boots.findIndex((one) => one.mac === boot.mac && one.beganAt === boot.beganAt);
    if (at >= 0) this.boots.splice(at, 1);
    this.boots.unshift(boot);
  }

  of(of: string): PastBoot[] {
    const own = this.boots.filter((boot) => boot.mac === of);
    return own.sort((a, b) => b.beganAt - a.beganAt).slice(0, HISTORY_BOOTS_PER_NODE);
  }

  latest(most: number): PastBoot[] {
    return this.boots.slice(0, most);
  }

  times(): never[] {
    return [];
  }
}

function past(upMs: number | undefined, said: Partial<PastBoot> = {}): PastBoot {
  const reached = new Map<Stage, number>([["dhcp", 1000]]);
  if (upMs !== undefined) reached.set("up", upMs);
  return { mac, beganAt: upMs ?? 0, tree: "sidus", digest: undefined, reached, ...said };
}

/** A room with a past, in which one recorded boot happens. */
function room(...before: readonly PastBoot[]) {
  const kept = new Kept();
  for (const boot of before) kept.save(boot);
  const clock = new VirtualClock();
  const history = new History(clock, kept);
  const timeline = new Timeline(
    clock,
    (boot) => history.reached(boot),
    () => undefined,
  );
  const boot = (): NodeBoot => {
    const found = timeline.boot(mac);
    if (found === undefined) throw new Error("no boot");
    return found;
  };
  const replay = (name: string, ms = Number.POSITIVE_INFINITY, after = -1): void => {
    const began = clock.now() - Math.max(0, after);
    const moments = momentsOf(name).filter(({ at }) => at > after && at <= ms);
    for (const { at, event } of moments) {
      clock.advance(Math.max(0, began + at - clock.now()));
      timeline.tell(event);
    }
  };
  return { kept, clock, history, timeline, boot, replay };
}

describe("quantiles by nearest rank", () => {
  test.each([
    [[], 0.5, undefined],
    [[7], 0.95, 7],
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2],
    [Array.from({ length: 100 }, (_, at) => at + 1), 0.95, 95],
    [[5, 1], 0, 1],
    [[5, 1], 1, 5],
  ])("%j at %d", (values, share, expected) => {
    expect(quantileOf(values, share)).toBe(expected);
  });

  test("the median of an even number is one that was measured", () => {
    expect(medianOf([1, 2, 30, 40])).toBe(2);
  });
});

describe("what is usual", () => {
  test("too few boots that came up say nothing", () => {
    const some = [past(40_000), past(41_000), past(undefined), past(undefined)];
    expect(usualOf("node", some)).toBeUndefined();
    expect(usualOf("node", [...some, past(50_000)])).toMatchObject({
      of: "node",
      boots: USUAL_BOOTS_MIN,
      medianMs: 41_000,
      p95Ms: 50_000,
    });
  });

  test("slower is what nearly no boot was, and by more than chance", () => {
    const usual = {
      of: "node",
      boots: 9,
      medianMs: 40_000,
      p95Ms: 44_000,
      reached: new Map(),
    } as const;
    expect(isSlower(44_000, usual)).toBe(false);
    // Beyond the 95 %, but within a fifth of the middle.
    expect(isSlower(47_000, usual)).toBe(false);
    expect(isSlower(48_001, usual)).toBe(true);
    const quick = { ...usual, medianMs: 2000, p95Ms: 2100 };
    expect(isSlower(3900, quick)).toBe(false);
    expect(isSlower(4001, quick)).toBe(true);
  });
});

describe("a boot", () => {
  test("is kept with its stages as they are reached, once", () => {
    const { kept, replay, clock } = room();
    replay("a-bios-tmpfs", 20_000);
    expect(kept.boots).toHaveLength(1);
    expect([...(kept.boots[0]?.reached.keys() ?? [])]).toEqual(["dhcp", "loader", "kernel"]);
    clock.advance(3);
    replay("a-bios-tmpfs");
    expect(kept.boots.filter(({ reached }) => reached.has("up"))).toHaveLength(1);
    expect(kept.boots[0]).toMatchObject({ mac, tree: "sidus" });
  });

  test("an address alone is none, unless firmware asked for it", () => {
    for (const [client, boots] of [
      ["other", 0],
      ["pxe", 1],
    ] as const) {
      const { kept, timeline } = room();
      for (const message of ["DISCOVER", "REQUEST"]) timeline.tell(dhcp(client, message));
      expect(kept.boots).toHaveLength(boots);
    }
  });

  test("whose beginning was not seen, as the server was started again meanwhile, is not kept", () => {
    const { kept, timeline, history, boot } = room();
    for (const message of ["DISCOVER", "REQUEST"]) timeline.tell(dhcp("kernel", message));
    timeline.tell({ kind: "mount", address, path: "/srv/nfsroot/sidus", outcome: "granted" });
    timeline.tell({ kind: "up", address, tree: "sidus" });
    expect(boot().stage).toBe("up");
    expect(kept.boots).toEqual([]);
    expect(history.isSlower(boot())).toBe(false);
  });

  test("is none where a running system renews its address for hours, and that is not slow", () => {
    const { kept, timeline, history, boot, clock } = room(
      ...[40_000, 41_000, 42_000].map((ms) => past(ms)),
    );
    timeline.tell(dhcp("other", "REQUEST"));
    clock.advance(7_200_000);
    timeline.tell(dhcp("other", "REQUEST"));
    expect(history.isSlower(boot())).toBe(false);
    expect(kept.boots).toHaveLength(3);
  });

  test("is compared with those of its node before it, not with itself", () => {
    const own = [40_000, 41_000, 42_000].map((ms) => past(ms));
    const { history, boot, replay } = room(...own);
    replay("a-bios-tmpfs");
    expect(history.usual(boot())).toMatchObject({ of: "node", boots: 3, medianMs: 41_000 });
  });

  test("is compared with boots of its tree where its node has too few, and with the room's before that is known", () => {
    const others = [50_000, 51_000, 52_000].map((ms) =>
      past(ms, { mac: macOf("52:54:00:77:00:09"), beganAt: ms }),
    );
    const strange = [90_000, 91_000, 92_000, 93_000].map((ms) =>
      past(ms, { mac: macOf("52:54:00:77:00:08"), beganAt: ms, tree: "other" }),
    );
    const { history, boot, replay } = room(past(1000), ...others, ...strange);
    replay("a-bios-tmpfs", 20_000);
    expect(history.usual(boot())).toMatchObject({ of: "room", boots: 8, medianMs: 52_000 });
    replay("a-bios-tmpfs");
    expect(history.usual(boot())).toMatchObject({ of: "tree", boots: 4, medianMs: 50_000 });
  });

  test("of a node that boots again and again is compared with its last ones, which are read once", () => {
    const { kept, history, boot, replay, clock } = room();
    const asked: string[] = [];
    const { of } = kept;
    kept.of = (whose) => {
      asked.push(whose);
      return of.call(kept, whose);
    };
    const beganAt: (number | undefined)[] = [];
    for (let time = 0; time < HISTORY_BOOTS_PER_NODE + 3; time += 1) {
      replay("a-bios-tmpfs");
      const usual = history.usual(boot());
      // It is kept itself, too.
      const before = Math.min(time, HISTORY_BOOTS_PER_NODE - 1);
      expect(usual?.boots).toBe(before < USUAL_BOOTS_MIN ? undefined : before);
      beganAt.push(history.beganAt(boot()));
      clock.advance(3_600_000);
    }
    expect(new Set(beganAt).size).toBe(HISTORY_BOOTS_PER_NODE + 3);
    expect(asked).toEqual([mac]);
  });

  test("after the clock was set back is one among those before, as the store has it", () => {
    const ahead = past(50_000, { beganAt: 9e12 });
    const older = Array.from({ length: HISTORY_BOOTS_PER_NODE - 2 }, (_, at) => past(40_000 + at));
    const { history, boot, replay, clock } = room(...older, ahead);
    // Asked for before it gets further, as readers of the page do.
    replay("a-bios-tmpfs", 20_000);
    expect(history.usual(boot())).toMatchObject({ boots: HISTORY_BOOTS_PER_NODE - 1 });
    replay("a-bios-tmpfs", Number.POSITIVE_INFINITY, 20_000);
    clock.advance(3_600_000);
    replay("a-bios-tmpfs");
    // All that are kept, but for itself.
    expect(history.usual(boot())).toMatchObject({ boots: HISTORY_BOOTS_PER_NODE - 1 });
  });

  test("another tree than usual is compared with all boots of the node, until it has its own", () => {
    const own = [40_000, 41_000, 42_000].map((ms) => past(ms, { tree: "before" }));
    const { history, boot, replay } = room(...own);
    replay("a-bios-tmpfs");
    expect(history.usual(boot())).toMatchObject({ of: "node", medianMs: 41_000 });
  });

  test("is slower while it goes on and when it is up, and not when it stands still", () => {
    const { history, boot, replay, clock } = room(
      ...[10_000, 10_100, 10_200].map((ms) => past(ms)),
    );
    replay("a-bios-tmpfs", 10_000);
    expect(history.isSlower(boot())).toBe(false);
    replay("a-bios-tmpfs", 20_000);
    expect(history.isSlower(boot())).toBe(true);
    clock.advance(STUCK_MS);
    expect(history.isSlower(boot())).toBe(false);
    replay("a-bios-tmpfs");
    expect(boot().stage).toBe("up");
    expect(history.isSlower(boot())).toBe(true);
    clock.advance(10 * STUCK_MS);
    expect(history.isSlower(boot())).toBe(true);
  });

  test("that was only heard is not looked up", () => {
    const { kept, history, timeline, boot } = room();
    kept.of = () => {
      throw new Error("looked up");
    };
    timeline.tell(dhcp("pxe", "DISCOVER"));
    expect(history.usual(boot())).toBeUndefined();
  });
});
