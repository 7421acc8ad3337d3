import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/setup.ts"],
    testTimeout: 30_000,
    teardownTimeout: 60_000,
    // Most of the time is QEMU's, of which a node takes less than a core.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Machines that build and test at once are slow: a poll waits long before it fails.
    expect: { poll: { timeout: 10_000 } },
    reporters: ["default", "./test/reporter.ts"],
  },
});
