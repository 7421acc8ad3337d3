import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { sidus } from "../../sidus.ts";
import { madeResult } from "../../storm/report/made-result.ts";

const folder = mkdtempSync(join(tmpdir(), "sidus-compare-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const before = file("before.json", JSON.stringify(madeResult({ nodes: 20 })));
const after = file("after.json", JSON.stringify(madeResult({ nodes: 30, seed: 2 })));

test("two results are laid side by side, on the terminal and as a page", async () => {
  const page = join(folder, "change.html");
  const { code, stdout, stderr } = await sidus("storm", "compare", before, after, "--output", page);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^1: 20 nodes, BIOS, tmpfs\n2: 30 nodes, BIOS, tmpfs\n/);
  expect(stdout).toMatch(/^all done after +2\d\.\d s +\d\d\.\d s /m);
  expect(stdout).toContain("nodes: 20, 30\n");
  expect(readFileSync(page, "utf8")).toMatch(/^<!doctype html>[\s\S]*Two storms side by side/);
});

test.each([
  ["a file that is not there", () => join(folder, "none"), 1, "ENOENT"],
  ["a file that is not JSON", () => file("text", "storm"), 2, "expected JSON"],
  ["another's JSON", () => file("other", `{"a":1}`), 2, "expected what sidus storm --json writes"],
])("%s is said in one line", async (_what, other, exit, message) => {
  const { code, stdout, stderr } = await sidus("storm", "compare", before, other());
  expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
  expect(stderr).toContain(message);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
});
