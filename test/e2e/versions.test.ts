import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, type Outcome, sidus } from "../sidus.ts";
import { BUILD_MS, debianTree } from "./debian.ts";
import { networkCard, type Qemu, startQemu } from "./qemu.ts";
import { openRoom, type Room } from "./served-room.ts";

/**
 * Nodes boot by PXE from a sealed image, and during their boots another version is made current, and the server is
 * killed. What a node runs it says itself: the name in /etc/sidus/tree, which it reads last of all.
 */

const lacking = lackingOf(
  ...(["root", "mmdebstrap", "mkfs.erofs", "qemu-system-x86_64", "ip", "nsenter", "curl"] as const),
);

const BOOT_MS = 300_000;
const nodes = [
  { mac: "52:54:00:13:20:01", name: "node1", ip: "10.13.20.11" },
  { mac: "52:54:00:13:20:02", name: "node2", ip: "10.13.20.12" },
] as const;
type NodeName = (typeof nodes)[number]["name"];

/** A node in /status.json. */
interface Status {
  readonly name: string;
  readonly stage?: string;
  readonly tree?: string;
  readonly digest?: string;
}

describe.skipIf(lacking !== undefined)(title("nodes boot from a sealed image", lacking), () => {
  const tree = join(directoryOf({}), "tree");
  const digests = { first: "", second: "" };
  let room: Room;
  /** Ended after the tests, also where one of them runs out of time. */
  const machines = new AsyncDisposableStack();

  beforeAll(async () => {
    execFileSync("cp", ["--archive", await debianTree(), tree]);
    room = await openRoom({
      exports: { room: { image: "room" } },
      boot: { labels: { tmpfs: { append: "console=ttyS0,115200 mitigations=off" } } },
      nodes,
    });
    for (const which of ["second", "first"] as const) {
      nameTree(which);
      digests[which] = await room.seal("room", tree);
    }
    for (const { name } of nodes) room.addPort(name);
    await room.start();
  }, BUILD_MS);
  afterAll(async () => {
    await machines.disposeAsync();
    await room?.[Symbol.asyncDispose]();
  });

  function nameTree(name: string): void {
    const file = join(tree, "etc/sidus/tree");
    writeFileSync(`${file}.new`, readFileSync(file, "utf8").replace(/^name: .*/m, `name: ${name}`));
    renameSync(`${file}.new`, file);
  }

  function image(command: "use" | "rm", digest: string): Promise<Outcome> {
    return sidus("image", command, "room", digest, "--images", room.images);
  }

  async function use(digest: string): Promise<void> {
    expect(await image("use", digest)).toMatchObject({ code: 0 });
  }

  function powerOn(name: NodeName): Qemu {
    const mac = nodes.find((node) => node.name === name)?.mac ?? "";
    return machines.use(startQemu(room.namespace, ["-m", "1024", ...networkCard(name, mac)]));
  }

  function statusOf(name: NodeName): Status {
    const { nodes }: { nodes: Status[] } = JSON.parse(room.get("/status.json"));
    return nodes.find((node) => node.name === name) ?? { name };
  }

  async function reached(name: NodeName, node: Qemu, stage: string): Promise<void> {
    const look = (): string | undefined => {
      if (node.hasEnded()) throw new Error(`${name} ended: ${node.console().slice(-2000)}`);
      return statusOf(name).stage;
    };
    await expect.poll(look, { timeout: BOOT_MS, interval: 100 }).toBe(stage);
  }

  test("another version is current before its root is mounted, and it runs its own", {
    timeout: 2 * BOOT_MS,
  }, async () => {
    const node1 = powerOn("node1");
    await reached("node1", node1, "kernel");
    await use(digests.second);
    await reached("node1", node1, "up");
    expect(statusOf("node1").tree).toMatch(/^first, built /);
    expect(statusOf("node1").digest).toBe(digests.first);
    expect(node1.console()).toMatch(
      new RegExp(`node1 runs first .*, image room@${digests.first.slice(0, 12)}, layer tmpfs`),
    );
    const { code, stderr } = await image("rm", digests.first);
    expect(code).not.toBe(0);
    expect(stderr).toContain(nodes[0].ip);
  });

  test("the next boot is of the new version, and outlives the server", {
    timeout: 2 * BOOT_MS,
  }, async () => {
    const node2 = powerOn("node2");
    await reached("node2", node2, "root");
    await room.served().stop("SIGKILL");
    await use(digests.first);
    await room.start();
    await reached("node2", node2, "up");
    expect(statusOf("node2").tree).toMatch(/^second, built /);
    expect(statusOf("node2").digest).toBe(digests.second);
    expect(node2.console()).toContain("node2 runs second ");
    const { code, stderr } = await image("rm", digests.second);
    expect(code).not.toBe(0);
    expect(stderr).toContain(nodes[1].ip);
  });
});
