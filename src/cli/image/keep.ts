import type { Command } from "commander";
import { applyPolicy, policyOf, setPolicy } from "../../image/store/keep.ts";
import { shortOf } from "../../image/store/versions.ts";
import { systemClock } from "../../net/clock.ts";
import { check, checkName } from "../check.ts";
import { mendable } from "../mendable.ts";
import { type ImageArguments, print, remedies, storeOf, subcommand } from "./shared.ts";

export function keepCommand(): Command {
  const help = `
N versions stay besides the current one and those that nodes run: the one that rollback goes to, and the newest. Others
are removed at once, and whenever another version is made. all: every version stays, as without a policy. Without N:
what is kept now.

Example:
  sidus image keep room 3
  sidus image keep room all`;
  return subcommand("keep", help)
    .description("Say how many versions of an image stay.")
    .argument("<name>", "the image")
    .argument("[n]", "how many, or all")
    .action((name: string, count: string | undefined, given: ImageArguments) =>
      mendable(remedies, () => keep(name, count, given)),
    );
}

async function keep(name: string, count: string | undefined, given: ImageArguments): Promise<void> {
  checkName(name);
  const store = storeOf(given);
  const nowMs = systemClock.epochMs();
  if ((await store.versions(name, nowMs)).length === 0) throw store.noImage(name);
  if (count !== undefined) {
    check(count, /^(?:all|\d{1,6})$/, "N", "a number, or all");
    setPolicy(store, name, count === "all" ? undefined : Number(count));
  }
  const removed = count === undefined ? [] : await applyPolicy(store, name, nowMs);
  const kept = policyOf(store, name);
  const besides = "besides the current version and those that nodes run";
  const what = kept === undefined ? "all versions stay" : `${kept} stay ${besides}`;
  const lines = [
    `${name}: ${what}`,
    ...removed.map((digest) => `${name}: ${shortOf(digest)} is removed`),
  ];
  print(given, { name, keep: kept ?? "all", removed }, `${lines.join("\n")}\n`);
}
