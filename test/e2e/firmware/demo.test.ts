import { beforeAll, describe, expect, test } from "vitest";
import { title } from "../../needs.ts";
import { sidus } from "../../sidus.ts";
import { BUILD_MS, debianTree } from "../debian.ts";
import { lackingForAll } from "./rows.ts";

/** UEFI all the way to a system with its root by NFS; BIOS is in boot.test.ts. */

describe.skipIf(lackingForAll !== undefined)(title("to multi-user", lackingForAll), () => {
  beforeAll(debianTree, BUILD_MS);

  test.each(["uefi", "secure-boot"])("%s", { timeout: 15 * 60_000 }, async (firmware) => {
    const args = ["--firmware", firmware, "--nodes", "1", "--check", "--json"];
    const { code, stdout, stderr } = await sidus("demo", ...args, "--timeout", "600");
    expect(code, stderr).toBe(0);
    const { nodes, refused } = JSON.parse(stdout);
    expect(nodes).toMatchObject([{ name: "node1", stage: "up" }]);
    expect(refused.nfs).toBeUndefined();
    expect(refused.dhcp).toBeUndefined();
  });
});
