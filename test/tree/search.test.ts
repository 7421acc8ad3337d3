import { describe, expect, test } from "vitest";
import type { Place } from "../../src/tree/places.ts";
import { Search } from "../../src/tree/search.ts";
import type { FileId } from "../../src/tree/tree.ts";
import { VirtualClock } from "../sim/clock.ts";

const id = (value: number) => BigInt(value) as FileId;

function placeOf(value: number): Place {
  const never = { seconds: 0, nanoseconds: 0 };
  return {
    id: id(value),
    parent: undefined,
    name: `${value}`,
    attributes: {
      id: id(value),
      type: "file",
      mode: 0,
      links: 1,
      uid: 0,
      gid: 0,
      size: 0,
      used: 0,
      device: { major: 0, minor: 0 },
      accessed: never,
      modified: never,
      changed: never,
      generation: 0,
    },
    goodUntil: 0,
    isMountPoint: false,
    link: undefined,
    content: undefined,
  };
}

/** A search whose walks the test plays: it shows what is there and says when a walk is over. */
function played() {
  const clock = new VirtualClock();
  const walks: { show: (value: number) => void; end: () => void; fail: (error: Error) => void }[] =
    [];
  const search = new Search(
    clock,
    (show) =>
      new Promise((resolve, reject) => {
        walks.push({ show: (value) => show(placeOf(value)), end: resolve, fail: reject });
      }),
  );
  const found: string[] = [];
  const find = (value: number) => {
    search.find(id(value)).then(
      (place) => found.push(`${value}: ${place === undefined ? "nowhere" : "here"}`),
      (error) => found.push(`${value}: ${error.message}`),
    );
  };
  const settle = async () => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  return { clock, walks, search, find, found, settle };
}

describe("the search for files whose place is unknown", () => {
  test("one walk looks for all; who is found goes on at once", async () => {
    const { walks, find, found, settle } = played();
    find(1);
    expect(walks).toHaveLength(1);
    find(2);
    walks[0]?.show(1);
    walks[0]?.show(2);
    await settle();
    expect(found).toEqual(["1: here", "2: here"]);
    expect(walks).toHaveLength(1);
  });

  test("who asked during a walk that did not find it gets another whole one, after a rest", async () => {
    const { clock, walks, find, found, settle } = played();
    find(1);
    find(2);
    walks[0]?.end();
    await settle();
    expect(found).toEqual(["1: nowhere"]);
    clock.advance(999);
    expect(walks).toHaveLength(1);
    clock.advance(1);
    expect(walks).toHaveLength(2);
    walks[1]?.end();
    await settle();
    expect(found).toEqual(["1: nowhere", "2: nowhere"]);
  });

  test("the rest is ten times the walk, and at most half a minute", async () => {
    const { clock, walks, find, settle } = played();
    find(1);
    clock.advance(500);
    walks[0]?.end();
    await settle();
    find(2);
    clock.advance(4999);
    expect(walks).toHaveLength(1);
    clock.advance(1);
    expect(walks).toHaveLength(2);
    clock.advance(60_000);
    walks[1]?.end();
    await settle();
    find(3);
    clock.advance(29_999);
    expect(walks).toHaveLength(2);
    clock.advance(1);
    expect(walks).toHaveLength(3);
  });

  test("a walk that breaks tells those who waited for it", async () => {
    const { walks, find, found, settle } = played();
    find(1);
    walks[0]?.fail(new Error("broken"));
    await settle();
    expect(found).toEqual(["1: broken"]);
  });

  test("at its end nobody is left waiting, and nothing rings", async () => {
    const { clock, walks, search, find, found, settle } = played();
    find(1);
    walks[0]?.end();
    await settle();
    find(2);
    search[Symbol.dispose]();
    find(3);
    await settle();
    expect(found).toEqual(["1: nowhere", "2: nowhere", "3: nowhere"]);
    expect(clock.next()).toBeUndefined();
  });
});
