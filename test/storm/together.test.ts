import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SeenContent } from "../../src/storm/expectations.ts";
import { NodeTally, SharedCounts, ThreadTally } from "../../src/storm/tally.ts";
import { verifiedOf } from "../../src/storm/together.ts";
import { temporaryDirectory } from "../nfs/served.ts";

/** What threads hand over whose nodes got these contents of files, a node each. */
function thread(...contents: readonly { readonly key: string; readonly text: string }[]) {
  const tally = new ThreadTally(new SharedCounts());
  const seen = new SeenContent();
  for (const { key, text } of contents) {
    const bytes = Buffer.from(text);
    const node = new NodeTally(tally, "n1");
    if (seen.check(key, 0, bytes)) node.verified(bytes.length);
    else node.differed("nfs", key);
  }
  return { seen: [...seen.entries()], counted: tally.counted() };
}

const same = { key: "nfs same", text: "hello" };

describe("what was verified", () => {
  test("is not what came first, which was compared with nothing", async () => {
    expect(await verifiedOf([thread(same)], undefined)).toEqual({
      bytes: 0,
      differences: 0,
      examples: [],
    });
    const { bytes } = await verifiedOf([thread(same, same), thread(same)], undefined);
    expect(bytes).toBe(2 * 5);
  });

  test("is compared with the tree where that is here: what is wrong for all is a difference, too", async () => {
    await using stack = new AsyncDisposableStack();
    const tree = await temporaryDirectory(stack);
    await writeFile(join(tree, "same"), "hello");
    await writeFile(join(tree, "other"), "hello");
    const other = { key: "nfs other", text: "hallo" };
    expect(await verifiedOf([thread(same, other), thread(other)], tree)).toEqual({
      bytes: 5 + 5,
      differences: 1,
      examples: ["not as in the tree: other"],
    });
  });
});
