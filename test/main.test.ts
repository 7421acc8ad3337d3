import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { outcome } from "./sidus.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

test("whoever closes the pipe early gets no complaint", async () => {
  const piped = 'set -o pipefail; "$0" "$1" build --example | head -n 1';
  const { code, stdout, stderr } = await outcome("bash", ["-c", piped, process.execPath, main]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^\S.*\n$/);
});
