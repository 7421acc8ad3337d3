import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { treeAt } from "../image/chroot/in-tree.ts";
import { type Cloned, type CloneOptions, cloneTree, cloneWays } from "../image/clone/clone.ts";
import {
  listTrees,
  refuseMissing,
  removeTree,
  restoreTree,
  type StoredTree,
  snapshotPath,
} from "../image/clone/snapshots.ts";
import { someOf } from "../image/store/store.ts";
import { systemClock } from "../net/clock.ts";
import { interfaceAddresses } from "../net/interfaces.ts";
import { UserError } from "../user-error.ts";
import { CONFIG } from "./ask.ts";
import { check, checkName } from "./check.ts";
import { askReload } from "./control.ts";
import { openInterrupt } from "./interrupt.ts";
import { mendable, type Remedies } from "./mendable.ts";
import { nowAsName } from "./now-as-name.ts";
import { openProgressDisplay } from "./progress.ts";
import { renderTable } from "./table.ts";

const TREES = "/srv/nfsroot";

interface TreeArguments {
  readonly trees: string;
  readonly json?: true;
}

interface CloneArguments extends TreeArguments {
  readonly method: string;
}

interface ServedArguments extends TreeArguments {
  readonly config: string;
}

export function treeCommand(): Command {
  return new Command("tree")
    .description("Trees that are directories: list, clone, keep snapshots of them, remove.")
    .addCommand(listCommand())
    .addCommand(cloneCommand())
    .addCommand(snapshotCommand())
    .addCommand(restoreCommand())
    .addCommand(removeCommand())
    .addHelpText(
      "after",
      `
A tree is named as it is in the directory of the trees, or by a path with a slash in it. Its snapshots lie beside it, as
NAME@LABEL: nodes can boot from one, too. On btrfs and ZFS, and on XFS, they take room only as the trees grow apart.

Example:
  sidus tree list`,
    );
}

function subcommand(name: string, help: string): Command {
  return new Command(name)
    .option("--trees <directory>", "where the trees are", TREES)
    .option("--json", "print the result as JSON")
    .addHelpText("after", help);
}

const CONSISTENCY = `
btrfs and zfs take a tree as it is at one moment. reflink and copy go through it file by file: what nodes or people write
meanwhile is copied before or after, or in part, and is named in the end. Without --method, the cheapest that works.`;

function withMethod(command: Command): Command {
  return command.option("--method <method>", `auto, ${cloneWays.join(", ")}`, "auto");
}

function withServed(command: Command): Command {
  return command.option("-c, --config <file>", "the configuration of the server", CONFIG);
}

function listCommand(): Command {
  return subcommand("list", "\nExample:\n  sidus tree list room --json")
    .description("List trees and their snapshots, the oldest first.")
    .argument("[name]", "only this tree")
    .action((name: string | undefined, given: TreeArguments) => mended(() => list(name, given)));
}

function cloneCommand(): Command {
  const help = `${CONSISTENCY}

Example:
  sudo sidus tree clone room room-next`;
  return withMethod(subcommand("clone", help))
    .description("Make another tree of one.")
    .argument("<name>", "the tree, or TREE@LABEL")
    .argument("<new>", "what the other is called")
    .action((name: string, to: string, given: CloneArguments) =>
      mended(() => clone(name, to, given)),
    );
}

function snapshotCommand(): Command {
  const help = `${CONSISTENCY}
Nobody can write to a snapshot by btrfs or zfs.

Example:
  sudo sidus tree snapshot room before-upgrade`;
  return withMethod(subcommand("snapshot", help))
    .description("Keep what a tree is now, as NAME@LABEL beside it.")
    .argument("<name>", "the tree")
    .argument("[label]", "what the snapshot is called; the time, unless said")
    .action((name: string, label: string | undefined, given: CloneArguments) =>
      mended(() => snapshot(name, label ?? nowAsName(), given)),
    );
}

