import { describe, expect, test } from "vitest";
import { encodeAttributes } from "../../src/nfs/attributes.ts";
import type { Attributes, FileId, FileType } from "../../src/tree/tree.ts";
import { conversations } from "./conversations.ts";
import { type Fattr3, fattr3, reader } from "./results.ts";

const types: Record<number, FileType> = {
  1: "file",
  2: "directory",
  3: "block",
  4: "character",
  5: "symlink",
  6: "socket",
  7: "fifo",
};

const time = ([seconds, nanoseconds]: readonly [number, number]) => ({ seconds, nanoseconds });

function attributesFrom(parsed: Fattr3): Attributes {
  return {
    id: parsed.fileid as FileId,
    type: types[parsed.type] ?? "file",
    mode: parsed.mode,
    links: parsed.nlink,
    uid: parsed.uid,
    gid: parsed.gid,
    size: Number(parsed.size),
    used: Number(parsed.used),
    device: { major: parsed.rdev[0], minor: parsed.rdev[1] },
    accessed: time(parsed.atime),
    modified: time(parsed.mtime),
    changed: time(parsed.ctime),
    generation: 0,
  };
}

const sample: Attributes = {
  id: 0x1122_3344_5566_7788n as FileId,
  type: "character",
  mode: 0o4755,
  links: 3,
  uid: 1000,
  gid: 50,
  size: 0x1_0000_0001,
  used: 4096,
  device: { major: 136, minor: 7 },
  accessed: { seconds: 1, nanoseconds: 2 },
  modified: { seconds: 0xffff_ffff, nanoseconds: 999_999_999 },
  changed: { seconds: 5, nanoseconds: 6 },
  generation: 9,
};

describe("RFC 1813 §2.5: fattr3", () => {
  test("bytes written by hand", () => {
    expect(Buffer.from(encodeAttributes(sample, 0xaabb_ccdd_eeff_0011n)).toString("hex")).toBe(
      [
        "00000004 000009ed 00000003 000003e8 00000032",
        "0000000100000001 0000000000001000 0000008800000007",
        "aabbccddeeff0011 1122334455667788",
        "0000000100000002 ffffffff3b9ac9ff 0000000500000006",
      ]
        .join("")
        .replaceAll(" ", ""),
    );
  });

  test("every GETATTR reply of nfs-ganesha: the same attributes encode to the same bytes", () => {
    let compared = 0;
    for (const { program, procedure, results } of conversations()) {
      if (program !== 100_003 || procedure !== 1) continue;
      const bytes = results.subarray(4);
      const parsed = fattr3(reader(bytes));
      const ours = encodeAttributes(attributesFrom(parsed), parsed.fsid);
      expect(Buffer.from(ours).toString("hex")).toBe(bytes.toString("hex"));
      compared += 1;
    }
    expect(compared).toBeGreaterThan(15);
  });

  test("times before 1970 and after 2106 show as the nearest that can be told", () => {
    const bytes = encodeAttributes(
      {
        ...sample,
        accessed: { seconds: -1, nanoseconds: 5 },
        modified: { seconds: 0x1_0000_0000, nanoseconds: 5 },
      },
      0n,
    );
    expect(fattr3(reader(bytes))).toMatchObject({ atime: [0, 0], mtime: [0xffff_ffff, 0] });
  });
});
