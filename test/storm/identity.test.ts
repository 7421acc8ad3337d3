import { describe, expect, test } from "vitest";
import { macToBytes } from "../../src/bytes/mac.ts";
import { STORM_NODES_MAX } from "../../src/limits.ts";
import { identityOf } from "../../src/storm/identity.ts";

const all = Array.from({ length: STORM_NODES_MAX }, (_, index) => identityOf(index, 1));

describe("who simulated nodes are", () => {
  test("no two are alike", () => {
    expect(new Set(all.map(({ mac }) => mac)).size).toBe(STORM_NODES_MAX);
    expect(new Set(all.map(({ name }) => name)).size).toBe(STORM_NODES_MAX);
    const uuids = all.map(({ uuid }) => Buffer.from(uuid).toString("hex"));
    expect(new Set(uuids).size).toBe(STORM_NODES_MAX);
  });

  test("the same for one seed, others for another", () => {
    expect(identityOf(7, 1)).toEqual(all[7]);
    expect(identityOf(7, 2).mac).not.toBe(all[7]?.mac);
  });

  test("their addresses are locally administered, and no groups (IEEE 802-2014 §8.2)", () => {
    expect(new Set(all.map(({ mac }) => (macToBytes(mac)[0] ?? 0) & 3))).toEqual(new Set([2]));
  });

  test("their UUIDs are of version 8 (RFC 9562 §5.8)", () => {
    expect(new Set(all.map(({ uuid }) => (uuid[6] ?? 0) >> 4))).toEqual(new Set([8]));
    expect(new Set(all.map(({ uuid }) => (uuid[8] ?? 0) >> 6))).toEqual(new Set([2]));
  });
});
