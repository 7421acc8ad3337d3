import { describe, expect, test } from "vitest";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { Mounts } from "../../src/nfs/mounts.ts";

const a = ipv4(0x0a00_0001);
const b = ipv4(0x0a00_0002);

describe("the list of mounts", () => {
  test("has each once, the latest last", () => {
    const mounts = new Mounts();
    mounts.change({ kind: "mounted", address: a, path: "/x" });
    mounts.change({ kind: "mounted", address: b, path: "/x" });
    mounts.change({ kind: "mounted", address: a, path: "/x" });
    expect(mounts.all()).toEqual([
      { address: b, path: "/x" },
      { address: a, path: "/x" },
    ]);
  });

  test("forgets one, or all of a client's", () => {
    const mounts = new Mounts();
    for (const path of ["/x", "/y"]) {
      for (const address of [a, b]) mounts.change({ kind: "mounted", address, path });
    }
    mounts.change({ kind: "unmounted", address: a, path: "/x" });
    mounts.change({ kind: "unmounted", address: a, path: "/none" });
    mounts.change({ kind: "unmounted-all", address: b });
    expect(mounts.all()).toEqual([{ address: a, path: "/y" }]);
  });

  test("is bounded: the oldest are forgotten", () => {
    const mounts = new Mounts();
    for (let at = 0; at < 5000; at += 1) {
      mounts.change({ kind: "mounted", address: ipv4(at), path: "/x" });
    }
    expect(mounts.all()).toHaveLength(4096);
    expect(mounts.all()[0]).toEqual({ address: 904, path: "/x" });
  });

  test("two that follow the same changes are equal", () => {
    const one = new Mounts();
    const two = new Mounts();
    const changes = [
      { kind: "mounted", address: a, path: "/x" },
      { kind: "mounted", address: b, path: "/y" },
      { kind: "unmounted-all", address: a },
    ] as const;
    for (const change of changes) {
      one.change(change);
      two.change(structuredClone(change));
    }
    expect(two.all()).toEqual(one.all());
  });
});
