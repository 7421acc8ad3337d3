import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/net/clock.ts";
import { ProcessUsage, UsageMeter } from "../../../src/storm/room/usage.ts";

/** A shell whose child works as long as it is let. */
const busy = "sh -c 'while :; do :; done' & echo $!; wait";
const running: { kill: () => void }[] = [];

afterEach(() => {
  for (const process of running.splice(0)) process.kill();
});

async function start(): Promise<number> {
  // A group of its own: it ends with its child.
  const shell = spawn("sh", ["-c", busy], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const pid = shell.pid ?? 0;
  running.push({ kill: () => process.kill(-pid, "SIGKILL") });
  await once(shell.stdout, "data");
  return pid;
}

describe("what processes take of the machine", () => {
  test("a process counts with its children, and with what it took when it is gone", async () => {
    const pid = await start();
    const usage = new ProcessUsage(() => [pid]);
    await expect.poll(() => usage.seconds(), { timeout: 30_000 }).toBeGreaterThan(0.1);
    expect(usage.rss).toBeGreaterThan(100_000);
    const before = usage.seconds();
    for (const process of running.splice(0)) process.kill();
    const rss = (): number => {
      usage.seconds();
      return usage.rss;
    };
    await expect.poll(rss, { timeout: 30_000 }).toBe(0);
    expect(usage.seconds()).toBeGreaterThanOrEqual(before);
  });

  test("one that is started again adds to what was", async () => {
    const pids = [await start()];
    const usage = new ProcessUsage(() => pids);
    await expect.poll(() => usage.seconds(), { timeout: 30_000 }).toBeGreaterThan(0.1);
    const before = usage.seconds();
    pids[0] = await start();
    await expect.poll(() => usage.seconds(), { timeout: 30_000 }).toBeGreaterThan(before + 0.1);
  });

  test("cores of servers, of ourselves and of the machine, since the time before", async () => {
    const pid = await start();
    const meter = new UsageMeter(systemClock, () => [pid]);
    await expect.poll(() => meter.take().serverCpu, { timeout: 30_000 }).toBeGreaterThan(0.01);
    await expect.poll(() => meter.take().machineCpu, { timeout: 30_000 }).toBeGreaterThan(0.01);
    await expect.poll(() => meter.take().loadCpu, { timeout: 30_000 }).toBeGreaterThan(0);
    const { server, load } = meter.total();
    expect(server?.cpuSeconds).toBeGreaterThan(0);
    expect(server?.rssMax).toBeGreaterThan(100_000);
    expect(load.cpuSeconds).toBeGreaterThan(0);
  });

  test("of servers that are not ours nothing is said", () => {
    const meter = new UsageMeter(systemClock, undefined);
    expect(meter.take()).toMatchObject({ serverCpu: undefined, serverRss: undefined });
    expect(meter.total().server).toBeUndefined();
  });
});
