import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMalformed, type Malformed } from "../../src/bytes/malformed.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { Writer } from "../../src/bytes/writer.ts";
import { exportIdOf } from "../../src/nfs/exports.ts";
import { HANDLE_BYTES, type Handle, readHandle, writeHandle } from "../../src/nfs/handle.ts";
import type { FileId } from "../../src/tree/tree.ts";
import { Out } from "./client.ts";

const golden = "73640001" + "11223344" + "8899aabbccddeeff" + "0102030405060708" + "a1b2c3d4";
const value: Handle = {
  exportId: 0x11223344,
  identityHigh: 0x8899aabb,
  identityLow: 0xccddeeff,
  id: 0x0102030405060708n as FileId,
  generation: 0xa1b2c3d4,
};

/** As it comes in arguments: with its length in front, and something behind it, where the reader must then be. */
function decode(bytes: Uint8Array): Handle | Malformed {
  const reader = new Reader(new Out().opaque(bytes).u32(0x51d0).bytes());
  const handle = readHandle(reader);
  expect(reader.u32()).toBe(0x51d0);
  return handle;
}

function encode(handle: Handle): Uint8Array {
  const writer = new Writer(new Uint8Array(HANDLE_BYTES).fill(0xa5));
  writeHandle(writer, handle);
  return writer.finish();
}

describe("RFC 1813 §2.3.3: file handles", () => {
  test("golden bytes: nodes hold them over restarts and updates of the server", () => {
    expect(Buffer.from(encode(value)).toString("hex")).toBe(golden);
    expect(decode(Buffer.from(golden, "hex"))).toEqual(value);
  });

  test("an export's id is the start of SHA-256 of its name", () => {
    expect(exportIdOf("sidus")).toBe(0x041b_95c2);
    expect(exportIdOf("büro")).toBe(0x2616_f09c);
  });

  test("encoding and decoding are inverse", () => {
    const u32 = () => fc.nat(0xffff_ffff);
    fc.assert(
      fc.property(u32(), u32(), u32(), fc.bigInt(0n, (1n << 64n) - 1n), u32(), (a, b, c, id, d) => {
        const handle = {
          exportId: a,
          identityHigh: b,
          identityLow: c,
          id: id as FileId,
          generation: d,
        };
        expect(decode(encode(handle))).toEqual(handle);
      }),
    );
  });

  test("another length or another layout is no handle of ours", () => {
    const bytes = Buffer.from(golden, "hex");
    for (let length = 0; length < bytes.length; length += 1) {
      expect(isMalformed(decode(bytes.subarray(0, length)))).toBe(true);
    }
    expect(isMalformed(decode(Buffer.concat([bytes, Buffer.alloc(4)])))).toBe(true);
    for (let at = 0; at < 4; at += 1) {
      const other = Buffer.from(bytes);
      other[at] = (other[at] ?? 0) ^ 1;
      expect(isMalformed(decode(other))).toBe(true);
    }
  });
});
