import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { STAGING_TRIES } from "../limits.ts";
import { UserError } from "../user-error.ts";
import { mountsBelow, releaseTree } from "./chroot/release.ts";
import { placeDirectory } from "./place.ts";

/**
 * A tree grows in a hidden directory beside its place, `.NAME.partial-…`, and moves there by one rename when it is whole.
 * Who works in it holds a lock on it, which the kernel drops with its process, in whatever namespace that ran: what a
 * killed build leaves behind is told by nobody holding it.
 */
export interface Staging {
  /** Ours alone; what is in it goes with it. */
  readonly directory: string;
  /** Where the tree grows. */
  readonly tree: string;
  /** Moves the tree to its place and removes the rest. */
  commit(): void;
  discard(): void;
}

/** @throws UserError where the place is taken, or another build is about to take it. */
export function openStaging(output: string): Staging {
  if (existsSync(output)) {
    throw new UserError(
      `${output} is already there; choose another --output, or move it away first: a tree is never overwritten`,
    );
  }
  const parent = dirname(output);
  placeDirectory(parent);
  const prefix = `.${basename(output)}.partial-`;
  for (const name of readdirSync(parent)) {
    if (name.startsWith(prefix)) removeLeft(join(parent, name), output);
  }
  const { directory, lock } = claimed(join(parent, prefix), output);
  const tree = join(directory, "tree");
  const discard = (): void => {
    remove(directory);
    lock[Symbol.dispose]();
  };
  return {
    directory,
    tree,
    commit() {
      releaseTree(tree);
      renameSync(tree, output);
      discard();
    },
    discard,
  };
}

/** Who sweeps may take a directory away between its making and its locking: then there is another. */
function claimed(prefix: string, output: string): { directory: string; lock: Disposable } {
  for (let tries = 0; tries < STAGING_TRIES; tries += 1) {
    const directory = mkdtempSync(prefix);
    const lock = lockOf(directory);
    if (lock !== undefined) return { directory, lock };
  }
  throw taken(output);
}

/** Removes what killed work has left of places that begin so; what is being worked in stays. */
export function sweepStagings(place: string): void {
  const parent = dirname(place);
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(`.${basename(place)}`) || !name.includes(".partial-")) continue;
    const directory = join(parent, name);
    using lock = lockOf(directory);
    if (lock !== undefined) remove(directory);
  }
}

function removeLeft(directory: string, output: string): void {
  using lock = lockOf(directory);
  if (lock === undefined) throw taken(output);
  remove(directory);
}

function taken(output: string): UserError {
  return new UserError(`another process is building ${output} already; wait for it, or end it`);
}

/** flock(2) belongs to the open directory, which flock(1) only borrows: it stays until we close it, or are no more. */
function lockOf(directory: string): Disposable | undefined {
  const descriptor = openedOf(directory);
  if (descriptor === undefined) return undefined;
  let isOpen = true;
  const close = (): void => {
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
  const stdio = ["ignore", "ignore", "ignore", descriptor] as const;
  const { status, error } = spawnSync("flock", ["--nonblock", "3"], { stdio: [...stdio] });
  if (error !== undefined) throw new UserError("flock cannot be run: apt-get install util-linux");
  // It may have been removed since it was opened.
  if (status === 0 && existsSync(directory)) return { [Symbol.dispose]: close };
  close();
  return undefined;
}

function openedOf(directory: string): number | undefined {
  try {
    return openSync(directory, "r");
  } catch {
    return undefined;
  }
}

/** Never through a mount: what is mounted there, and by whom, releaseTree knows. */
function remove(directory: string): void {
  releaseTree(join(directory, "tree"));
  // The kernel knows mounts by the names that no link has a part in.
  const [mounted] = existsSync(directory) ? mountsBelow(realpathSync(directory)) : [];
  if (mounted !== undefined) {
    throw new UserError(`${mounted} is mounted; unmount it, then remove ${directory}`);
  }
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // chattr(1): what is immutable, or may only grow, not even root removes.
    spawnSync("chattr", ["-R", "-f", "-ia", directory]);
    rmSync(directory, { recursive: true, force: true });
  }
}
