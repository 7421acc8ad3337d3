import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { ADDRESS, startGanesha, startSidus } from "../../bench/nfs/servers.ts";
import { writeTrace } from "../../src/storm/trace/file.ts";
import type { Deed, Trace } from "../../src/storm/trace/trace.ts";
import { addServerInterface, type Namespace, openNamespace } from "../namespace.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, type Outcome, outcome } from "../sidus.ts";

/** Storms against NFS servers without a portmapper: sidus', which speaks all at one port, and ganesha with ports of its own. */

const lacking = lackingOf("root", "ip", "nsenter", "ganesha.nfsd", "rpcbind");
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

const deeds: readonly Deed[] = [
  { kind: "portmap", program: 100_003, version: 3 },
  { kind: "portmap", program: 100_005, version: 3 },
  { kind: "mount" },
  { kind: "nfs", call: { op: "fsinfo", file: 0 } },
  { kind: "nfs", call: { op: "lookup", file: 1 } },
  { kind: "nfs", call: { op: "read", file: 1, offset: 0, count: 6 } },
];
const trace: Trace = {
  about: {
    title: "a mount",
    firmware: "bios",
    layer: "none",
    recordedAt: "2026-11-21T00:00:00Z",
    kernel: "",
    mac: "52:54:00:13:20:01",
    address: "10.13.20.11",
  },
  files: [
    { path: "", type: "directory", size: 0 },
    { path: "hostname", type: "file", size: 6 },
  ],
  steps: deeds.map((deed, index) => ({ after: index - 1, think: 0, deed })),
};

function storm(namespace: Namespace, ...args: readonly string[]): Promise<Outcome> {
  const [program, ...enter] = namespace.enter;
  const command = [process.execPath, main, "storm", "--nodes", "3", "--think", "0"];
  return outcome(program ?? "", [...enter, ...command, ...args]);
}

describe.skipIf(lacking !== undefined)(
  title("a storm and servers without a portmapper", lacking),
  { timeout: 240_000 },
  () => {
    test("MOUNT is at NFS' port, as ours has it, or where --mount-port says; it is said", async () => {
      await using stack = new AsyncDisposableStack();
      const [tree, work] = [directoryOf({}), directoryOf({})];
      stack.defer(() => {
        for (const directory of [tree, work]) rmSync(directory, { recursive: true });
      });
      writeFileSync(join(tree, "hostname"), "node1\n");
      const file = join(work, "mount.trace.gz");
      await writeTrace(file, trace);
      const namespace = stack.use(await openNamespace());
      addServerInterface(namespace, "room0", `${ADDRESS}/24`);
      mkdirSync(join(work, "images"));
      // Its portmapper has another port than 111.
      const ours = await startSidus(
        namespace,
        {
          ...{ name: "ours", source: `source: ${tree}`, work: join(work, "ours"), port: 20_000 },
          ...{ images: join(work, "images"), threads: "1", cache: "16M" },
        },
        stack,
      );
      const common = ["--trace", file, "--json", "-"];
      const there = ["--nfs", `${ADDRESS}:20000`, "--nfs-path", ours.path];
      const found = await storm(namespace, ...common, ...there);
      expect(found.stderr).toContain(
        `${ADDRESS}:111: GETPORT: no answer: NFS is asked at port 20000, MOUNT at 20000 (--mount-port names another)\n`,
      );
      expect(JSON.parse(found.stdout)).toMatchObject({
        up: 3,
        options: { servers: { nfs: `${ADDRESS}:20000` } },
        protocols: { mount: { operations: { MNT: 3 }, complaints: {} } },
      });
      expect(found.code).toBe(0);

      const cleanup = stack.use(new AsyncDisposableStack());
      const ganesha = await startGanesha(namespace, tree, join(work, "ganesha"), cleanup);
      const named = ["--nfs", `${ADDRESS}:2049`, "--nfs-path", ganesha.path];
      const asked = await storm(namespace, ...common, ...named);
      expect([asked.code, asked.stderr.includes("--mount-port")]).toEqual([0, false]);
      expect(JSON.parse(asked.stdout).protocols.mount.operations).toEqual({ GETPORT: 6, MNT: 3 });
      // As a firewall between does.
      process.kill(ganesha.rpcbindPid, "SIGKILL");
      const told = await storm(namespace, ...common, ...named, "--mount-port", "20048");
      expect([told.code, told.stderr.includes("111")]).toEqual([0, false]);
      expect(JSON.parse(told.stdout).protocols.mount.operations).toEqual({ MNT: 3 });
    });
  },
);
