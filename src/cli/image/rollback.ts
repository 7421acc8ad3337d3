import type { Command } from "commander";
import { shortOf } from "../../image/store/versions.ts";
import { checkName } from "../check.ts";
import { mendable } from "../mendable.ts";
import { type ImageArguments, print, remedies, storeOf, subcommand } from "./shared.ts";

export function rollbackCommand(): Command {
  const help = `
Nodes that boot get it from now on; those that run keep theirs. Again: one further back. Forth again: sidus image use.

Example:
  sidus image rollback room`;
  return subcommand("rollback", help)
    .description("Make the version current again that was before this one.")
    .argument("<name>", "the image")
    .action((name: string, given: ImageArguments) =>
      mendable(remedies, async () => rollback(name, given)),
    );
}

function rollback(name: string, given: ImageArguments): void {
  checkName(name);
  const digest = storeOf(given).rollback(name);
  print(given, { name, digest }, `${name}: ${shortOf(digest)} is the current version again\n`);
}
