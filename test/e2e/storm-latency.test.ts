import { execFileSync } from "node:child_process";
import { cpSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { Link } from "../../src/storm/room/network.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";
import { BUILD_MS, debianTree } from "./debian.ts";
import { startOnKernel } from "./foreign-kernel.ts";
import type { Told } from "./storm-link.ts";

/** What `--link`, `--latency` and `--loss` do on a kernel that has netem: Debian's, whatever this machine's is. */

const lacking =
  lackingOf("root", "mmdebstrap", "busybox", "qemu-system-x86_64", "ip", "tc", "nsenter") ??
  (process.env["SIDUS_E2E"] === "all" ? undefined : "npm run e2e runs it");

const modules = ["virtio_pci", "9pnet_virtio", "9p", "veth", "bridge", "sch_netem", "sch_tbf"];
const script = fileURLToPath(new URL("storm-link.ts", import.meta.url));

const clone = fileURLToPath(new URL("../..", import.meta.url));

/** Compiled, as in the package: an emulated processor takes minutes to strip the types of all sources. */
function compiled(): string {
  const directory = directoryOf({});
  const dist = join(directory, "dist");
  const tsc = join(clone, "node_modules/.bin/tsc");
  execFileSync(tsc, ["-p", "tsconfig.build.json", "--noCheck", "--outDir", dist], { cwd: clone });
  for (const data of ["image/overlay", "http/page/assets", "storm/traces"]) {
    cpSync(join(clone, "src", data), join(dist, data), { recursive: true });
  }
  cpSync(join(clone, "package.json"), join(directory, "package.json"));
  symlinkSync(join(clone, "node_modules"), join(directory, "node_modules"));
  return join(dist, "main.js");
}

/** Of a full frame's 1538 bytes on the wire, TCP's payload with time stamps. */
const PAYLOAD = 1448 / 1538;

const slow = { bitsPerSecond: 5e6, latencyMs: 5 } satisfies Link;
const lossy: Link = { bitsPerSecond: 1e9, latencyMs: 5, loss: 0.005 };

describe.skipIf(lacking)(title("a storm's link on Debian's kernel", lacking), () => {
  let debian: string;
  beforeAll(async () => {
    debian = await debianTree();
  }, BUILD_MS);

  /** What each does, in one machine. */
  async function told(links: readonly Link[]): Promise<Told[]> {
    const commands = links.map(
      (link) => `'${process.execPath}' '${script}' '${JSON.stringify(link)}' || exit`,
    );
    await using machine = startOnKernel(debian, modules, commands.join("\n"));
    await expect.poll(machine.hasEnded, { timeout: 350_000, interval: 500 }).toBe(true);
    const lines = [...machine.console().matchAll(/\{"roundTrips".*\}/g)];
    expect(lines, machine.console()).toHaveLength(links.length);
    return lines.map(([line]) => JSON.parse(line));
  }

  const sum = (queues: Told["queues"], kind: string, key: "packets" | "drops"): number =>
    queues.filter((queue) => queue.kind === kind).reduce((total, queue) => total + queue[key], 0);

  test("delays both ways, fills its rate and drops nothing, or the part that it is to lose", {
    timeout: 360_000,
  }, async () => {
    const [full, losing] = await told([slow, lossy]);
    for (const { roundTrips = [] } of [full ?? {}, losing ?? {}]) {
      expect(roundTrips[0]).toBeGreaterThanOrEqual(10);
      // The emulated processors take their time, too.
      expect(roundTrips[20]).toBeLessThan(60);
    }

    const { payloadBitsPerSecond = 0, queues = [] } = full ?? {};
    // What leaves at once at first is a twentieth of all that the link carries meanwhile, and clocks differ.
    expect(payloadBitsPerSecond).toBeLessThan(slow.bitsPerSecond * PAYLOAD * 1.1);
    expect(payloadBitsPerSecond).toBeGreaterThan(slow.bitsPerSecond * PAYLOAD * 0.8);
    expect(queues.filter(({ kind }) => kind === "netem")).toHaveLength(2);
    expect(sum(queues, "netem", "drops") + sum(queues, "tbf", "drops")).toBe(0);
    // Every frame that leaves one end is delayed before it is at the other.
    const sent = sum(queues, "tbf", "packets");
    expect(sum(queues, "netem", "packets")).toBeGreaterThan(sent * 0.95);

    const lost = sum(losing?.queues ?? [], "netem", "drops");
    const part = lost / sum(losing?.queues ?? [], "tbf", "packets");
    // Of some 3,000 frames 15 are to be lost.
    expect(part).toBeGreaterThan(0.001);
    expect(part).toBeLessThan(0.015);
    expect(sum(losing?.queues ?? [], "tbf", "drops")).toBe(0);
  });

  test("a whole storm comes up over it, and all that it received is right", {
    timeout: 1_500_000,
  }, async () => {
    const storm = ["storm", "--nodes", "3", "--think", "0", "--link", "1g"];
    const network = ["--latency", "5ms", "--loss", "0.5%", "--json", "/dev/shm/result.json"];
    const words = [process.execPath, compiled(), ...storm, ...network];
    const shown = `const { up, failed, seconds, options } = JSON.parse(fs.readFileSync("/dev/shm/result.json"));
      console.log(JSON.stringify({ up, failed, seconds, link: options.link }))`;
    const commands = [
      words.map((word) => `'${word}'`).join(" "),
      'echo "STORM: $?"',
      `'${process.execPath}' -e '${shown}'`,
    ];
    await using machine = startOnKernel(debian, modules, commands.join("\n"));
    await expect.poll(machine.hasEnded, { timeout: 1_400_000, interval: 500 }).toBe(true);
    const said = machine.console();
    expect(said).toContain("STORM: 0");
    const line = /\{"up".*\}/.exec(said)?.[0] ?? "{}";
    const { up, failed, seconds, link } = JSON.parse(line);
    expect({ up, failed, link }).toEqual({ up: 3, failed: 0, link: lossy });
    // 3,261 calls of NFS wait for more than a thousand answers one after another, each 10 ms away.
    expect(seconds).toBeGreaterThan(10);
  });
});
