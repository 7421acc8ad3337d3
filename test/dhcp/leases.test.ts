import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Ipv4 } from "../../src/bytes/ipv4.ts";
import type { MacAddress } from "../../src/bytes/mac.ts";
import { AddressSet } from "../../src/dhcp/address-set.ts";
import { type Lease, Leases } from "../../src/dhcp/leases.ts";
import { candidates, permits } from "../../src/dhcp/pool.ts";
import {
  DECLINED_HOLD_MS,
  LEASE_GRACE_MS,
  LEASES_MAX,
  OFFER_HOLD_MS,
  OFFERS_MAX,
} from "../../src/limits.ts";
import {
  address,
  MemoryStore,
  mac,
  node,
  numberedMac,
  rangeOf,
  SERVER,
  save,
  settingsWith,
} from "./messages.ts";

const HOUR = 3_600_000;
/** Of a lease of an hour given at 0. */
const END = HOUR + LEASE_GRACE_MS;
const small = settingsWith({ ranges: [rangeOf("10.77.0.50", 4)] });
const [a, b, c, d, e] = [1, 2, 3, 4, 5].map(numberedMac) as [
  MacAddress,
  MacAddress,
  MacAddress,
  MacAddress,
  MacAddress,
];

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`no item ${index}`);
  return item;
}

function offered(leases: Leases, who: MacAddress, now: number, wanted?: Ipv4, pool = small): Ipv4 {
  const given = leases.offer(pool, who, wanted, now);
  if (typeof given === "string") throw new Error(given);
  return given;
}

function bound(leases: Leases, who: MacAddress, now: number, pool = small): Ipv4 {
  const given = offered(leases, who, now, undefined, pool);
  leases.bind(who, given, now + HOUR, now);
  save(leases);
  return given;
}

describe("pool", () => {
  test("never has the server, network, broadcast, router, name servers or others' reservations to give", () => {
    const pool = settingsWith(
      {
        ranges: [rangeOf("10.77.0.0", 256)],
        router: address("10.77.0.2"),
        dns: [address("10.77.0.3")],
      },
      [node("525400000001", "10.77.0.9")],
    );
    const forbidden = ["10.77.0.0", "10.77.0.1", "10.77.0.2", "10.77.0.3", "10.77.0.255"];
    for (const text of [...forbidden, "10.77.0.9", "10.78.0.5"]) {
      expect(permits(pool, b, address(text))).toBe(false);
    }
    expect(permits(pool, a, address("10.77.0.9"))).toBe(true);
    expect(permits(pool, b, address("10.77.0.10"))).toBe(true);
  });

  test("RFC 3021: both addresses of a /31 are hosts'", () => {
    const pool = settingsWith({
      network: { network: address("10.77.0.0"), prefix: 31 },
      ranges: [rangeOf("10.77.0.0", 2)],
    });
    expect(permits(pool, a, address("10.77.0.0"))).toBe(true);
    expect(permits(pool, a, SERVER)).toBe(false);
  });

  test("walks through each address of its ranges once, from the node's own place", () => {
    const pool = settingsWith({ ranges: [rangeOf("10.77.0.50", 4), rangeOf("10.77.0.90", 3)] });
    const walk = [...candidates(pool.subnet, a, new AddressSet())];
    expect(new Set(walk).size).toBe(7);
    expect([...candidates(pool.subnet, a, new AddressSet())]).toEqual(walk);
    expect([...candidates(settingsWith({ ranges: [] }).subnet, a, new AddressSet())]).toEqual([]);
  });
});

