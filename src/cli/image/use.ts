import type { Command } from "commander";
import { shortOf } from "../../image/store/versions.ts";
import { checkName } from "../check.ts";
import { mendable } from "../mendable.ts";
import { type ImageArguments, print, remedies, storeOf, subcommand } from "./shared.ts";

export function useCommand(): Command {
  const help = `
Nodes that boot get it from now on; those that run keep theirs. An older version: back to it.

Example:
  sidus image use room 3f9a6c02`;
  return subcommand("use", help)
    .description("Make a version the current one.")
    .argument("<name>", "the image")
    .argument("<version>", "the beginning of its digest")
    .action((name: string, prefix: string, given: ImageArguments) =>
      mendable(remedies, () => use(name, prefix, given)),
    );
}

async function use(name: string, prefix: string, given: ImageArguments): Promise<void> {
  checkName(name);
  const store = storeOf(given);
  const digest = await store.find(name, prefix);
  store.use(name, digest);
  print(given, { name, digest }, `${name}: ${shortOf(digest)} is the current version now\n`);
}
