import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/setup.ts"],
    testTimeout: 30_000,
    // Machines that build and test at once are slow: a poll waits long before it fails.
    expect: { poll: { timeout: 10_000 } },
    reporters: ["default", "./test/reporter.ts"],
  },
});
