import { resolve } from "node:path";
import type { Command } from "commander";
import { sealTree } from "../../image/store/seal.ts";
import { systemClock } from "../../net/clock.ts";
import { checkName } from "../check.ts";
import { openInterrupt } from "../interrupt.ts";
import { mendable } from "../mendable.ts";
import { version } from "../version.ts";
import {
  type ImageArguments,
  print,
  remedies,
  renderSealed,
  storeOf,
  subcommand,
} from "./shared.ts";

interface SealArguments extends ImageArguments {
  readonly key?: string;
}

export function sealCommand(): Command {
  const help = `
Needs no root for a tree that you may read. Owners, modes and devices are those of the directory: a system's tree is
root's, and is sealed by root. Nothing may change in it meanwhile. The same tree gives the same version again.

Example:
  sudo sidus image seal room /srv/nfsroot/room`;
  return subcommand("seal", help)
    .description("Seal a directory as the current version of an image.")
    .argument("<name>", "the image; a new one, or one that gets another version")
    .argument("<directory>", "what is sealed")
    .option(
      "--key <file>",
      "the private key that signs it (default: this machine's, where it has one)",
    )
    .action((name: string, directory: string, given: SealArguments) =>
      mendable(remedies, () => seal(name, directory, given)),
    );
}

async function seal(name: string, directory: string, given: SealArguments): Promise<void> {
  checkName(name);
  using interrupt = openInterrupt();
  const manifest = await sealTree({
    name,
    tree: resolve(directory),
    store: storeOf(given),
    version,
    sealedAt: new Date(systemClock.epochMs()),
    origin: { made: `seal of ${resolve(directory)}`, parent: undefined, recipe: undefined },
    key: given.key,
    signal: interrupt.signal,
  });
  print(given, manifest, renderSealed(manifest));
}
