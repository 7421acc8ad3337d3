import { execFileSync } from "node:child_process";
import { lstatSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Clock } from "../../net/clock.ts";
import { UserError } from "../../user-error.ts";
import { momentIn } from "../change/settle.ts";
import { mountsBelow } from "../chroot/release.ts";
import { placeDirectory } from "../place.ts";
import type { Progress } from "../progress.ts";
import { openStaging, type Staging } from "../staging.ts";
import { isSubvolume, setReadOnly, snapshotSubvolume } from "./btrfs.ts";
import { type Census, changedSince, takeCensus } from "./census.ts";
import { canReflink, copyTree } from "./copy.ts";
import { cloneDataset, datasetAt } from "./zfs.ts";

/** The cheapest first. */
export const cloneWays = ["btrfs", "zfs", "reflink", "copy"] as const;
export type CloneWay = (typeof cloneWays)[number];

export interface CloneOptions {
  readonly from: string;
  /** Nothing is there yet. */
  readonly to: string;
  /** `auto`: the cheapest that works. */
  readonly method: "auto" | CloneWay;
  /** Nobody writes to it, where the file system can see to that. */
  readonly isReadOnly?: boolean;
  readonly clock: Clock;
  readonly progress: (progress: Progress) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface Cloned {
  readonly method: CloneWay;
  readonly isReadOnly: boolean;
  /** What was written while it was copied, by paths in it: it may be there in part. None where it is of one moment. */
  readonly changed: readonly string[];
}

interface Work extends CloneOptions {
  readonly census: Census;
  readonly staging: Staging;
}

/**
 * Clones a directory to a place: the whole of it appears there at once, or nothing.
 * @throws UserError
 */
export async function cloneTree(options: CloneOptions): Promise<Cloned> {
  const { signal, to } = options;
  const from = cloneable(options);
  placeDirectory(dirname(to));
  const staging = openStaging(to);
  try {
    const started = momentIn(staging.directory);
    const census = await takeCensus(from, signal);
    const work = { ...options, from, census, staging };
    refuseForeign(work);
    const method = wayOf(work);
    const isReadOnly = await run[method](work);
    const isCopied = method === "copy" || method === "reflink";
    const changed = isCopied ? await changedSince(from, started, signal) : [];
    return { method, isReadOnly, changed };
  } catch (cause) {
    if (signal?.aborted !== true) throw cause;
    const message = `cloning ${from} was interrupted; nothing of it is left`;
    throw new UserError(message, { cause, exitCode: 1 });
  } finally {
    staging.discard();
  }
}

/** The tree's own path. */
function cloneable({ from, to }: CloneOptions): string {
  if (statSync(from, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new UserError(`${from} is no directory: name the one that holds the tree`);
  }
  const path = realpathSync(from);
  if (lstatSync(to, { throwIfNoEntry: false }) !== undefined) {
    throw new UserError(`${to} is already there: choose another name, or remove it first`);
  }
  if (`${resolve(to)}/`.startsWith(path === "/" ? path : `${path}/`)) {
    throw new UserError(`${to} is in ${from}: a clone goes beside its tree`);
  }
  const [mount] = mountsBelow(path);
  if (mount !== undefined) {
    throw new UserError(`${mount} is mounted in the tree: unmount it, then try again`);
  }
  return path;
}

function refuseForeign({ from, census }: Work): void {
  if (census.foreign === undefined) return;
  throw new UserError(
    `${census.foreign} belongs to somebody else, and would not in a clone of yours: clone ${from} as root`,
  );
}

/** @throws UserError where the way that was asked for is barred. */
function wayOf(work: Work): CloneWay {
  const { method, from } = work;
  if (method === "auto")
    return cloneWays.find((way) => obstacle[way](work) === undefined) ?? "copy";
  const why = obstacle[method](work);
  if (why === undefined) return method;
  throw new UserError(
    `${from} cannot be cloned by ${method}: ${why}; --method auto takes what works`,
  );
}

/** Why a tree cannot be cloned so; undefined: it can. */
const obstacle: Readonly<Record<CloneWay, (work: Work) => string | undefined>> = {
  btrfs({ from, census, staging }) {
    if (!isSubvolume(from)) return "it is no subvolume of btrfs";
    const [inner] = census.inner;
    if (inner !== undefined) return `${inner} is a subvolume of its own, and would be empty`;
    // A subvolume has a device number of its own: what tells one file system from another is whether blocks can be shared.
    if (census.file !== undefined && !canReflink(census, staging.directory)) {
      return "the clone would be on another file system";
    }
    return undefined;
  },
  zfs: ({ from }) => (datasetAt(from) === undefined ? "it is no data set of ZFS" : undefined),
  reflink: ({ census, staging }) =>
    canReflink(census, staging.directory)
      ? undefined
      : "files there cannot share their blocks: that takes btrfs or XFS, and one file system",
  copy: () => undefined,
};

/** Each puts the clone in its place, and answers whether it is read-only. */
const run: Readonly<Record<CloneWay, (work: Work) => Promise<boolean>>> = {
  async btrfs({ from, to, staging, isReadOnly = false }) {
    await snapshotSubvolume(from, staging.tree);
    commit(staging);
    if (isReadOnly) await setReadOnly(to, true);
    return isReadOnly;
  },
  async zfs({ from, to, isReadOnly = false }) {
    const dataset = datasetAt(from);
    if (dataset === undefined) throw new Error(`${from} is no data set any more`);
    await cloneDataset(dataset, to, isReadOnly);
    return isReadOnly;
  },
  async reflink(work) {
    const { staging, signal, method } = work;
    // A single file that cannot share its blocks (chattr +C) is no reason to copy all of them.
    const reflink = method === "reflink" ? "always" : "auto";
    await copyTree({ ...work, to: staging.tree, reflink, signal });
    commit(staging);
    return false;
  },
  async copy(work) {
    const { staging, signal } = work;
    await copyTree({ ...work, to: staging.tree, reflink: "never", signal });
    signal?.throwIfAborted();
    commit(staging);
    return false;
  },
};

function commit(staging: Staging): void {
  // Else a power cut soon after could leave a whole directory of empty files.
  execFileSync("sync", ["--file-system", staging.tree]);
  staging.commit();
}