describe("offer, RFC 2131 §4.3.1", () => {
  test("the same node is offered the same address, also by a server that has lost its state", () => {
    const first = new Leases(new MemoryStore());
    expect(offered(first, a, 0)).toBe(offered(first, a, 5));
    expect(offered(new Leases(new MemoryStore()), a, 0)).toBe(offered(first, a, 9));
  });

  test("an address with connections stays with who had it, though its lease ended; its own node gets it again", () => {
    const present = new Set<Ipv4>();
    const leases = new Leases(new MemoryStore(), (one) => present.has(one));
    const given = offered(leases, a, 0);
    if (typeof given === "string") throw new Error(given);
    leases.bind(a, given, 10, 0);
    present.add(given);
    expect(leases.lastAt(given)?.mac).toBe(a);
    const day = 86_400_000;
    expect(offered(leases, b, day, given)).not.toBe(given);
    expect(offered(leases, a, day)).toBe(given);
    present.clear();
    expect(offered(leases, c, 2 * day, given)).toBe(given);
  });

  test("a free address that the client wishes is given; one in use, or not in the pool, is not", () => {
    const leases = new Leases(new MemoryStore());
    const wish = address("10.77.0.53");
    expect(offered(leases, a, 0, wish)).toBe(wish);
    expect(offered(leases, b, 0, wish)).not.toBe(wish);
    expect(offered(leases, c, 0, address("10.77.0.60"))).not.toBe(address("10.77.0.60"));
    expect(offered(leases, d, 0, SERVER)).not.toBe(SERVER);
  });

  test("keeps the address for the client for a while, then for others", () => {
    const leases = new Leases(new MemoryStore());
    for (const who of [a, b, c, d]) offered(leases, who, 0);
    expect(leases.offer(small, e, undefined, OFFER_HOLD_MS - 1)).toBe("pool-exhausted");
    offered(leases, e, OFFER_HOLD_MS);
  });

  test("an offer that the client left for another server's is free at once", () => {
    const leases = new Leases(new MemoryStore());
    for (const who of [a, b, c]) offered(leases, who, 0);
    const last = offered(leases, d, 0);
    leases.withdrawOffer(d);
    expect(offered(leases, e, 0)).toBe(last);
  });

  test("a former address is given to its node again, as long as there are others for the others", () => {
    const leases = new Leases(new MemoryStore());
    const former = bound(leases, a, 0);
    expect(bound(leases, b, 2 * HOUR)).not.toBe(former);
    expect(offered(leases, a, 3 * HOUR)).toBe(former);
  });

  test("when none is left that was never used, the one that ended first is used again", () => {
    const leases = new Leases(new MemoryStore());
    const addresses = [c, a, d, b].map((who, at) => bound(leases, who, at * 1000));
    expect(leases.offer(small, e, undefined, END - 1)).toBe("pool-exhausted");
    expect(offered(leases, e, END + 1500)).toBe(addresses[0]);
    bound(leases, e, END + 1500);
    expect(leases.of(c)).toBeUndefined();
  });

  test("a reservation is its node's alone, in a range or not", () => {
    const nodes = [node("525400000001", "10.77.0.51"), node("525400000002", "10.77.0.200")];
    const pool = settingsWith({ ranges: [rangeOf("10.77.0.51", 1)] }, nodes);
    const leases = new Leases(new MemoryStore());
    expect(leases.offer(pool, c, address("10.77.0.51"), 0)).toBe("pool-exhausted");
    expect(offered(leases, a, 0, undefined, pool)).toBe(address("10.77.0.51"));
    expect(offered(leases, b, 0, undefined, pool)).toBe(address("10.77.0.200"));
  });

  test("while another still has the address that is now reserved, the node gets one of the range", () => {
    const leases = new Leases(new MemoryStore());
    const taken = bound(leases, b, 0);
    const pool = settingsWith({ ranges: small.subnet.ranges }, [
      { ...node("525400000001"), address: taken },
    ]);
    expect(offered(leases, a, 1, undefined, pool)).not.toBe(taken);
    expect(offered(leases, a, END, undefined, pool)).toBe(taken);
  });

  test("a flood of invented clients keeps neither reservations nor running leases from their nodes", () => {
    const pool = settingsWith({ ranges: [rangeOf("10.77.0.50", 2)] }, [
      node("525400000001", "10.77.0.50"),
    ]);
    const leases = new Leases(new MemoryStore());
    const own = bound(leases, b, 0, pool);
    expect(leases.offer(pool, c, undefined, 1)).toBe("pool-exhausted");
    expect(offered(leases, a, 1, undefined, pool)).toBe(address("10.77.0.50"));
    expect(offered(leases, b, 1, undefined, pool)).toBe(own);
  });

  test("a flood of invented clients holds a bounded number of offers", () => {
    const pool = settingsWith({
      network: { network: address("10.0.0.0"), prefix: 8 },
      ranges: [rangeOf("10.1.0.0", 3 * OFFERS_MAX)],
    });
    const leases = new Leases(new MemoryStore());
    const offers = Array.from({ length: OFFERS_MAX + 3 }, (_, at) =>
      offered(leases, numberedMac(at), at, undefined, pool),
    );
    // The oldest were forgotten, so that what they were is free; the others are held.
    expect(leases.isAvailable(pool, numberedMac(60_000), at(offers, 2), OFFERS_MAX)).toBe(true);
    expect(leases.isAvailable(pool, numberedMac(60_000), at(offers, 3), OFFERS_MAX)).toBe(false);
    expect(leases.isAvailable(pool, numberedMac(0), at(offers, 0), OFFERS_MAX)).toBe(true);
    expect(leases.isAvailable(pool, c, at(offers, 3), OFFER_HOLD_MS + 3)).toBe(true);
  });
});

