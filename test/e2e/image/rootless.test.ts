import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lackingOf, title } from "../../needs.ts";
import { openOrdinaryUser, ordinaryUser } from "../../ordinary-user.ts";

/** The demonstration as somebody who is not root: tree, servers on the ports below 1024, and QEMU. */

const lacking = lackingOf(
  ...(["root", "mmdebstrap", "mkfs.erofs", "newuidmap", "setpriv"] as const),
  ...(["qemu-system-x86_64", "ip", "unshare"] as const),
);

describe.skipIf(lacking !== undefined)(title("without root", lacking), () => {
  test("a tree is built and sealed, and a node boots it from PXE to multi-user", {
    timeout: 20 * 60_000,
  }, async () => {
    const user = openOrdinaryUser();
    const demo = [...user.node("src/main.ts"), "demo", "--check", "--json"];
    const { code, stdout, stderr } = await user.run(...demo);
    expect(code, stderr).toBe(0);
    // Else it says that a node has no layer to write to.
    expect(stderr).not.toContain("sidus: ");
    expect(JSON.parse(stdout).nodes).toMatchObject([{ name: "node1", stage: "up" }]);
    // All that is left of it is his own.
    expect(statSync(join(user.home, ".cache/sidus/images")).uid).toBe(ordinaryUser.uid);
  });
});
