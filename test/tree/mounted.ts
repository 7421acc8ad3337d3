import { BlockCache } from "../../src/tree/cache/cache.ts";
import { openDirectory } from "../../src/tree/directory.ts";
import type { TreeError } from "../../src/tree/tree.ts";
import { VirtualClock } from "../sim/clock.ts";

/** Run in a mount namespace of its own by directory.test.ts: tells what a tree shows where things are mounted. */

function good<T extends object>(answer: T | TreeError): T {
  if (typeof answer === "string") throw new Error(answer);
  return answer;
}

const clock = new VirtualClock();
const cache = BlockCache.create(16 << 20);
const [, , path = ""] = process.argv;
await using tree = await openDirectory(path, { clock, cache });
await using again = await openDirectory(path, { clock, cache });

const proc = good(await tree.lookup(tree.root, "proc"));
const { entries } = good(await tree.readdir(proc.id, 0n, 10));
const etc = good(await tree.lookup(tree.root, "etc"));
const resolv = good(await tree.lookup(etc.id, "resolv.conf"));
const content = good(await tree.read(resolv.id, 0, 100));
const found = [await again.attributes(proc.id), await again.attributes(resolv.id)].map(good);

const told = {
  proc: { type: proc.type, mode: proc.mode, size: proc.size },
  names: entries.map(({ name }) => name),
  hidden: await tree.lookup(proc.id, "hidden"),
  parentIsRoot: good(await tree.lookup(proc.id, "..")).id === tree.root,
  isSameAfterRestart: found[0]?.id === proc.id && found[1]?.id === resolv.id,
  resolv: Buffer.concat(content.parts).toString(),
};
process.stdout.write(JSON.stringify(told));
