import { setTimeout } from "node:timers/promises";
import { demoTree } from "../../src/cli/demo/tree.ts";
import { UserError } from "../../src/user-error.ts";

/** Enough for beforeAll, where the tree must be built first. */
export const BUILD_MS = 15 * 60_000;

/** The demonstration's tree. Where another test builds it just now, that one is waited for. */
export async function debianTree(): Promise<string> {
  for (;;) {
    try {
      return await demoTree();
    } catch (error) {
      const isBuilding = error instanceof UserError && /is building .* already/.test(error.message);
      if (!isBuilding) throw error;
      await setTimeout(2000);
    }
  }
}