describe("bind", () => {
  test("is on disk when it returns, and not in memory where the disk failed", () => {
    const store = new MemoryStore();
    const leases = new Leases(store);
    const given = bound(leases, a, 0);
    expect(store.load()).toEqual([{ mac: a, address: given, until: END }]);
    store.failure = new Error("disk full");
    expect(() => bound(leases, b, 0)).toThrow("disk full");
    expect(leases.of(b)).toBeUndefined();
  });

  test("again within moments is the same lease, without a write, and never shorter than promised", () => {
    const store = new MemoryStore();
    const leases = new Leases(store);
    const given = offered(leases, a, 0);
    const boundAt = (now: number, ms: number) => {
      const lease = leases.bind(a, given, now + ms, now);
      save(leases);
      return lease?.until;
    };
    expect(boundAt(0, HOUR)).toBe(HOUR + LEASE_GRACE_MS);
    expect(boundAt(LEASE_GRACE_MS, HOUR)).toBe(HOUR + LEASE_GRACE_MS);
    expect(store.saves).toBe(1);
    expect(boundAt(LEASE_GRACE_MS + 1, HOUR)).toBe(HOUR + 2 * LEASE_GRACE_MS + 1);
    // A shorter lease, after a reload, counts from now on.
    expect(boundAt(20_000, 1000)).toBe(21_000 + LEASE_GRACE_MS);
    expect(store.saves).toBe(3);
  });

  test("survives a restart", () => {
    const store = new MemoryStore();
    const given = bound(new Leases(store), a, 0);
    const leases = new Leases(store);
    expect(leases.at(given, END - 1)?.mac).toBe(a);
    expect(leases.at(given, END)).toBeUndefined();
    expect(offered(leases, a, END)).toBe(given);
  });

  test("an infinite lease never ends", () => {
    const leases = new Leases(new MemoryStore());
    const given = offered(leases, a, 0);
    leases.bind(a, given, Number.POSITIVE_INFINITY, 0);
    expect(leases.at(given, Number.MAX_SAFE_INTEGER)?.mac).toBe(a);
  });

  test("the table is bounded: the lease that ended first makes room; without one there is none", () => {
    const store = new MemoryStore();
    for (let at = 0; at < LEASES_MAX; at += 1) {
      const who = mac((0x52_00_00_00_00_00 + at).toString(16));
      store.leases.set(who, { mac: who, address: (0x0b00_0000 + at) as Ipv4, until: HOUR + at });
    }
    const [oldest] = store.leases.keys();
    const leases = new Leases(store);
    expect(leases.bind(a, address("10.77.0.50"), 2 * HOUR, 0)).toBeUndefined();
    expect(leases.bind(a, address("10.77.0.50"), 2 * HOUR, HOUR)).toBeDefined();
    save(leases);
    expect(store.leases.size).toBe(LEASES_MAX);
    expect(store.leases.has(oldest as MacAddress)).toBe(false);
  });
});

