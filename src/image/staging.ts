import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { UserError } from "../user-error.ts";
import { placeDirectory } from "./place.ts";

/**
 * A tree grows in a hidden directory beside its place, `.NAME.partial-PID-STARTED-…`, and moves there by one rename
 * when it is whole. What a killed build leaves behind is told by its process no longer being there.
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
  sweep(parent, prefix, output);
  const directory = mkdtempSync(join(parent, `${prefix}${process.pid}-${startedAt(process.pid)}-`));
  const tree = join(directory, "tree");
  const discard = (): void => remove(directory);
  return {
    directory,
    tree,
    commit() {
      renameSync(tree, output);
      discard();
    },
    discard,
  };
}

function sweep(parent: string, prefix: string, output: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue;
    const [pid, started] = name.slice(prefix.length).split("-").map(Number);
    if (pid !== undefined && started !== undefined && startedAt(pid) === started) {
      throw new UserError(`process ${pid} is building ${output} already; wait for it, or end it`);
    }
    remove(join(parent, name));
  }
}

/** Clock ticks from boot to the start of a process: with its number, that names it. Undefined where it is gone. */
function startedAt(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the command in parentheses, which may hold anything; the start is the 22nd.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  } catch {
    return undefined;
  }
}

/** Never through a mount: what is mounted there is not ours to remove. */
function remove(directory: string): void {
  const mounted = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .find((point) => point.startsWith(`${directory}/`));
  if (mounted !== undefined) {
    throw new UserError(`${mounted} is mounted; unmount it, then remove ${directory}`);
  }
  rmSync(directory, { recursive: true, force: true });
}
