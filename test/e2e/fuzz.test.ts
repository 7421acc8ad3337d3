import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { addServerInterface, openNamespace } from "../namespace.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, serveIn, smallTree } from "../sidus.ts";

/** The whole server against what no honest client sends: nothing dies, nothing leaks, counters move, nodes are still served. */

const SEED = Number(process.env["SEED"] ?? 20_261_121);
const COUNT = 1000;
const lacking = lackingOf("ip", "nsenter", "curl", "ss");

test.skipIf(lacking !== undefined)(
  title(`${COUNT} bad datagrams or streams a port, SEED=${SEED}`, lacking),
  { timeout: 300_000 },
  async () => {
    const tree = directoryOf(smallTree);
    const work = directoryOf({});
    await using cleanup = new AsyncDisposableStack();
    for (const directory of [tree, work])
      cleanup.defer(() => rmSync(directory, { recursive: true }));
    const namespace = cleanup.use(await openNamespace());
    addServerInterface(namespace, "room0", "10.13.20.1/24");
    const config = join(work, "sidus.yaml");
    writeFileSync(
      config,
      `interface: room0
state: ${work}/state
dhcp: { range: 10.13.20.50-10.13.20.99 }
exports: { sidus: { source: ${tree} } }
`,
    );
    const served = cleanup.use(await serveIn(namespace, config, join(work, "ready")));
    const get = (path: string): string =>
      namespace.run(
        "curl",
        "--silent",
        "--show-error",
        "--max-time",
        "10",
        `http://10.13.20.1${path}`,
      );
    const pid = served.process.pid;
    const descriptors = (): number => readdirSync(`/proc/${pid}/fd`).length;
    const residentMiB = (): number =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
    get("/status.json");
    const before = descriptors();
    const residentBefore = residentMiB();

    const fuzzer = fileURLToPath(new URL("fuzzer.ts", import.meta.url));
    namespace.run(process.execPath, fuzzer, "10.13.20.1", String(SEED), String(COUNT));

    expect(served.process.exitCode, served.log()).toBeNull();
    const { refused } = JSON.parse(get("/status.json"));
    for (const protocol of ["dhcp", "tftp", "http", "portmap", "nfs"]) {
      const counted = Object.values<number>(refused[protocol] ?? {}).reduce((sum, n) => sum + n, 0);
      expect(counted, `${protocol}: ${JSON.stringify(refused)}`).toBeGreaterThan(100);
    }
    expect(served.log()).not.toMatch(/"level":50/);
    // Transfers that mutated requests began end after their retries.
    await expect
      .poll(descriptors, { timeout: 120_000, interval: 1000 })
      .toBeLessThanOrEqual(before + 2);
    expect(namespace.run("ss", "-Htn", "state", "established").trim()).toBe("");
    expect(residentMiB() - residentBefore).toBeLessThan(150);
    expect(get("/sidus/boot/vmlinuz-6.1.0-1-amd64")).toHaveLength(70_000);
    expect(await served.stop()).toBe(0);
  },
);