describe("release and decline", () => {
  test("RFC 2131 §4.3.4: a released address is free, but its node's first", () => {
    const store = new MemoryStore();
    const leases = new Leases(store);
    const given = bound(leases, a, 0);
    expect(leases.release(b, given, 1)).toBe(false);
    expect(leases.release(a, given, 1)).toBe(true);
    save(leases);
    expect(leases.release(a, given, 2)).toBe(false);
    expect(store.load()[0]?.until).toBe(1);
    expect(leases.at(given, 1)).toBeUndefined();
    expect(offered(leases, a, 2)).toBe(given);
  });

  test("RFC 2131 §4.3.3: a declined address is nobody's for a while", () => {
    const one = settingsWith({ ranges: [rangeOf("10.77.0.50", 1)] });
    const store = new MemoryStore();
    const leases = new Leases(store);
    const given = bound(leases, a, 0, one);
    expect(leases.decline(b, given, 0)).toBe(false);
    expect(leases.decline(a, given, 0)).toBe(true);
    save(leases);
    expect(store.load()).toEqual([]);
    expect(leases.offer(one, a, undefined, DECLINED_HOLD_MS - 1)).toBe("pool-exhausted");
    expect(offered(leases, a, DECLINED_HOLD_MS, undefined, one)).toBe(given);
  });
});

describe("whatever happens", () => {
  const pool = settingsWith({ ranges: [rangeOf("10.77.0.50", 6)] }, [
    node("525400000001", "10.77.0.52"),
    node("525400000002", "10.77.0.200"),
  ]);
  const who = fc.integer({ min: 1, max: 10 }).map(numberedMac);
  const what = fc.constantFrom("discover", "request", "release", "decline", "leave", "restart");
  const wish = fc.integer({ min: 0, max: 9 }).map((at) => (address("10.77.0.48") + at) as Ipv4);
  const waitMs = fc.integer({ min: 0, max: HOUR });
  const step = fc.record({ who, what, waitMs, wish: fc.option(wish, { nil: undefined }) });

  test("no two live leases share an address, and memory and disk agree", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const store = new MemoryStore();
        const held = new Map<MacAddress, Lease>();
        let leases = new Leases(store);
        let now = 0;
        for (const { who, what, waitMs, wish } of steps) {
          now += waitMs;
          const mine = held.get(who);
          if (what === "restart") leases = new Leases(store);
          if (what === "leave") leases.withdrawOffer(who);
          if (what === "discover") leases.offer(pool, who, wish, now);
          if (what === "request") {
            const given = leases.offer(pool, who, wish, now);
            if (typeof given !== "string") {
              expect(permits(pool, who, given)).toBe(true);
              const lease = leases.bind(who, given, now + HOUR, now);
              if (lease !== undefined) held.set(who, lease);
            }
          }
          if (mine !== undefined && what === "release") leases.release(who, mine.address, now);
          if (mine !== undefined && what === "decline") leases.decline(who, mine.address, now);
          if (what === "release" || what === "decline") held.delete(who);
          save(leases);
          const live = [...held.values()].filter(({ until }) => until > now);
          expect(new Set(live.map(({ address }) => address)).size).toBe(live.length);
          for (const lease of live) expect(leases.at(lease.address, now)?.mac).toBe(lease.mac);
          for (const lease of store.load()) expect(leases.of(lease.mac)).toEqual(lease);
        }
      }),
      { numRuns: 300 },
    );
  });
});
