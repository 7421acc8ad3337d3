import { execFileSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loaderPath } from "../../src/boot/loader-files.ts";
import { systemClock } from "../../src/net/clock.ts";
import { type StormResult, stormResult } from "../../src/storm/result.ts";
import { stormTree } from "../../src/storm/room/tree.ts";
import { readTrace } from "../../src/storm/trace/file.ts";
import { shippedTraceFile } from "../../src/storm/trace/shipped.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, outcome } from "../sidus.ts";
import { makeStormNetwork, SERVER, type StormNetwork, startSidus } from "../storm-room.ts";

/** What goes wrong in rooms: every node comes up all the same, and what it received is right. */

const lacking =
  lackingOf("root", "ip", "nsenter", "nft", "gcc") ??
  (process.env["SIDUS_E2E"] === "all" ? undefined : "npm run e2e runs it");

const STORM_MS = 300_000;
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

describe.skipIf(lacking !== undefined)(title("a storm", lacking), { timeout: STORM_MS }, () => {
  const work = directoryOf({});
  let tree = "";
  const cleanup = new AsyncDisposableStack();

  beforeAll(async () => {
    const trace = await readTrace(shippedTraceFile("bios-tmpfs"));
    tree = stormTree({ trace, seed: 1, cache: work, loaderPath, clock: systemClock });
  });
  afterAll(() => cleanup.disposeAsync());

  async function storm({ nodes }: StormNetwork, flags: readonly string[]): Promise<StormResult> {
    const [command = "", ...enter] = nodes.enter;
    const sidus = [process.execPath, here("../../src/main.ts"), "storm", "--json", "-"];
    const { stdout, stderr } = await outcome(command, [
      ...[...enter, ...sidus, "--nodes", "20", "--think", "0", "--trace", "bios-tmpfs"],
      ...flags,
    ]);
    expect(stdout, stderr).not.toBe("");
    return stormResult.parse(JSON.parse(stdout));
  }

  const well = { up: 20, failed: 0, verified: { differences: 0 } };

  test("a disk that seeks 8 ms for each read", async () => {
    const shim = join(work, "slow-disk.so");
    execFileSync("gcc", ["-O2", "-shared", "-fPIC", "-o", shim, here("slow-disk.c"), "-ldl"]);
    await using ended = new AsyncDisposableStack();
    const network = await makeStormNetwork(ended);
    process.env["LD_PRELOAD"] = shim;
    const server = await startSidus(network, tree, join(work, "slow")).finally(() => {
      delete process.env["LD_PRELOAD"];
    });
    ended.use(server);
    expect(await storm(network, server.flags)).toMatchObject(well);
  });

  test("2 % of all frames lost, each way", async () => {
    await using ended = new AsyncDisposableStack();
    const network = await makeStormNetwork(ended);
    const sides = [
      [network.servers, "room0"],
      [network.nodes, "room1"],
    ] as const;
    for (const [{ run }, card] of sides) {
      run("nft", "add", "table", "ip", "loss");
      run("nft", "add", "chain", "ip", "loss", "in", "{ type filter hook input priority 0; }");
      const rule = `iifname ${card} numgen random mod 100 < 2 counter drop`;
      run("nft", "add", "rule", "ip", "loss", "in", ...rule.split(" "));
    }
    const server = ended.use(await startSidus(network, tree, join(work, "lossy")));
    expect(await storm(network, server.flags)).toMatchObject(well);
    for (const [{ run }] of sides) {
      const [, lost = ""] =
        /counter packets (\d+)/.exec(run("nft", "list", "table", "ip", "loss")) ?? [];
      expect(Number(lost)).toBeGreaterThan(100);
    }
  });

  test("one client that floods every port", async () => {
    await using ended = new AsyncDisposableStack();
    const network = await makeStormNetwork(ended);
    const server = ended.use(await startSidus(network, tree, join(work, "flooded")));
    const flood = network.nodes.spawn(
      process.execPath,
      [here("flood.ts"), SERVER, "10.13.255.250"],
      { stdio: "ignore" },
    );
    ended.defer(() => void flood.kill("SIGKILL"));
    const result = await storm(network, server.flags);
    expect(flood.exitCode).toBe(null);
    expect(result).toMatchObject(well);
    expect(Object.keys(result.refused ?? {})).toEqual(expect.arrayContaining(["dhcp", "tftp"]));
  });
});
