import { createWriteStream, existsSync, renameSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { type ExportOptions, exportVersion } from "../../image/store/export.ts";
import { shortOf } from "../../image/store/versions.ts";
import { UserError } from "../../user-error.ts";
import { checkName } from "../check.ts";
import { mendable } from "../mendable.ts";
import { openReading } from "./reading.ts";
import { type ImageArguments, print, remedies, storeOf, subcommand, versionOf } from "./shared.ts";

interface ExportArguments extends ImageArguments {
  readonly output?: string;
}

export function exportCommand(): Command {
  const help = `
The file is a tar archive of the manifest, the signature, the bill of materials and the image: all that sidus image
import needs elsewhere.

Example:
  sidus image export room
  sidus image export room --output - | ssh other sidus image import - --use`;
  return subcommand("export", help)
    .description("Write a version into one file.")
    .argument("<name>", "the image")
    .argument("[version]", "the beginning of its digest (default: the current one)")
    .option(
      "--output <file>",
      "where it goes; - is standard output (default: NAME-VERSION.tar here)",
    )
    .action((name: string, prefix: string | undefined, given: ExportArguments) =>
      mendable(remedies, () => run(name, prefix, given)),
    );
}

async function run(
  name: string,
  prefix: string | undefined,
  given: ExportArguments,
): Promise<void> {
  checkName(name);
  const store = storeOf(given);
  const digest = await versionOf(store, name, prefix);
  const from = { directory: store.directoryOf(name), name, digest };
  if (given.output === "-") return await pipeline(exportVersion(from), process.stdout);
  const file = resolve(given.output ?? `${name}-${shortOf(digest)}.tar`);
  await writeFile(file, from);
  print(given, { name, digest, file }, `${name}: ${shortOf(digest)} is in ${file}\n`);
}

/** All of it, or nothing. */
async function writeFile(file: string, from: ExportOptions): Promise<void> {
  if (existsSync(file)) throw new UserError(`${file} is already there: choose another --output`);
  const partial = `${file}.partial-${process.pid}`;
  using reading = openReading("exporting");
  try {
    // It holds what its tree holds, passwords too: not for every user of this machine.
    const stream = createWriteStream(partial, { flags: "wx", mode: 0o600, flush: true });
    await pipeline(exportVersion({ ...from, ...reading }), stream);
    renameSync(partial, file);
  } catch (cause) {
    rmSync(partial, { force: true });
    if (!reading.signal.aborted) throw cause;
    const message = "exporting was interrupted; nothing of it is left";
    throw new UserError(message, { cause, exitCode: 1 });
  }
}
