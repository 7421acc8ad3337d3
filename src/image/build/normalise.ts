import { lstatSync, lutimesSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { everythingIn } from "../store/survey.ts";

const DAY_SECONDS = 86_400;

/**
 * Sets what the time of a build left in a tree to the tree's epoch (seconds since 1970): the days on which passwords
 * were changed, and all times later than it. Whatever is written into the tree after it undoes it.
 */
export function normaliseTree(tree: string, epoch: number): void {
  const day = Math.floor(epoch / DAY_SECONDS);
  for (const name of ["shadow", "shadow-"]) normaliseShadow(join(tree, "etc", name), day);
  for (const { path, stats } of everythingIn(tree)) {
    if (stats.mtimeNs > BigInt(epoch) * 1_000_000_000n) lutimesSync(path, epoch, epoch);
  }
}

/** shadow(5): the third field is the day, since 1970, of the last change. 0 asks for a new password. */
function normaliseShadow(file: string, day: number): void {
  if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) return;
  const text = readFileSync(file, "latin1");
  const normal = text.replace(/^([^:\n]*:[^:\n]*:)(\d+)(?=:)/gm, (line, before, changed) =>
    Number(changed) > day ? `${before}${day}` : line,
  );
  if (normal !== text) writeFileSync(file, normal, "latin1");
}
