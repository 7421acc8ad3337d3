import { createReadStream, existsSync } from "node:fs";
import process from "node:process";
import { addAbortSignal } from "node:stream";
import type { Command } from "commander";
import { importVersion } from "../../image/store/import.ts";
import type { ImageStore } from "../../image/store/store.ts";
import { shortOf } from "../../image/store/versions.ts";
import { BUNDLE_PIECE_BYTES } from "../../limits.ts";
import { UserError } from "../../user-error.ts";
import { mendable } from "../mendable.ts";
import { openReading } from "./reading.ts";
import { type ImageArguments, print, remedies, storeOf, subcommand } from "./shared.ts";

interface ImportArguments extends ImageArguments {
  readonly use?: true;
}

export function importCommand(): Command {
  const help = `
Nothing of it is there before all of it was read and its digest found right. Which version is current stays, unless
--use is given.

Example:
  sidus image import room-3f9a6c021b7d.tar --use`;
  return subcommand("import", help)
    .description("Take in a version that sidus image export wrote.")
    .argument("<file>", "the file; - is standard input")
    .option("--use", "make it the current version")
    .action((file: string, given: ImportArguments) => mendable(remedies, () => run(file, given)));
}

async function run(file: string, given: ImportArguments): Promise<void> {
  const store = storeOf(given);
  const { manifest, isKnown } = await read(file, store);
  const { name, digest } = manifest;
  if (given.use === true) store.use(name, digest);
  const is = isKnown ? "was there already" : "is imported";
  const and =
    given.use === true
      ? " and is the current version now"
      : `; sidus image use ${name} ${shortOf(digest)} makes it current`;
  print(given, { name, digest, isKnown }, `${name}: ${shortOf(digest)} ${is}${and}\n`);
}

async function read(file: string, store: ImageStore) {
  if (file !== "-" && !existsSync(file)) throw new UserError(`there is no file ${file}`);
  using reading = openReading("importing");
  const source =
    file === "-" ? process.stdin : createReadStream(file, { highWaterMark: BUNDLE_PIECE_BYTES });
  const bytes = addAbortSignal(reading.signal, source);
  return await importVersion({ store, bytes, ...reading });
}
