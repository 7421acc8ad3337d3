import { execFileSync } from "node:child_process";
import { expect } from "vitest";
import { differences, listDirectory } from "../../e2e/listing.ts";

/** All that find, stat, sha256sum and getfattr say of a tree. */
export function everythingIn(path: string): string[] {
  const attributes = execFileSync("getfattr", ["-Rhd", "-m-", "."], {
    cwd: path,
    encoding: "latin1",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return [...listDirectory(path), ...attributes.split("\n\n").sort()];
}

export function expectSame(path: string, other: string): void {
  expect(differences(everythingIn(path), everythingIn(other))).toEqual([]);
}

/** Blocks that its files take, by name. */
export function blocksIn(path: string): string[] {
  const found = execFileSync("find", [".", "-type", "f", "-printf", "%b %p\\0"], { cwd: path });
  return found.toString("latin1").split("\0").sort();
}