function restoreCommand(): Command {
  const help = `
The tree and a clone of its snapshot change places in one step. What the tree was is kept as NAME@before-restore-TIME,
the snapshot stays. A server whose configuration names the tree is told: nodes that boot get what is restored. Nodes that
run from it see files that they did not start with, or none: boot them again.

Example:
  sudo sidus tree restore room before-upgrade`;
  return withServed(withMethod(subcommand("restore", help)))
    .description("Bring a tree back to a snapshot.")
    .argument("<name>", "the tree")
    .argument("<label>", "the snapshot's, as list shows it")
    .action((name: string, label: string, given: CloneArguments & ServedArguments) =>
      mended(() => restore(name, label, given)),
    );
}

function removeCommand(): Command {
  const help = `
What the configuration of the server names is not removed.

Example:
  sudo sidus tree rm room@before-upgrade`;
  return withServed(subcommand("rm", help))
    .description("Remove a snapshot.")
    .argument("<name>", "TREE@LABEL")
    .option("--tree", "remove a tree, too; its snapshots stay")
    .action((name: string, given: ServedArguments & { tree?: true }) =>
      mended(() => remove(name, given)),
    );
}

async function list(name: string | undefined, given: TreeArguments): Promise<void> {
  const path = name === undefined ? undefined : treePath(name, given);
  const directory = path === undefined ? resolve(given.trees) : dirname(path);
  const all = existsSync(directory) ? listTrees(directory) : [];
  const found = all.filter((tree) => path === undefined || tree.name === basename(path));
  if (path !== undefined && found.length === 0) refuseMissing(path);
  print(given, found, renderTrees(found, directory));
}

function renderTrees(trees: readonly StoredTree[], directory: string): string {
  if (trees.length === 0) return `no trees in ${directory}; sidus build NAME makes one\n`;
  const rows = trees.map((tree) => [
    basename(tree.path),
    tree.made.slice(0, 16).replace("T", " "),
    tree.kernel ?? "-",
    [tree.isSubvolume ? "subvolume" : "", tree.isReadOnly ? "read-only" : ""].join(" ").trim(),
  ]);
  return renderTable([["NAME", "MADE (UTC)", "KERNEL", ""], ...rows]);
}

async function clone(name: string, to: string, given: CloneArguments): Promise<void> {
  await cloned(anyPath(name, given), treePath(to, given), given, {});
}

async function snapshot(name: string, label: string, given: CloneArguments): Promise<void> {
  checkLabel(label);
  const from = treePath(name, given);
  await cloned(from, snapshotPath(from, label), given, { isReadOnly: true });
}

async function cloned(
  from: string,
  to: string,
  given: CloneArguments,
  how: Pick<CloneOptions, "isReadOnly">,
): Promise<void> {
  refuseMissing(from);
  const result = await showing(given, (options) => cloneTree({ from, to, ...how, ...options }));
  print(given, { path: to, ...result }, `${to}: is what ${from} is, ${renderCloned(result)}\n`);
}

function renderCloned({ method, isReadOnly, changed }: Cloned): string {
  const how = `by ${method}${isReadOnly ? ", read-only" : ""}`;
  if (changed.length === 0) return how;
  return `${how}; not of one moment: ${someOf(changed, 5)} changed meanwhile`;
}

async function restore(
  name: string,
  label: string,
  given: CloneArguments & ServedArguments,
): Promise<void> {
  checkLabel(label);
  const tree = treePath(name, given);
  const config = configIn(given);
  const keptAs = `before-restore-${nowAsName()}`;
  const result = await showing(given, (options) =>
    restoreTree({ tree, label, keptAs, ...options }),
  );
  const serves = config !== undefined && exportOf(config, tree) !== undefined;
  const server = serves ? await askReload(config.state) : "not-served";
  const kept = snapshotPath(tree, keptAs);
  const said = `${tree}: is what ${label} is, ${renderCloned(result)}; what it was is ${kept}\n`;
  print(given, { path: tree, kept, server, ...result }, `${said}${renderServer(server)}`);
}

function renderServer(server: Awaited<ReturnType<typeof askReload>> | "not-served"): string {
  if (server === "not-served" || server === "not-running") return "";
  if (server === "reloaded") return "the server has taken it on: boot the nodes that run from it\n";
  return `the server has not taken it on: ${server.error}\n`;
}

