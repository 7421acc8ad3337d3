import { resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { sealTree } from "../image/store/seal.ts";
import { ImageStore, type Manifest, someOf, type Version } from "../image/store/store.ts";
import { shortOf } from "../image/store/versions.ts";
import { systemClock } from "../net/clock.ts";
import { checkName } from "./check.ts";
import { openInterrupt } from "./interrupt.ts";
import { mendable, type Remedies } from "./mendable.ts";
import { renderTable } from "./table.ts";
import { version } from "./version.ts";

export const IMAGES = "/var/lib/sidus/images";

interface ImageArguments {
  readonly images: string;
  readonly json?: true;
}

export function imageCommand(): Command {
  return new Command("image")
    .description("Sealed images and their versions: seal, list, use, remove.")
    .addCommand(sealCommand())
    .addCommand(listCommand())
    .addCommand(useCommand())
    .addCommand(removeCommand())
    .addHelpText(
      "after",
      `
A version is named by the beginning of its digest, as list shows it.

Example:
  sidus image list`,
    );
}

function subcommand(name: string, help: string): Command {
  return new Command(name)
    .option("--images <directory>", "where the images are", IMAGES)
    .option("--json", "print the result as JSON")
    .addHelpText("after", help);
}

function sealCommand(): Command {
  const help = `
Needs no root for a tree that you may read. Owners, modes and devices are those of the directory: a system's tree is
root's, and is sealed by root. Nothing may change in it meanwhile. The same tree gives the same version again.

Example:
  sudo sidus image seal room /srv/nfsroot/room`;
  return subcommand("seal", help)
    .description("Seal a directory as the current version of an image.")
    .argument("<name>", "the image; a new one, or one that gets another version")
    .argument("<directory>", "what is sealed")
    .action((name: string, directory: string, given: ImageArguments) =>
      mendable(remedies, () => seal(name, directory, given)),
    );
}

function listCommand(): Command {
  const help = `
Nodes are those that the server saw using a version; one that was not seen for a week does not count.

Example:
  sidus image list room`;
  return subcommand("list", help)
    .description("List images, the newest version first.")
    .argument("[name]", "only this image")
    .action((name: string | undefined, given: ImageArguments) =>
      mendable(remedies, () => list(name, given)),
    );
}

function useCommand(): Command {
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

function removeCommand(): Command {
  const help = `
Neither the current version nor one that nodes run is removed.

Example:
  sidus image rm room 3f9a6c02`;
  return subcommand("rm", help)
    .description("Remove a version.")
    .argument("<name>", "the image")
    .argument("<version>", "the beginning of its digest")
    .action((name: string, prefix: string, given: ImageArguments) =>
      mendable(remedies, () => remove(name, prefix, given)),
    );
}

async function seal(name: string, directory: string, given: ImageArguments): Promise<void> {
  checkName(name);
  using interrupt = openInterrupt();
  const manifest = await sealTree({
    name,
    tree: resolve(directory),
    store: storeOf(given),
    version,
    sealedAt: new Date(systemClock.epochMs()),
    signal: interrupt.signal,
  });
  print(given, manifest, renderSealed(manifest));
}

async function list(name: string | undefined, given: ImageArguments): Promise<void> {
  if (name !== undefined) checkName(name);
  const store = storeOf(given);
  const now = systemClock.epochMs();
  const names = name === undefined ? await store.names() : [name];
  const found = (await Promise.all(names.map((one) => store.versions(one, now)))).flat();
  if (name !== undefined && found.length === 0) throw store.noImage(name);
  print(given, found, renderList(found, store.directory));
}

async function use(name: string, prefix: string, given: ImageArguments): Promise<void> {
  checkName(name);
  const store = storeOf(given);
  const digest = await store.find(name, prefix);
  store.use(name, digest);
  print(given, { name, digest }, `${name}: ${shortOf(digest)} is the current version now\n`);
}

async function remove(name: string, prefix: string, given: ImageArguments): Promise<void> {
  checkName(name);
  const store = storeOf(given);
  const digest = await store.find(name, prefix);
  await store.remove(name, digest, systemClock.epochMs());
  print(given, { name, digest }, `${name}: ${shortOf(digest)} is removed\n`);
}

function storeOf({ images }: ImageArguments): ImageStore {
  return new ImageStore(resolve(images));
}

function print({ json }: ImageArguments, data: unknown, text: string): void {
  process.stdout.write(json === true ? `${JSON.stringify(data)}\n` : text);
}

export function renderSealed({ name, digest, bytes, kernel }: Manifest): string {
  const boots = kernel === undefined ? "no kernel" : `kernel ${kernel}`;
  return `${name}: ${shortOf(digest)} is the current version now: ${megabytes(bytes)}, ${boots}\n`;
}

function renderList(versions: readonly Version[], directory: string): string {
  if (versions.length === 0) {
    return `no images in ${directory}; sidus image seal NAME DIRECTORY makes one\n`;
  }
  const head = ["NAME", "VERSION", "", "SIZE", "SEALED (UTC)", "KERNEL", "NODES"];
  const rows = versions.map((one) => [
    one.name,
    shortOf(one.digest),
    one.isCurrent ? "current" : "",
    megabytes(one.bytes),
    one.sealed.slice(0, 16).replace("T", " "),
    one.kernel ?? "-",
    one.nodes.length === 0 ? "-" : someOf(one.nodes, 3),
  ]);
  return renderTable([head, ...rows]);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

const remedies: Remedies = {
  EACCES: "run as root, or choose other --images",
  EPERM: "run as root, or choose other --images",
  EROFS: "choose other --images",
  ENOENT: "nothing may change there meanwhile",
  ENOTDIR: "choose other --images",
  ENOSPC: "make room there, or remove versions (sidus image rm)",
};
