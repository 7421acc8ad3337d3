import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Ipv4, ipv4 } from "../../src/bytes/ipv4.ts";
import { AddressSet } from "../../src/dhcp/address-set.ts";
import { LeaseEnds } from "../../src/dhcp/lease-book.ts";
import type { Lease } from "../../src/dhcp/leases.ts";
import { address, numberedMac } from "./messages.ts";

describe("a set of addresses", () => {
  // Across the borders of words and pages, and of what fits a signed number.
  const bases = ["10.76.255.200", "127.255.255.240", "255.255.255.100"].map(address);
  const near = fc
    .tuple(fc.constantFrom(...bases), fc.integer({ min: 0, max: 150 }))
    .map(([base, more]) => ipv4(base + more));

  test("finds the first address that is not in it, as one would by looking at each", () => {
    const step = fc.record({ at: near, isMember: fc.boolean(), count: fc.nat(70) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), near, fc.nat(150), (steps, from, length) => {
        const set = new AddressSet();
        const plain = new Set<number>();
        for (const { at, isMember, count } of steps) {
          for (let more = 0; more < count && at + more < 2 ** 32; more += 1) {
            set.put(ipv4(at + more), isMember);
            if (isMember) plain.add(at + more);
            else plain.delete(at + more);
          }
        }
        const to = Math.min(from + length, 2 ** 32 - 1) as Ipv4;
        let expected: number | undefined = from;
        while (expected !== undefined && plain.has(expected)) {
          expected = expected < to ? expected + 1 : undefined;
        }
        expect(set.firstAbsent(from, to)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe("leases by when they end", () => {
  const leaseUntil = (until: number): Lease => ({
    mac: numberedMac(until),
    address: address("10.77.0.50"),
    until,
  });

  test("come out in that order, and not before", () => {
    const until = fc.array(fc.nat(1000), { maxLength: 100 });
    fc.assert(
      fc.property(until, fc.nat(1000), (times, now) => {
        const ends = new LeaseEnds();
        for (const time of times) ends.add(leaseUntil(time));
        const taken: number[] = [];
        for (let lease = ends.take(now); lease; lease = ends.take(now)) taken.push(lease.until);
        expect(taken).toEqual(times.filter((time) => time <= now).sort((a, b) => a - b));
        expect(ends.size).toBe(times.length - taken.length);
      }),
    );
  });

  test("only those that are kept remain", () => {
    const ends = new LeaseEnds();
    for (const until of [5, 3, 9, 1, 7]) ends.add(leaseUntil(until));
    ends.keep(({ until }) => until !== 3);
    expect([1, 2, 3].map(() => ends.take(10)?.until)).toEqual([1, 5, 7]);
  });
});
