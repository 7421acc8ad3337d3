import { beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { sidus } from "../sidus.ts";
import { BUILD_MS, debianTree } from "./debian.ts";

/** Real firmware, loader, kernel and NFS client in QEMU, by the command that users type first. */

const lacking = lackingOf("root", "mmdebstrap", "qemu-system-x86_64", "ip", "unshare");

interface Summary {
  readonly nodes: readonly {
    readonly name: string;
    readonly stage: string;
    readonly secondsAfterPowerOn: Readonly<Record<string, number>>;
    readonly tree: string;
  }[];
  readonly refused: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

describe.skipIf(lacking !== undefined)(title("QEMU nodes boot from PXE", lacking), () => {
  beforeAll(debianTree, BUILD_MS);

  test("two at once, to multi-user, from one tree", { timeout: 20 * 60_000 }, async () => {
    const { code, stdout, stderr } = await sidus(
      "demo",
      "--nodes",
      "2",
      "--check",
      "--json",
      "--timeout",
      "420",
    );
    expect(code, stderr).toBe(0);
    // Else it says that a node has no layer to write to.
    expect(stderr).not.toContain("sidus: ");
    const { nodes, refused }: Summary = JSON.parse(stdout);
    expect(nodes.map((node) => node.name)).toEqual(["node1", "node2"]);
    for (const node of nodes) {
      expect(node.stage).toBe("up");
      expect(node.tree).toMatch(/^demo, built 20\d\d-/);
      const seconds = ["dhcp", "loader", "kernel", "root", "up"].map(
        (stage) => node.secondsAfterPowerOn[stage],
      );
      expect(seconds).toEqual([...seconds].sort((a = 0, b = 0) => a - b));
      expect(seconds).not.toContain(undefined);
    }
    expect(refused["nfs"]).toBeUndefined();
    expect(refused["dhcp"]).toBeUndefined();
  });
});
