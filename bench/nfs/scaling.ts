import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { LoadResult } from "../load.ts";
import { median, renderTable } from "../table.ts";
import { compileLoad } from "./load.ts";
import type { BenchRoom } from "./room.ts";
import { startSidus } from "./servers.ts";
import type { NfsWork } from "./works.ts";

const CONNECTIONS = 64;

/**
 * One thread of the data plane against two. With three cores or more the load has the last one to itself and the server the
 * others. With two, nothing is pinned and load and server share them: then two threads cannot be twice one, and
 * `most` is what the cores allow: all of their time, at the CPU that a call of one thread takes in server and load.
 */
export async function scaling(
  room: BenchRoom,
  works: readonly NfsWork[],
  rounds: number,
  cache: string,
  cleanup: AsyncDisposableStack,
): Promise<string> {
  const { namespace, tree, work, images } = room;
  const cores = availableParallelism();
  const isPinned = cores > 2;
  const loadPin = isPinned ? ["taskset", "--cpu-list", String(cores - 1)] : [];
  const load = compileLoad(work, namespace, loadPin);
  const servers = await Promise.all(
    ["1", "2"].map(async (threads, at) => {
      const own = { name: threads, work: join(work, `threads-${threads}`), threads };
      const from = { source: `source: ${tree}`, images, port: 11_000 + at * 10, cache };
      const server = await startSidus(namespace, { ...own, ...from }, cleanup);
      if (isPinned) {
        const pin = ["--all-tasks", "--cpu-list", "--pid", `0-${cores - 2}`, String(server.pid)];
        execFileSync("taskset", pin, { stdio: "ignore" });
      }
      return server;
    }),
  );
  const rows = [["work", "1 thread", "2 threads", "ratio", "most", "cores used", "errors"]];
  for (const item of works.map(spread)) {
    const results: LoadResult[][] = servers.map(() => []);
    for (const server of servers) await load(server, item.load);
    for (let round = 0; round < rounds; round += 1) {
      for (const [at, server] of servers.entries()) {
        results[at]?.push(await load(server, item.load));
      }
    }
    rows.push(rowOf(item, results, cores, isPinned));
  }
  const how = isPinned
    ? `the load alone on core ${cores - 1} (taskset), the server on 0-${cores - 2}`
    : `${cores} cores, shared by server and load, nothing pinned`;
  return `${renderTable(rows)}${how}\n`;
}

/** The kernel spreads connections by chance: of four, one thread often gets all. */
function spread({ title, load, unit }: NfsWork): NfsWork {
  const connections = Math.max(CONNECTIONS, load.connections);
  const depth = Math.max(2, Math.round((load.connections * load.depth) / connections));
  const name = title.replace(/ \d+ x \d+$/, "");
  return {
    title: `${name} ${connections} x ${depth}`,
    load: { ...load, connections, depth },
    unit,
  };
}

function rowOf(
  { title }: NfsWork,
  results: readonly (readonly LoadResult[])[],
  cores: number,
  isPinned: boolean,
): string[] {
  const [one = [], two = []] = results;
  const rate = (of: readonly LoadResult[]): number =>
    median(of.map(({ calls, seconds }) => calls / seconds));
  const busy = (of: readonly LoadResult[]): number =>
    median(of.map(({ serverCpu, loadCpu, seconds }) => (serverCpu + loadCpu) / seconds));
  const most = isPinned ? 2 : Math.min(2, cores / busy(one));
  return [
    title,
    `${Math.round(rate(one))}/s`,
    `${Math.round(rate(two))}/s`,
    `${(rate(two) / rate(one)).toFixed(2)} x`,
    `${most.toFixed(2)} x`,
    [one, two].map((of) => busy(of).toFixed(2)).join(" "),
    results.map((of) => of.reduce((all, { errors }) => all + errors, 0)).join(" "),
  ];
}
