import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { addServerInterface, openNamespace } from "../test/namespace.ts";
import { directoryOf, serveIn } from "../test/sidus.ts";
import { treeOr } from "./made-tree.ts";

/**
 * How long `sidus serve` takes from its start as a process until every port listens, and the memory that it then has.
 * `node bench/serve-start.ts [TREE]`: in a private network; without a tree, it makes one of 17,000 entries.
 */

const RUNS = 7;

await using cleanup = new AsyncDisposableStack();
const tree = await treeOr(process.argv[2], cleanup);
const work = directoryOf({});
cleanup.defer(() => rmSync(work, { recursive: true }));
const namespace = cleanup.use(await openNamespace());
addServerInterface(namespace, "room0", "10.13.20.1/24");
const config = join(work, "sidus.yaml");
writeFileSync(
  config,
  `interface: room0
state: ${work}/state
dhcp: { range: 10.13.20.50-10.13.20.250 }
exports: { sidus: { source: ${tree} } }
`,
);

const times: number[] = [];
let resident = 0;
for (let run = 0; run < RUNS; run += 1) {
  const started = performance.now();
  const served = await serveIn(namespace, config, join(work, "ready"));
  times.push(performance.now() - started);
  const status = readFileSync(`/proc/${served.process.pid}/status`, "utf8");
  resident = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  await served.stop();
}
times.sort((a, b) => a - b);
const median = times[Math.floor(times.length / 2)] ?? 0;
process.stdout.write(
  `start to listening: median ${median.toFixed(0)} ms of ${times.length} runs (${times.map((ms) => ms.toFixed(0)).join(" ")}), resident ${resident.toFixed(0)} MiB\n`,
);