async function remove(name: string, given: ServedArguments & { tree?: true }): Promise<void> {
  const path = anyPath(name, given);
  refuseMissing(path);
  if (!basename(path).includes("@") && given.tree !== true) {
    throw new UserError(`${path} is a tree, no snapshot of one: --tree removes it all the same`);
  }
  // Whatever is among the trees is one, also what somebody spoilt; elsewhere are other things, too.
  if (name.includes("/")) treeAt(path);
  const config = configIn(given);
  const served = config === undefined ? undefined : keyNaming(config, path);
  if (served !== undefined) {
    throw new UserError(
      `${path} is served: ${served} of ${given.config} names it; take it out there first`,
    );
  }
  await removeTree(path);
  print(given, { path }, `${path}: is removed\n`);
}

/** Undefined where nobody wrote one. @throws UserError for one that cannot be read: what is served is not known then. */
function configIn({ config }: ServedArguments): Config | undefined {
  if (config === CONFIG && !existsSync(config)) return undefined;
  return loadConfig(config, interfaceAddresses());
}

function exportOf(config: Config, path: string): string | undefined {
  const real = realpathSync(path);
  return config.exports.find(
    ({ source }) =>
      source.kind === "directory" && existsSync(source.path) && realpathSync(source.path) === real,
  )?.name;
}

/** The configuration's key that names the directory. */
function keyNaming(config: Config, path: string): string | undefined {
  const name = exportOf(config, path);
  if (name !== undefined) return `exports.${name}`;
  const { overlay } = config.boot;
  const isOverlay = overlay !== undefined && existsSync(overlay);
  return isOverlay && realpathSync(overlay) === realpathSync(path) ? "boot.overlay" : undefined;
}

function treePath(name: string, { trees }: TreeArguments): string {
  if (name.includes("/")) return resolve(name);
  checkName(name);
  return join(resolve(trees), name);
}

/** Of a tree, or of a snapshot. */
function anyPath(name: string, given: TreeArguments): string {
  const [tree = "", ...label] = name.includes("/") ? [name] : name.split("@");
  if (label.length === 0) return treePath(tree, given);
  checkLabel(label.join("@"));
  return snapshotPath(treePath(tree, given), label.join("@"));
}

function checkLabel(label: string): void {
  check(label, /^[A-Za-z0-9][\w.-]{0,62}$/, "LABEL", "letters, digits, `.`, `_` and `-`");
}

async function showing<T>(
  { method }: CloneArguments,
  work: (options: Pick<CloneOptions, "method" | "clock" | "progress" | "signal">) => Promise<T>,
): Promise<T> {
  using interrupt = openInterrupt();
  const known = methodIn(method);
  using display = openProgressDisplay(process.stderr);
  const progress = display.show.bind(display);
  return await work({ method: known, clock: systemClock, progress, signal: interrupt.signal });
}

function methodIn(text: string): CloneOptions["method"] {
  if (text === "auto") return text;
  if (text === "hardlink") {
    throw new UserError(
      "--method hardlink: both trees would change together: what is written to a file of one is in the other at once, under the nodes that run from it; reflink shares blocks until they are written to",
    );
  }
  const known = cloneWays.find((way) => way === text);
  if (known !== undefined) return known;
  throw new UserError(`--method: expected auto, ${cloneWays.join(", ")}, found "${text}"`);
}

function print({ json }: TreeArguments, data: unknown, text: string): void {
  process.stdout.write(json === true ? `${JSON.stringify(data)}\n` : text);
}

function mended(work: () => Promise<void>): Promise<void> {
  return mendable(remedies, work);
}

const remedies: Remedies = {
  EACCES: "run as root, or choose other --trees",
  EPERM: "run as root, or choose other --trees",
  EROFS: "choose other --trees",
  ENOENT: "nothing may change there meanwhile",
  ENOTDIR: "choose other --trees",
  ENOSPC: "make room there, or remove snapshots (sidus tree rm)",
  EDQUOT: "make room there, or remove snapshots (sidus tree rm)",
};
