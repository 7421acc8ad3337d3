import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import type { Namespace } from "../../test/namespace.ts";
import type { LoadResult } from "../load.ts";
import type { Slices } from "./pairs.ts";
import { SlicedLoad } from "./sliced-load.ts";

/** A server's process, and the load on it. */
export interface Side {
  readonly pid: number;
  readonly command: readonly string[];
}

/** After a fifth of that to fill caches again (measure.h). */
const SLICE_SECONDS = 0.25;
/** Code is compiled before anything counts. */
const WARM_SECONDS = 2;
/** Of Thue and Morse: neither a drift nor one that grows favours a side. */
const ORDER = ["off", "on", "on", "off", "on", "off", "off", "on"] as const;

/** So many rounds of turns, one server at a time: the other one is stopped, with all that it does besides. */
export async function inTurns(
  namespace: Namespace,
  sides: Readonly<Record<"off" | "on", Side>>,
  rounds: number,
): Promise<Slices[]> {
  const { off, on } = sides;
  try {
    await using offLoad = new SlicedLoad(namespace, off.command);
    await using onLoad = new SlicedLoad(namespace, on.command);
    const loads = { off: offLoad, on: onLoad };
    // Loads look their files up first: both servers run.
    for (const side of ["off", "on"] as const) await loads[side].run(WARM_SECONDS);
    for (const { pid } of [off, on]) process.kill(pid, "SIGSTOP");
    const turn = async (side: "off" | "on"): Promise<LoadResult> => {
      process.kill(sides[side].pid, "SIGCONT");
      const result = await loads[side].run(SLICE_SECONDS);
      process.kill(sides[side].pid, "SIGSTOP");
      return result;
    };
    const done: Slices[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const slices = { off: [] as LoadResult[], on: [] as LoadResult[] };
      // Whatever comes again and again on this machine meets one as often as the other.
      const isTurned = Math.random() < 0.5;
      for (const side of isTurned ? ORDER.toReversed() : ORDER) slices[side].push(await turn(side));
      done.push(slices);
    }
    return done;
  } finally {
    for (const { pid } of [off, on]) process.kill(pid, "SIGCONT");
  }
}

/** What each server uses while nobody asks it for anything: milliseconds of a processor, a second. */
export async function idle(
  pids: Readonly<Record<"off" | "on", number>>,
  rounds: number,
): Promise<Record<"off" | "on", number[]>> {
  const all = Object.values(pids);
  try {
    for (const pid of all) process.kill(pid, "SIGSTOP");
    const turn = async (pid: number): Promise<number> => {
      const [before, began] = [cpuMs(pid), performance.now()];
      process.kill(pid, "SIGCONT");
      await setTimeout(1000);
      process.kill(pid, "SIGSTOP");
      return ((cpuMs(pid) - before) * 1000) / (performance.now() - began);
    };
    const found = { off: [] as number[], on: [] as number[] };
    for (let round = 0; round < rounds; round += 1) {
      for (const side of ["off", "on"] as const) found[side].push(await turn(pids[side]));
    }
    return found;
  } finally {
    for (const pid of all) process.kill(pid, "SIGCONT");
  }
}

/** Of all its threads: proc(5), schedstat begins with nanoseconds on a processor. */
function cpuMs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((task) =>
      Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]),
    )
    .reduce((sum, ns) => sum + ns / 1e6, 0);
}
