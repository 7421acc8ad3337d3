import { existsSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { IMAGE_HISTORY_MAX } from "../../limits.ts";
import { replaceFile } from "./replace.ts";
import { CURRENT, digestIn, isMissing, versionFile } from "./versions.ts";

/** Which version of an image is current, and which were before: changed under the lock only. */

const HISTORY = "history.json";

/** Undefined where no version is. */
export function currentNow(directory: string): string | undefined {
  try {
    return digestIn(readlinkSync(join(directory, CURRENT)));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function makeCurrent(directory: string, digest: string): void {
  const before = currentNow(directory);
  if (before === digest) return;
  // Written first: an entry that is current still says nothing wrong.
  if (before !== undefined) saveHistory(directory, [...historyOf(directory), before]);
  point(directory, digest);
}

/** What was current before this one, and is there still. */
export function previousIn(directory: string): string | undefined {
  return historyOf(directory).findLast((digest) => isPrevious(directory, digest));
}

/** Back to it, and further back the next time. Undefined where there is none. */
export function goBack(directory: string): string | undefined {
  const history = historyOf(directory);
  const at = history.findLastIndex((digest) => isPrevious(directory, digest));
  const digest = history[at];
  if (digest === undefined) return undefined;
  point(directory, digest);
  saveHistory(directory, history.slice(0, at));
  return digest;
}

function isPrevious(directory: string, digest: string): boolean {
  return digest !== currentNow(directory) && existsSync(join(directory, versionFile(digest)));
}

function point(directory: string, digest: string): void {
  const link = join(directory, `.${CURRENT}-${process.pid}`);
  rmSync(link, { force: true });
  symlinkSync(versionFile(digest), link);
  renameSync(link, join(directory, CURRENT));
}

/** Digests, the oldest first. What cannot be read is none: any version can be chosen by its digest. */
function historyOf(directory: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(readFileSync(join(directory, HISTORY), "utf8"));
    const isDigest = (entry: unknown) =>
      typeof entry === "string" && digestIn(versionFile(entry)) === entry;
    return Array.isArray(value) ? value.filter(isDigest) : [];
  } catch {
    return [];
  }
}

function saveHistory(directory: string, history: readonly string[]): void {
  const text = `${JSON.stringify(history.slice(-IMAGE_HISTORY_MAX))}\n`;
  replaceFile(join(directory, HISTORY), text, 0o644);
}
