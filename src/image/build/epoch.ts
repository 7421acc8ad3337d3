import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { newestTime } from "../store/survey.ts";

/**
 * When a tree is from, in seconds since 1970: the state of the archive that it was made from, so that the same recipe
 * gives the same tree at any time. While apt's lists are still in it; a tree without any is as old as what is in it.
 * SOURCE_DATE_EPOCH in the environment says it before all others (reproducible-builds.org).
 */
export function epochOf(tree: string): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given !== undefined && /^\d{1,11}$/.test(given)) return Number(given);
  return newestRelease(join(tree, "var/lib/apt/lists")) ?? newestTime(tree);
}

/** By the `Date:` of what archives sign (Debian policy of repositories: InRelease, or Release beside its signature). */
function newestRelease(lists: string): number | undefined {
  const dates = filesIn(lists)
    .filter((name) => /_(?:In)?Release$/.test(name))
    .map((name) => /^Date: (.+)$/m.exec(readFileSync(join(lists, name), "latin1"))?.[1])
    .map((date) => Date.parse(date ?? "") / 1000)
    .filter((seconds) => Number.isSafeInteger(seconds) && seconds > 0);
  return dates.length === 0 ? undefined : Math.max(...dates);
}

/** Links may lead out of a tree. */
function filesIn(directory: string): string[] {
  if (lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}
