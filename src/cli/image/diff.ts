import { resolve } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import {
  type Change,
  type Compared,
  type Difference,
  diffTrees,
} from "../../image/compare/diff.ts";
import { openCompared } from "../../image/compare/open.ts";
import { diffPackages, type PackageChange } from "../../image/compare/packages.ts";
import type { ImageStore } from "../../image/store/store.ts";
import { currentIn } from "../../image/store/versions.ts";
import { UserError } from "../../user-error.ts";
import { checkName } from "../check.ts";
import { mendable } from "../mendable.ts";
import { type ImageArguments, megabytes, remedies, storeOf, subcommand } from "./shared.ts";

interface DiffArguments extends ImageArguments {
  readonly packages?: true;
  readonly times?: true;
}

export function diffCommand(): Command {
  const help = `
A and B are versions, by the beginning of their digests, or directories: paths with a /. Without B it is the current
version, without A the one before it (where rollback goes). Contents are compared byte by byte; extended attributes
between versions only.

  + added   - removed   ~ changed

Example:
  sidus image diff room
  sidus image diff room 3f9a6c02 /srv/nfsroot/room`;
  return subcommand("diff", help)
    .description("Show by package and by file what differs between two versions or directories.")
    .argument("<name>", "the image")
    .argument("[a]", "before: a version or a directory")
    .argument("[b]", "after: a version or a directory")
    .option("--packages", "by package only")
    .option("--times", "a file with another time differs, too")
    .action((name: string, a: string | undefined, b: string | undefined, given: DiffArguments) =>
      mendable(remedies, () => diff(name, [a, b], given)),
    );
}

async function diff(
  name: string,
  [a, b]: readonly [string | undefined, string | undefined],
  given: DiffArguments,
): Promise<void> {
  checkName(name);
  const store = storeOf(given);
  await using before = await opened(store, name, a ?? (await previousOf(store, name)));
  await using after = await opened(store, name, b ?? (await currentOf(store, name)));
  const show = given.json === true ? showJson : showText;
  await show(await diffPackages(before, after), changesOf(before, after, given));
}

function changesOf(
  before: Compared,
  after: Compared,
  { packages, times }: DiffArguments,
): AsyncIterable<Change> {
  return packages === true ? none() : diffTrees(before, after, { times: times === true });
}

async function* none(): AsyncGenerator<Change> {}

async function opened(store: ImageStore, name: string, named: string) {
  if (named.includes("/")) return openCompared(store, { directory: resolve(named) });
  return openCompared(store, { name, digest: await store.find(name, named) });
}

async function currentOf(store: ImageStore, name: string): Promise<string> {
  const digest = await currentIn(store.directoryOf(name));
  if (digest === undefined) throw store.noImage(name);
  return digest;
}

async function previousOf(store: ImageStore, name: string): Promise<string> {
  await currentOf(store, name);
  const digest = store.previous(name);
  if (digest !== undefined) return digest;
  throw new UserError(
    `no version of ${name} that is still there was current before: name one (sidus image list ${name})`,
  );
}

async function showText(
  packages: readonly PackageChange[],
  changes: AsyncIterable<Change>,
): Promise<void> {
  process.stdout.write(packages.map(packageLine).join(""));
  let isFirst = true;
  for await (const change of changes) {
    if (isFirst && packages.length > 0) process.stdout.write("\n");
    isFirst = false;
    await written(changeLine(change));
  }
  if (isFirst && packages.length === 0) process.stdout.write("no difference\n");
}

/** One object, as it comes. */
async function showJson(
  packages: readonly PackageChange[],
  changes: AsyncIterable<Change>,
): Promise<void> {
  await written(`{"packages":${JSON.stringify(packages)},"files":[`);
  let separator = "";
  for await (const change of changes) {
    await written(`${separator}${JSON.stringify(change)}`);
    separator = ",";
  }
  await written("]}\n");
}

/** Whoever reads it may be slower than we are. */
function written(text: string): Promise<void> {
  return new Promise((done) => void process.stdout.write(text, () => done()));
}

export function packageLine({ name, from, to }: PackageChange): string {
  if (from === undefined) return `+ ${name} ${to}\n`;
  return to === undefined ? `- ${name} ${from}\n` : `~ ${name} ${from} → ${to}\n`;
}

export function changeLine({ kind, path, type, size, differences }: Change): string {
  if (kind === "changed") return `~ ${path}  ${differences.map(differenceText).join(", ")}\n`;
  const what = type === "file" ? megabytes(size) : type;
  return `${kind === "added" ? "+" : "-"} ${path}  ${what}\n`;
}

function differenceText({ what, from, to }: Difference): string {
  return from === undefined ? what : `${what} ${from} → ${to}`;
}
