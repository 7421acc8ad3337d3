import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeChecks } from "../../e2e/image/node-checks.ts";

/** test/e2e/image/node-checks.ts: what is asked within a booted node. */

const recipe = readFileSync(new URL("../../e2e/image/recipe.yaml", import.meta.url), "utf8");

describe("questions to a booted node", () => {
  test("are about every item of their recipe", () => {
    const items = [...recipe.matchAll(/^([a-z-]+):/gm)].map(([, key]) => key);
    const asked = new Set(nodeChecks.map(({ item }) => item.split(":")[0]));
    expect(items.filter((item) => item !== "suite" && !asked.has(item))).toEqual([]);
  });

  test.each(nodeChecks.map((check) => [check.item, check.asked] as const))(
    "are lines of a shell: %s",
    (_, asked) => {
      expect(asked).not.toContain("\n");
      expect(spawnSync("sh", ["-n", "-c", asked], { encoding: "utf8" }).stderr).toBe("");
    },
  );
});
