import fc from "fast-check";
import { expect, test } from "vitest";
import { upReportOf } from "../../src/cli/up-report.ts";

const digest = "ab".repeat(32);

test("what a node says of a directory, and of a sealed version with a layer that lasts", () => {
  expect(upReportOf("host: n1\ntree: room\nbuilt: 2026-01-31\nlayer: tmpfs\n")).toEqual({
    tree: "room, built 2026-01-31",
    layer: "tmpfs",
    digest: undefined,
    base: undefined,
  });
  const base = "cd".repeat(32);
  expect(upReportOf(`tree: room\nlayer: iscsi\ndigest: ${digest}\nbase: ${base}\n`)).toEqual({
    ...{ tree: "room", layer: "iscsi", digest, base },
  });
});

test.each([digest.slice(1), `${digest}0`, digest.toUpperCase(), "latest"])(
  "%s is no digest",
  (text) => expect(upReportOf(`digest: ${text}\n`).digest).toBeUndefined(),
);

test("whatever comes, what is logged is printable and short", () => {
  const printable = /^[\x20-\x7e]{1,210}$/;
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string(), (tree, built) => {
      expect(upReportOf(`tree: ${tree}\nbuilt: ${built}\n`).tree).toMatch(printable);
    }),
  );
});
