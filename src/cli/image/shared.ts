import { homedir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { isRootOfMachine } from "../../image/namespace/user-namespace.ts";
import type { Manifest } from "../../image/store/manifest.ts";
import { ImageStore } from "../../image/store/store.ts";
import { currentIn, shortOf } from "../../image/store/versions.ts";
import type { Remedies } from "../mendable.ts";

/** What every command on images has. */
export interface ImageArguments {
  readonly images: string;
  readonly json?: true;
}

/** Where images are unless one says: the machine's, or an ordinary user's own. */
export function imagesDirectory(): string {
  if (isRootOfMachine()) return "/var/lib/sidus/images";
  const data = process.env["XDG_DATA_HOME"] || join(homedir(), ".local/share");
  return join(data, "sidus/images");
}

export function subcommand(name: string, help: string): Command {
  return new Command(name)
    .option("--images <directory>", "where the images are", imagesDirectory())
    .option("--json", "print the result as JSON")
    .addHelpText("after", help);
}

export function storeOf({ images }: ImageArguments): ImageStore {
  return new ImageStore(resolve(images));
}

/** The version that begins so, or the current one. @throws UserError */
export async function versionOf(
  store: ImageStore,
  name: string,
  prefix: string | undefined,
): Promise<string> {
  if (prefix !== undefined) return store.find(name, prefix);
  const digest = await currentIn(store.directoryOf(name));
  if (digest === undefined) throw store.noImage(name);
  return store.find(name, digest);
}

export function print({ json }: Pick<ImageArguments, "json">, data: unknown, text: string): void {
  process.stdout.write(json === true ? `${JSON.stringify(data)}\n` : text);
}

export function renderSealed({ name, digest, bytes, kernel }: Manifest): string {
  const boots = kernel === undefined ? "no kernel" : `kernel ${kernel}`;
  return `${name}: ${shortOf(digest)} is the current version now: ${megabytes(bytes)}, ${boots}\n`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export const remedies: Remedies = {
  EACCES: "run as root, or choose other --images",
  EPERM: "run as root, or choose other --images",
  EROFS: "choose other --images",
  ENOENT: "nothing may change there meanwhile",
  ENOTDIR: "choose other --images",
  ENOSPC: "make room there, or remove versions (sidus image rm)",
};
