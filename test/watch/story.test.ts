import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Instant } from "../../src/bytes/instant.ts";
import { STORY_BOOTS_MAX, STORY_FACTS_MAX, STORY_TEXT_MAX } from "../../src/limits.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { Story } from "../../src/watch/story.ts";
import { address, dhcp } from "./replay.ts";

const at = (ms: number): Instant => ms as Instant;

function file(path: string, outcome: "started" | "done" | "aborted" | "missing"): BootEvent {
  return {
    kind: "file",
    protocol: "tftp",
    address,
    path,
    outcome,
    bytes: outcome === "done" ? 9 : 0,
  };
}

describe("a story", () => {
  test("counts what is repeated, with when it was first and last", () => {
    const story = new Story();
    story.begin(at(0));
    for (const ms of [0, 1000, 3000]) story.add(dhcp("pxe", "DISCOVER"), at(ms));
    story.add(dhcp("pxe", "REQUEST"), at(4000));
    story.add(dhcp("pxe", "DISCOVER"), at(5000));
    expect(story.facts).toMatchObject([
      { first: 0, last: 3000, times: 3 },
      { first: 4000, last: 4000, times: 1, event: { message: "REQUEST" } },
      { first: 5000, times: 1 },
    ]);
  });

  test("the end of a transfer is the same fact as its beginning, also when others began meanwhile", () => {
    const story = new Story();
    story.add(file("kernel", "started"), at(0));
    story.add(file("initrd", "started"), at(10));
    story.add(file("kernel", "done"), at(20));
    story.add(file("initrd", "aborted"), at(30));
    expect(story.facts).toMatchObject([
      { first: 0, last: 20, times: 1, event: { path: "kernel", outcome: "done", bytes: 9 } },
      { first: 10, last: 30, times: 1, event: { path: "initrd", outcome: "aborted" } },
    ]);
  });

  test("what is sent at once is of this boot, though the boot before broke off in the same file", () => {
    const story = new Story();
    story.begin(at(0));
    story.add(file("loader", "started"), at(100));
    story.begin(at(15_000));
    story.add(file("loader", "done"), at(15_200));
    // A connection that nobody ended is found dead later.
    story.add(file("loader", "aborted"), at(60_100));
    expect(story.facts).toMatchObject([
      { first: 100, last: 60_100, event: { outcome: "aborted" } },
      { first: 15_200, last: 15_200, event: { outcome: "done" } },
    ]);
  });

  test("a file that is fetched again and again is one fact, so that nothing is forgotten for it", () => {
    const story = new Story();
    story.begin(at(0));
    story.add(dhcp("pxe", "DISCOVER"), at(0));
    for (let time = 1; time <= 100; time += 1) {
      story.add(file("loader", "started"), at(10 * time));
      story.add(file("loader", "done"), at(10 * time + 5));
    }
    expect(story.facts).toMatchObject([
      { event: { message: "DISCOVER" } },
      { first: 10, last: 1005, times: 100, event: { outcome: "done", bytes: 9 } },
    ]);
    // What broke off is something else.
    story.add(file("loader", "started"), at(2000));
    story.add(file("loader", "aborted"), at(2001));
    story.add(file("loader", "started"), at(2002));
    story.add(file("loader", "done"), at(2003));
    expect(story.facts.slice(1)).toMatchObject([
      { times: 100, event: { outcome: "done" } },
      { times: 1, event: { outcome: "aborted" } },
      { times: 1, event: { outcome: "done" } },
    ]);
    story.begin(at(3000));
    story.add(file("loader", "started"), at(3000));
    story.add(file("loader", "done"), at(3001));
    expect(story.facts.slice(3)).toMatchObject([{ first: 2002 }, { first: 3000 }]);
  });

  test("the same in another boot is another fact", () => {
    const story = new Story();
    for (const ms of [0, 100_000]) {
      story.begin(at(ms));
      story.add(dhcp("pxe", "DISCOVER"), at(ms));
    }
    expect(story.facts.map(({ first }) => first)).toEqual([0, 100_000]);
    expect(story.begun).toEqual([0, 100_000]);
  });

  test("half of it can be forgotten, the older one", () => {
    const story = new Story();
    for (const name of ["a", "b", "c"]) story.add(file(name, "missing"), at(0));
    expect(story.forgetHalf()).toBe(2);
    expect(story.facts).toMatchObject([{ event: { path: "c" } }]);
  });

  test("each end is one transfer's, as long as one of that file is under way and remembered", () => {
    const outcome = fc.constantFrom("started", "done", "aborted", "missing", "forget");
    const told = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), outcome), { maxLength: 300 });
    fc.assert(
      fc.property(told, (steps) => {
        const story = new Story();
        const underWay = (path: string): number =>
          story.facts.filter(
            ({ event }) =>
              event.kind === "file" && event.path === path && event.outcome === "started",
          ).length;
        for (const [path, how] of steps) {
          const [before, length] = [underWay(path), story.facts.length];
          if (how === "forget") story.forgetHalf();
          else story.add(file(path, how), at(0));
          if ((how === "done" || how === "aborted") && before > 0) {
            expect(underWay(path)).toBe(before - 1);
            expect([length, length - 1]).toContain(story.facts.length);
          }
        }
      }),
    );
  });

  test("grows to its bound, whatever is told, and says by how much", () => {
    const path = fc.string({ maxLength: 2 * STORY_TEXT_MAX });
    const outcome = fc.constantFrom("started", "done", "aborted", "missing");
    fc.assert(
      fc.property(fc.array(fc.tuple(path, outcome), { maxLength: 200 }), (told) => {
        const story = new Story();
        let grown = 0;
        for (const [name, how] of told) {
          story.begin(at(0));
          grown += story.add(file(name, how as "started"), at(0));
        }
        expect(story.facts.length).toBe(grown);
        expect(grown).toBeLessThanOrEqual(STORY_FACTS_MAX);
        expect(story.begun.length).toBeLessThanOrEqual(STORY_BOOTS_MAX);
        for (const { event } of story.facts) {
          if (event.kind === "file")
            expect(event.path.length).toBeLessThanOrEqual(STORY_TEXT_MAX + 1);
        }
      }),
    );
  });
});
