import { lstatSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathExcludes, pathIncludes } from "./packages.ts";

/** Removes from a tree what dpkg would not have unpacked into it, had it been told before. */
export function pruneTree(tree: string, kept: readonly string[]): void {
  const includes = [...pathIncludes, ...kept].map(matcherOf);
  for (const pattern of pathExcludes) {
    prune(tree, pattern.slice(0, pattern.lastIndexOf("/")), includes);
  }
}

function prune(tree: string, directory: string, includes: readonly RegExp[]): void {
  const here = join(tree, directory);
  if (lstatSync(here, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  for (const entry of readdirSync(here, { withFileTypes: true })) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) {
      prune(tree, path, includes);
      if (readdirSync(join(tree, path)).length === 0) rmdirSync(join(tree, path));
    } else if (!includes.some((include) => include.test(path))) rmSync(join(tree, path));
  }
}

/** dpkg(1): shell patterns whose `*` goes beyond slashes. */
function matcherOf(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}
