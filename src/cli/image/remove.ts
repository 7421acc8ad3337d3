import type { Command } from "commander";
import { policyOf, removeUnused } from "../../image/store/keep.ts";
import type { ImageStore } from "../../image/store/store.ts";
import { shortOf } from "../../image/store/versions.ts";
import { systemClock } from "../../net/clock.ts";
import { UserError } from "../../user-error.ts";
import { checkName } from "../check.ts";
import { mendable } from "../mendable.ts";
import { type ImageArguments, print, remedies, storeOf, subcommand } from "./shared.ts";

interface RemoveArguments extends ImageArguments {
  readonly unused?: true;
}

export function removeCommand(): Command {
  const help = `
Neither the current version nor one that nodes run is removed. --unused keeps as many of the others as sidus image keep
says; none where it says nothing.

Example:
  sidus image rm room 3f9a6c02
  sidus image rm room --unused`;
  return subcommand("rm", help)
    .description("Remove versions.")
    .argument("<name>", "the image")
    .argument("[version...]", "the beginnings of their digests")
    .option("--unused", "all that are neither current nor run by nodes")
    .action((name: string, prefixes: readonly string[], given: RemoveArguments) =>
      mendable(remedies, () => remove(name, prefixes, given)),
    );
}

async function remove(
  name: string,
  prefixes: readonly string[],
  given: RemoveArguments,
): Promise<void> {
  checkName(name);
  if (prefixes.length > 0 === (given.unused === true)) {
    throw new UserError("rm: expected versions, or --unused");
  }
  const store = storeOf(given);
  const removed =
    given.unused === true ? await unused(store, name) : await named(store, name, prefixes);
  const text = removed.map((digest) => `${name}: ${shortOf(digest)} is removed\n`).join("");
  const data = removed.map((digest) => ({ name, digest }));
  print(given, data, text === "" ? `${name}: no version is unused\n` : text);
}

async function unused(store: ImageStore, name: string): Promise<readonly string[]> {
  const nowMs = systemClock.epochMs();
  if ((await store.versions(name, nowMs)).length === 0) throw store.noImage(name);
  return removeUnused(store, name, { keep: policyOf(store, name) ?? 0, nowMs });
}

/** All of them, or none where one of them may not be removed. */
async function named(
  store: ImageStore,
  name: string,
  prefixes: readonly string[],
): Promise<readonly string[]> {
  const found = await Promise.all(prefixes.map((prefix) => store.find(name, prefix)));
  const digests = [...new Set(found)];
  const nowMs = systemClock.epochMs();
  store.locked(name, () => {
    for (const digest of digests) store.refuseUsed(name, digest, nowMs);
    for (const digest of digests) store.remove(name, digest, nowMs);
  });
  return digests;
}
