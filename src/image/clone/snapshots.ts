import { lstatSync, readdirSync, renameSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UserError } from "../../user-error.ts";
import { treeKernel } from "../build/finish.ts";
import { mounts } from "../mounts.ts";
import { openStaging } from "../staging.ts";
import { isReadOnly, isSubvolume, setReadOnly } from "./btrfs.ts";
import { type Cloned, type CloneOptions, cloneTree } from "./clone.ts";
import { exchange } from "./exchange.ts";

/** A directory that holds a tree. A snapshot of it lies beside it: `room@before-upgrade`. */
export interface StoredTree {
  readonly path: string;
  /** Of the tree, without the snapshot's label. */
  readonly name: string;
  /** Undefined for the tree itself. */
  readonly label: string | undefined;
  /** When it came to be here: ISO 8601, UTC. */
  readonly made: string;
  /** Undefined where it boots no kernel of its own. */
  readonly kernel: string | undefined;
  readonly isSubvolume: boolean;
  readonly isReadOnly: boolean;
}

/** Each tree, then its snapshots, the oldest first. */
export function listTrees(directory: string): StoredTree[] {
  const names = readdirSync(directory).filter((name) => !name.startsWith("."));
  const trees = names
    .map((name) => join(directory, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    .map(storedTree);
  const key = ({ name, label, made }: StoredTree): string =>
    `${name}/${label === undefined ? "" : made}/${label ?? ""}`;
  return trees.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function storedTree(path: string): StoredTree {
  const [name = "", ...label] = basename(path).split("@");
  return {
    path,
    name,
    label: label.length === 0 ? undefined : label.join("@"),
    made: statSync(path).birthtime.toISOString(),
    kernel: kernelOf(path),
    isSubvolume: isSubvolume(path),
    isReadOnly: isReadOnly(path),
  };
}

function kernelOf(path: string): string | undefined {
  try {
    return treeKernel(path).version;
  } catch {
    return undefined;
  }
}

export function snapshotPath(tree: string, label: string): string {
  return `${tree}@${label}`;
}

export interface RestoreOptions extends Omit<CloneOptions, "from" | "to" | "isReadOnly"> {
  readonly tree: string;
  readonly label: string;
  /** What the tree that is there now becomes a snapshot of. */
  readonly keptAs: string;
}

/**
 * The tree becomes what its snapshot is, in one step; what it was is kept as another snapshot.
 * @throws UserError
 */
export async function restoreTree(options: RestoreOptions): Promise<Cloned> {
  const { tree, label, keptAs } = options;
  refuseMissing(tree);
  const from = snapshotPath(tree, label);
  refuseMissing(from);
  refuseMounted(tree);
  const kept = snapshotPath(tree, keptAs);
  const cloned = await cloneTree({ ...options, from, to: kept });
  try {
    exchange(kept, tree);
  } catch (error) {
    await removeTree(kept);
    throw error;
  }
  return cloned;
}

/** It goes from its place at once; what it held, in time. @throws UserError */
export async function removeTree(path: string): Promise<void> {
  refuseMissing(path);
  refuseMounted(path);
  if (isSubvolume(path) && isReadOnly(path)) await setReadOnly(path, false);
  const [name = ""] = basename(path).split("@");
  const staging = openStaging(join(dirname(path), `${name}+removing`));
  try {
    renameSync(path, staging.tree);
  } finally {
    staging.discard();
  }
}

/** @throws UserError */
export function refuseMissing(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return;
  const what = stats === undefined ? "is not there" : "is no directory";
  throw new UserError(`${path} ${what}: sidus tree list names the trees`);
}

function refuseMounted(path: string): void {
  const found = mounts().find(({ point }) => point === path || point.startsWith(`${path}/`));
  if (found === undefined) return;
  if (found.type === "zfs") {
    throw new UserError(
      `${path} is the data set ${found.source}: zfs destroy, zfs rollback and zfs promote do what is to be done with it`,
    );
  }
  throw new UserError(`${found.point} is mounted: unmount it, then try again`);
}
