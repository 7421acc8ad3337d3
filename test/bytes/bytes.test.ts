import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  broadcastOf,
  contains,
  formatCidr,
  formatIpv4,
  formatIpv4Range,
  ipv4,
  netmask,
  parseCidr,
  parseIpv4,
  parseIpv4Range,
  rangeContains,
} from "../../src/bytes/ipv4.ts";
import { formatMac, macFromBytes, macToBytes, parseMac } from "../../src/bytes/mac.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { Writer } from "../../src/bytes/writer.ts";

describe("reader", () => {
  test("reads big-endian and ends exactly", () => {
    const reader = new Reader(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 0xff, 0, 0, 0, 0, 0, 0, 1, 0));
    expect([reader.u8(), reader.u16(), reader.u32()]).toEqual([1, 0x0203, 0x04050607]);
    expect(reader.u8()).toBe(255);
    expect(reader.size64()).toBe(256);
    expect([reader.remaining, reader.failed]).toEqual([0, false]);
  });

  test("past the end it fails for good, with zeros and nothing", () => {
    const reader = new Reader(Uint8Array.of(1, 2, 3));
    expect(reader.u32()).toBe(0);
    expect(reader.failed).toBe(true);
    expect([reader.u8(), reader.u16(), reader.u64()]).toEqual([0, 0, 0n]);
    expect(reader.take(1)).toHaveLength(0);
  });

  test("a size beyond 2^53 - 1 fails instead of rounding", () => {
    expect(new Reader(Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0)).size64()).toBe(0);
    const largest = new Reader(Uint8Array.of(0, 0x1f, 255, 255, 255, 255, 255, 255));
    expect(largest.size64()).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("reads inside a view of a larger buffer", () => {
    const whole = Uint8Array.of(9, 9, 9, 0, 0, 0, 7, 9);
    expect(new Reader(whole.subarray(3, 7)).u32()).toBe(7);
  });
});

describe("writer", () => {
  test("what it writes the reader reads", () => {
    fc.assert(
      fc.property(
        fc.nat(255),
        fc.nat(0xffff),
        fc.nat(),
        fc.bigInt(0n, 2n ** 64n - 1n),
        fc.maxSafeNat(),
        (a, b, c, d, e) => {
          const bytes = new Uint8Array(23).fill(0xa5);
          const written = new Writer(bytes).u8(a).u16(b).u32(c).u64(d).size64(e).finish();
          const reader = new Reader(written);
          expect([reader.u8(), reader.u16(), reader.u32(), reader.u64(), reader.size64()]).toEqual([
            a,
            b,
            c,
            d,
            e,
          ]);
        },
      ),
    );
  });

  test("a size that was worked out wrongly throws", () => {
    expect(() => new Writer(3).u16(1).finish()).toThrow("wrote 2 of 3 bytes");
    expect(() => new Writer(1).u16(1)).toThrow(RangeError);
    expect(() => new Writer(1).zeros(2)).toThrow(RangeError);
  });
});

describe("IPv4", () => {
  test("text and numbers", () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (value) => {
        expect(parseIpv4(formatIpv4(ipv4(value)))).toBe(value);
      }),
    );
    for (const wrong of [
      "",
      "1.2.3",
      "1.2.3.256",
      "1.2.3.4.5",
      "a.b.c.d",
      "1.2.3.4 ",
      "0x1.2.3.4",
    ]) {
      expect(parseIpv4(wrong)).toBeUndefined();
    }
  });

  test("networks", () => {
    const cidr = parseCidr("10.13.20.0/22");
    if (cidr === undefined) throw new Error("not parsed");
    expect(formatIpv4(netmask(22))).toBe("255.255.252.0");
    expect(formatIpv4(broadcastOf(cidr))).toBe("10.13.23.255");
    expect(contains(cidr, ipv4(0x0a0d17ff))).toBe(true);
    expect(contains(cidr, ipv4(0x0a0d1800))).toBe(false);
    expect(formatCidr(cidr)).toBe("10.13.20.0/22");
    expect(parseCidr("0.0.0.0/0")).toEqual({ network: 0, prefix: 0 });
    expect(parseCidr("10.0.0.1")).toEqual({ network: 0x0a000001, prefix: 32 });
    for (const wrong of ["10.0.0.1/24", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "/8"]) {
      expect(parseCidr(wrong)).toBeUndefined();
    }
  });

  test("ranges", () => {
    const range = parseIpv4Range("10.0.0.50 - 10.0.0.99");
    if (range === undefined) throw new Error("not parsed");
    expect(formatIpv4Range(range)).toBe("10.0.0.50-10.0.0.99");
    expect([49, 50, 99, 100].map((last) => rangeContains(range, ipv4(0x0a000000 + last)))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(parseIpv4Range("10.0.0.99-10.0.0.50")).toBeUndefined();
  });
});

describe("MAC address", () => {
  test("the forms that people write", () => {
    for (const text of ["52:54:00:AB:cd:01", "52-54-00-ab-cd-01", "525400abcd01"]) {
      expect(parseMac(text)).toBe("525400abcd01");
    }
    for (const wrong of [
      "",
      "52:54:00:ab:cd",
      "52:54:00:ab:cd:0g",
      "52:54-00:ab:cd:01",
      "525400abcd0",
    ]) {
      expect(parseMac(wrong)).toBeUndefined();
    }
  });

  test("bytes and back", () => {
    const mac = macFromBytes(Uint8Array.of(0x52, 0x54, 0, 0xab, 0xcd, 1));
    expect(formatMac(mac)).toBe("52:54:00:ab:cd:01");
    expect(formatMac(mac, "-")).toBe("52-54-00-ab-cd-01");
    expect([...macToBytes(mac)]).toEqual([0x52, 0x54, 0, 0xab, 0xcd, 1]);
  });
});
