import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { figuresOf } from "../../../src/storm/trace/figures.ts";
import { decodeTrace, encodeTrace, readTrace, writeTrace } from "../../../src/storm/trace/file.ts";
import { shippedTraceFile } from "../../../src/storm/trace/shipped.ts";
import type { Step, Trace } from "../../../src/storm/trace/trace.ts";
import { UserError } from "../../../src/user-error.ts";

/** The format of storm/trace/columns-schema.ts. */

const step = (deed: Step["deed"], after = -1, think = 7): Step => ({ after, think, deed });

const options = [
  { code: 93, value: "0007" },
  { code: 61, value: "" },
];
const small: Trace = {
  about: {
    title: "by hand",
    firmware: "uefi",
    layer: "iscsi",
    recordedAt: "2026-11-21T20:12:46.912Z",
    kernel: "6.1.0",
    mac: "52:54:00:13:20:01",
    address: "10.13.20.11",
  },
  files: [
    { path: "", type: "directory", size: 0 },
    { path: "etc/passwd", type: "file", size: 1000 },
    { path: "bin", type: "link", size: 7 },
    { path: "dev/null", type: "other", size: 0 },
    { path: "nothing", type: "missing", size: 0 },
  ],
  steps: [
    step({ kind: "dhcp", client: "pxe", flags: 0x8000, discover: options, request: [], think: 12 }),
    step(
      {
        kind: "tftp",
        role: "loader",
        path: "a",
        options: [["tsize", "0"]],
        ends: "size",
        bytes: 9,
      },
      0,
    ),
    step(
      { kind: "http", role: "kernel", path: "/{mac}", options: [], ends: "whole", bytes: 2 ** 33 },
      0,
    ),
    step({ kind: "portmap", program: 100_005, version: 3 }, 1),
    step({ kind: "mount" }, 3),
    step({ kind: "nfs", call: { op: "acl-null", file: 0 } }, 3),
    step({ kind: "nfs", call: { op: "lookup", file: 4 } }, 4),
    step({ kind: "nfs", call: { op: "access", file: 1, access: 0x2d } }, 4),
    step({ kind: "nfs", call: { op: "read", file: 1, offset: 512, count: 4096 } }, 7),
    step(
      { kind: "nfs", call: { op: "readdir", file: 0, continues: false, dircount: 1, maxcount: 1 } },
      7,
    ),
    step(
      {
        kind: "nfs",
        call: { op: "readdirplus", file: 0, continues: true, dircount: 1, maxcount: 2 },
      },
      7,
    ),
    step({ kind: "login" }, 10),
    step({ kind: "scsi", command: { cdb: "120000002400", bytes: 36, way: "in" } }, 11),
    step({ kind: "scsi", command: { cdb: "000000000000", bytes: 0, way: "none" } }, 11),
    step({ kind: "scsi", command: { cdb: "120000002400", bytes: 8, way: "out" } }, 11),
    step({ kind: "up" }, 14),
  ],
};

/** What is written, changed, and written again. */
function changed(change: (content: Record<string, unknown>) => void): Uint8Array {
  const content = JSON.parse(gunzipSync(encodeTrace(small)).toString());
  change(content);
  return gzipSync(JSON.stringify(content));
}

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "sidus-trace-"));
});
afterAll(() => rm(directory, { recursive: true }));

describe("trace files", () => {
  test("what is written is read", async () => {
    const file = join(directory, "small.trace.gz");
    await writeTrace(file, small);
    expect(await readTrace(file)).toEqual(small);
  });

  test("the columns are as the format says", () => {
    const content = JSON.parse(gunzipSync(encodeTrace(small)).toString());
    expect(content).toMatchObject({ format: "sidus trace", version: 1, about: small.about });
    expect(content.files).toEqual({
      paths: ["", "etc/passwd", "bin", "dev/null", "nothing"],
      types: "dflom",
      sizes: [0, 1000, 7, 0, 0],
    });
    expect(content.kinds[content.steps.kind[8]]).toBe("nfs read");
    expect(content.steps.back.slice(0, 3)).toEqual([1, 1, 2]);
    expect(content.nfs).toMatchObject({
      file: [0, 4, 1, 1, 0, 0],
      offset: [512],
      continues: [0, 1],
    });
    expect(content.scsi).toEqual({ cdb: [0, 1, 0], bytes: [36, 0, 8], way: "ino" });
    expect(content.cdbs).toEqual(["120000002400", "000000000000"]);
    expect(content.spoken).toHaveLength(4);
  });

  test("figures: calls, bytes, the node's own time", () => {
    expect(figuresOf(small)).toEqual({
      calls: { dhcp: 1, tftp: 1, http: 1, mount: 2, nfs: 6, iscsi: 4, up: 1 },
      bytes: 2 ** 33 + 488 + 36 + 8,
      // 7 µs each of power-on, 0, 1, 3, 4, 7, 10, 11, 14, and the 12 of DHCP.
      seconds: (9 * 7 + 12) / 1e6,
    });
  });
});

