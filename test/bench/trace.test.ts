import { spawn } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LoadResult } from "../../bench/load.ts";
import { compileLoad, type Load } from "../../bench/nfs/load.ts";
import { readTrace, replayList, type TraceCall, traceNames } from "../../bench/nfs/trace.ts";
import { makeTraced } from "../../bench/nfs/traced-tree.ts";
import { lackingOf, title } from "../needs.ts";
import { serve, temporaryDirectory } from "../nfs/served.ts";

const lacking = lackingOf("cc", "/usr/include/stdio.h");

const bytesOf = (trace: readonly TraceCall[]): number =>
  trace.reduce((all, { got }) => all + got, 0);

/** Counted in the files with awk and a few lines of Python. */
const counted = {
  "a-bios-tmpfs": { calls: 5957, lookups: 602, missed: 199, bytes: 40_284_756, most: 11 },
  "b1-bios-iscsi": { calls: 6510, lookups: 628, missed: 211, bytes: 43_004_227, most: 10 },
  "e1-nocto-noacl": { calls: 2168, lookups: 599, missed: 199, bytes: 40_178_396, most: 4 },
  "k-fast": { calls: 2462, lookups: 602, missed: 199, bytes: 40_174_300, most: 4 },
};

test.each(traceNames)("the trace %s is read whole", (name) => {
  const trace = readTrace(name);
  expect({
    calls: trace.length,
    lookups: trace.filter(({ procedure }) => procedure === "LOOKUP").length,
    missed: trace.filter(({ status }) => status === 2).length,
    bytes: bytesOf(trace),
    most: Math.max(...trace.map(({ outstanding }) => outstanding)),
  }).toEqual(counted[name]);
});

test("a tree that lacks what the trace's node saw is refused", async () => {
  await using stack = new AsyncDisposableStack();
  const tree = await temporaryDirectory(stack);
  expect(() => replayList(readTrace("k-fast"), tree)).toThrow("not in the tree");
});

describe.skipIf(lacking !== undefined)(title("a replay", lacking), () => {
  const compiled = new AsyncDisposableStack();
  let load: Load;
  beforeAll(async () => {
    load = compileLoad(await temporaryDirectory(compiled), {
      spawn: (command, args, options = {}) => spawn(command, args, options),
    });
  });
  afterAll(() => compiled.disposeAsync());

  test.each(traceNames)(
    "of %s by three nodes at once gets all that the trace did",
    async (name) => {
      const trace = readTrace(name);
      const result = await replay(load, trace, 3, () => {});
      const expected = { errors: 0, added: 0, calls: 3 * trace.length, bytes: 3 * bytesOf(trace) };
      expect(result).toMatchObject(expected);
    },
  );

  test("counts each reply that is not as expected", async () => {
    const trace = readTrace("k-fast").slice(0, 200);
    const read = trace.find(({ procedure, got }) => procedure === "READ" && got > 0)?.path ?? "";
    const wrong = trace.filter(({ procedure, path }) => procedure === "READ" && path === read);
    const result = await replay(load, trace, 1, (tree) => truncateSync(join(tree, read), 1));
    expect(result).toMatchObject({ calls: trace.length, errors: wrong.length });
  });
});

/** On a tree made for the trace, and then changed behind its back. */
async function replay(
  load: Load,
  trace: readonly TraceCall[],
  connections: number,
  change: (tree: string) => void,
): Promise<LoadResult> {
  await using stack = new AsyncDisposableStack();
  const tree = await temporaryDirectory(stack);
  const work = await temporaryDirectory(stack);
  makeTraced(tree, trace);
  const list = join(work, "list");
  writeFileSync(list, replayList(trace, tree));
  change(tree);
  const { port } = stack.use(await serve(tree));
  const path = "/srv/nfsroot/test";
  const at = { address: "127.0.0.1", port, mountPort: port, path, pid: process.pid };
  return await load(
    { name: "test", ...at },
    { work: "trace", list, connections, depth: 64, size: 0, seconds: 25 },
  );
}
