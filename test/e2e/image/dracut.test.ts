import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf, sidus } from "../../sidus.ts";
import { BUILD_MS } from "../debian.ts";

/** The slides' other initrd: the same five steps of rootaufs, driven by dracut. */

const lacking =
  lackingOf("root", "mmdebstrap", "qemu-system-x86_64", "ip") ??
  (process.env["SIDUS_E2E"] === "all" ? undefined : "npm run e2e runs it");

const BOOT_S = 600;

describe.skipIf(lacking !== undefined)(title("an initrd of dracut's", lacking), () => {
  const work = directoryOf({});
  const tree = join(work, "tree");
  let initrdBytes = 0;

  beforeAll(async () => {
    const recipe = join(work, "recipe.yaml");
    writeFileSync(recipe, "suite: bookworm\ninitramfs: dracut\n");
    const to = ["--output", tree, "--log", join(work, "build.log"), "--json"];
    const { code, stdout, stderr } = await sidus("build", "room", "--recipe", recipe, ...to);
    expect(code, stderr).toBe(0);
    const { kernel } = JSON.parse(stdout);
    initrdBytes = statSync(join(tree, kernel.initrd)).size;
  }, BUILD_MS);

  test("takes at most 12 MB", () => {
    expect(initrdBytes).toBeGreaterThan(5e6);
    expect(initrdBytes).toBeLessThanOrEqual(12e6);
  });

  test.each(["tmpfs", "iscsi"])(
    "comes up with the layer %s",
    {
      timeout: (BOOT_S + 60) * 1000,
    },
    async (layer) => {
      const args = ["--tree", tree, "--layer", layer, "--check", "--json"];
      const { code, stdout, stderr } = await sidus("demo", ...args, "--timeout", String(BOOT_S));
      expect(code, stderr).toBe(0);
      // A layer that could not be would be warned of.
      expect(stderr).not.toContain("without its volume");
      const { nodes } = JSON.parse(stdout);
      expect(nodes).toMatchObject([{ name: "node1", stage: "up" }]);
      const stages = Object.keys(nodes[0].secondsAfterPowerOn);
      expect(stages.includes("volume")).toBe(layer === "iscsi");
    },
  );
});
