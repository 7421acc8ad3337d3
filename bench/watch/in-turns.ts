import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import type { Namespace } from "../../test/namespace.ts";
import type { LoadResult } from "../load.ts";
import type { Slices } from "./pairs.ts";
import { signals } from "./served.ts";
import { SlicedLoad } from "./sliced-load.ts";

/** After a fifth of that to fill caches again (measure.h). */
const SLICE_SECONDS = 0.25;
/** Code is compiled before anything counts. */
const WARM_SECONDS = 2;
/** Of Thue and Morse: neither a drift nor one that grows favours a side. */
const ORDER = ["off", "on", "on", "off", "on", "off", "off", "on"] as const;

/** So many rounds of turns of the load on the server `pid`: what watches it is on in half of them. */
export async function inTurns(
  namespace: Namespace,
  pid: number,
  command: readonly string[],
  rounds: number,
): Promise<Slices[]> {
  await using load = new SlicedLoad(namespace, command);
  const turn = (side: "off" | "on", seconds: number): Promise<LoadResult> => {
    process.kill(pid, signals[side]);
    return load.run(seconds);
  };
  for (const side of ["off", "on"] as const) await turn(side, WARM_SECONDS);
  const done: Slices[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const slices = { off: [] as LoadResult[], on: [] as LoadResult[] };
    // Whatever comes again and again on this machine meets one as often as the other.
    const isTurned = Math.random() < 0.5;
    for (const side of isTurned ? ORDER.toReversed() : ORDER) {
      slices[side].push(await turn(side, SLICE_SECONDS));
    }
    done.push(slices);
  }
  return done;
}

/** What the server uses while nobody asks it for anything: milliseconds of a processor, a second. */
export async function idle(pid: number, rounds: number): Promise<Record<"off" | "on", number[]>> {
  const turn = async (side: "off" | "on"): Promise<number> => {
    process.kill(pid, signals[side]);
    const [before, began] = [cpuMs(pid), performance.now()];
    await setTimeout(1000);
    return ((cpuMs(pid) - before) * 1000) / (performance.now() - began);
  };
  const found = { off: [] as number[], on: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    for (const side of ["off", "on"] as const) found[side].push(await turn(side));
  }
  return found;
}

/** Of all its threads: proc(5), schedstat begins with nanoseconds on a processor. */
function cpuMs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((task) =>
      Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]),
    )
    .reduce((sum, ns) => sum + ns / 1e6, 0);
}
