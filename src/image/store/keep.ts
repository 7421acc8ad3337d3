import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "./replace.ts";
import type { ImageStore } from "./store.ts";

/** How many versions of an image stay, besides the current one and those that nodes run. */

const POLICY = "policy.json";

/** Undefined where all stay. */
export function policyOf(store: ImageStore, name: string): number | undefined {
  try {
    const { keep } = JSON.parse(readFileSync(fileOf(store, name), "utf8"));
    return Number.isSafeInteger(keep) && keep >= 0 ? keep : undefined;
  } catch {
    // What is damaged must remove nothing.
    return undefined;
  }
}

export function setPolicy(store: ImageStore, name: string, keep: number | undefined): void {
  store.locked(name, () => {
    if (keep === undefined) rmSync(fileOf(store, name), { force: true });
    else replaceFile(fileOf(store, name), `${JSON.stringify({ keep })}\n`, 0o644);
  });
}

/** Removes the versions that the policy does not keep, and answers them. Without one, all of them stay. */
export async function applyPolicy(
  store: ImageStore,
  name: string,
  nowMs: number,
): Promise<readonly string[]> {
  const keep = policyOf(store, name);
  return keep === undefined ? [] : await removeUnused(store, name, { keep, nowMs });
}

/**
 * Removes all but the current version, those that nodes run, and `keep` of the others: the one that rollback goes to,
 * and the newest. What became current meanwhile stays.
 */
export async function removeUnused(
  store: ImageStore,
  name: string,
  { keep, nowMs }: { readonly keep: number; readonly nowMs: number },
): Promise<readonly string[]> {
  const versions = await store.versions(name, nowMs);
  return store.locked(name, () => {
    const previous = store.previous(name);
    const unused = versions
      .map(({ digest }) => digest)
      .filter((digest) => store.whyUsed(name, digest, nowMs) === undefined);
    const byWorth = unused.toSorted((a, b) => Number(b === previous) - Number(a === previous));
    const removed = byWorth.slice(keep);
    for (const digest of removed) store.remove(name, digest, nowMs);
    return removed;
  });
}

function fileOf(store: ImageStore, name: string): string {
  return join(store.directoryOf(name), POLICY);
}
