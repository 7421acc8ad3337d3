import fc from "fast-check";
import { expect, test } from "vitest";
import { Gathered } from "../../src/iscsi/gathered.ts";

function wholeOf(gathered: Gathered): Buffer {
  return Buffer.concat(gathered.parts);
}

test("whatever pieces it comes in, the data is what came", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 3 }),
    fc.uint8Array({ minLength: 5000, maxLength: 9000 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 300 }), (pieces) => {
      const gathered = new Gathered();
      for (const one of pieces) gathered.add(one);
      expect(Buffer.compare(wholeOf(gathered), Buffer.concat(pieces))).toBe(0);
      expect(gathered.bytes).toBe(Buffer.concat(pieces).length);
      gathered.clear();
      expect(gathered.parts).toEqual([]);
    }),
  );
});

test("large pieces are views; crumbs become one part, of not much more than their bytes", () => {
  const chunk = new Uint8Array(1 << 20);
  const large = new Gathered();
  for (let at = 0; at < 1 << 20; at += 8192) large.add(chunk.subarray(at, at + 8192));
  expect(large.parts.every((part) => part.buffer === chunk.buffer)).toBe(true);
  const crumbs = new Gathered();
  for (let at = 0; at < 1 << 20; at += 1) crumbs.add(chunk.subarray(at, at + 1));
  expect(crumbs.parts).toHaveLength(1);
  expect(crumbs.parts[0]?.buffer.byteLength).toBeLessThanOrEqual(2 << 20);
});