describe("what is no trace", () => {
  const refusal = (bytes: Uint8Array): string => {
    try {
      decodeTrace(bytes, "x.trace.gz");
      return "";
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      return error instanceof Error ? error.message : "";
    }
  };

  test.each([
    [
      "cut off",
      encodeTrace(small).subarray(0, 300),
      "the trace is broken (its gzip is cut off or damaged",
    ],
    ["something else", Buffer.from("#!/bin/sh\n"), "x.trace.gz is no trace (it is not gzip'd)"],
    ["gzip of something else", gzipSync("text"), "is no trace (there is no JSON in it)"],
    ["JSON of something else", gzipSync("{}"), "is no trace (it is something else)"],
    ["empty", new Uint8Array(0), "is no trace"],
    [
      "of a newer sidus",
      changed((content) => {
        content["version"] = 2;
      }),
      "x.trace.gz is a trace of version 2, this sidus reads up to 1: a newer sidus made it",
    ],
    ["unpacked into too much", gzipSync(Buffer.alloc(65 << 20)), "there is too much in it"],
  ])("%s: one line that says so", (_what, bytes, expected) => {
    const message = refusal(bytes);
    expect(message).toContain(expected);
    expect(message).not.toContain("\n");
  });

  /** What replaces a column, or a part of several. */
  const hostile: readonly (readonly [string, string, unknown])[] = [
    ["a path out of the tree", "files.paths", ["", "../etc/passwd", "a", "b", "c"]],
    ["an absolute path", "files.paths", ["", "/etc/passwd", "a", "b", "c"]],
    ["a file without a size", "files.sizes", [0]],
    ["a file that is not there", "nfs.file", [0, 5, 1, 1, 0, 0]],
    ["a call too few", "nfs.file", [0, 4, 1, 1, 0]],
    ["a call too many", "nfs.file", [0, 4, 1, 1, 0, 0, 0]],
    ["a step that waits for itself", "steps.back", new Array(16).fill(0)],
    ["a step that waits for none that is", "steps.back", new Array(16).fill(9)],
    ["a kind that is not there", "steps.kind", new Array(16).fill(31)],
    ["a think time of years", "steps.think", new Array(16).fill(2 ** 50)],
    ["half a byte of a CDB", "cdbs", ["12000000240", "000000000000"]],
  ];
  test.each(hostile)("%s is refused", (_what, column, value) => {
    const [outer = "", inner] = column.split(".");
    const message = refusal(
      changed((content) => {
        content[outer] =
          inner === undefined ? value : { ...Object(content[outer]), [inner]: value };
      }),
    );
    expect(message).toContain("x.trace.gz: the trace is broken (");
    expect(message).not.toContain("\n");
  });

  test("every value changed to something else is read or refused, nothing more", () => {
    const content = gunzipSync(encodeTrace(small)).toString();
    const values = [...content.matchAll(/-?\d+|"[^"]*"|true|false/g)];
    const other = fc.constantFrom(
      "-1",
      "0",
      "1e300",
      "null",
      '""',
      '"x"',
      "[]",
      "{}",
      "1.5",
      "4294967296",
    );
    fc.assert(
      fc.property(fc.nat(values.length - 1), other, (which, text) => {
        const at = values[which]?.index ?? 0;
        const old = values[which]?.[0].length ?? 0;
        const damaged = content.slice(0, at) + text + content.slice(at + old);
        refusal(gzipSync(damaged));
      }),
    );
  });

  test("a file that is not there, or cannot be written", async () => {
    await expect(readTrace(join(directory, "none"))).rejects.toThrow(UserError);
    await expect(writeTrace(join(directory, "none", "a"), small)).rejects.toThrow(UserError);
    const random = join(directory, "random");
    await writeFile(random, new Uint8Array(99));
    await expect(readTrace(random)).rejects.toThrow(`${random} is no trace`);
  });
});

test("a shipped trace is small, and the same after it was read and written", async () => {
  const trace = await readTrace(shippedTraceFile("bios-iscsi"));
  const bytes = encodeTrace(trace);
  expect(bytes.length).toBeLessThan(40_000);
  expect(decodeTrace(bytes, "again")).toEqual(trace);
});
