import { spawnSync } from "node:child_process";
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { RELEASE_ASK_MS, RELEASE_END_MS, RELEASE_LOCK_S } from "../../limits.ts";
import { UserError } from "../../user-error.ts";
import { placeholdersIn } from "./cord.ts";

export interface Released {
  /** Mount points below the tree, innermost first. */
  readonly unmounted: readonly string[];
  /** Processes that had their root in the tree. */
  readonly ended: readonly InsideProcess[];
  /** Files that were there only to be mounted on. */
  readonly removed: readonly string[];
}

export interface InsideProcess {
  readonly pid: number;
  readonly name: string;
}

/**
 * Frees a tree of what a crash, or a chroot by hand, left: processes, mounts, and our own files; where there is no tree,
 * of nothing. Whoever works in it right now ends, too. @throws UserError
 */
export function releaseTree(directory: string): Released {
  if (!existsSync(directory)) return { unmounted: [], ended: [], removed: [] };
  const tree = realpathSync(directory);
  refuseMachine(tree);
  const ended = endInside(tree);
  return {
    ended,
    unmounted: unmountBelow(tree),
    removed: removePlaceholders(tree, RELEASE_LOCK_S),
  };
}

/** Not while somebody else works in the tree: those who do share a lock on it. */
export function removePlaceholders(tree: string, waitSeconds = 0): string[] {
  const left = placeholdersIn(tree);
  if (left.length === 0) return [];
  const command = ["rm", "--force", "--", ...left];
  spawnSync("flock", ["--exclusive", "--timeout", String(waitSeconds), tree, ...command]);
  return left.filter((path) => !existsSync(path));
}

/** Processes whose root is the tree, by whatever path they got there, or a directory in it. */
export function processesInside(tree: string): InsideProcess[] {
  const { dev, ino } = statSync(tree);
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      const root = statSync(`/proc/${pid}/root/`);
      const seen = readlinkSync(`/proc/${pid}/root`);
      const isTree = root.dev === dev && root.ino === ino;
      if (!isTree && !(seen.startsWith(`${tree}/`) && isSame(seen, root))) return [];
      return [{ pid, name: readFileSync(`/proc/${pid}/comm`, "utf8").trimEnd() }];
    } catch {
      // It ended meanwhile, or is none of ours.
      return [];
    }
  });
}

/** Paths below a directory on which something is mounted, outermost first. */
export function mountsBelow(directory: string): string[] {
  return mountPoints()
    .filter((point) => point.startsWith(`${directory}/`))
    .sort((one, other) => one.length - other.length);
}

function mountPoints(): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => unescaped(line.split(" ")[4] ?? ""));
}

/** @throws UserError for what is in use by this machine itself. */
function refuseMachine(tree: string): void {
  const isMountPoint = mountPoints().includes(tree);
  const isSystem = existsSync(join(tree, "etc"));
  // A tree may be a file system of its own; /home, /proc or a disk with other things are none.
  if (isSame("/", statSync(tree)) || (isMountPoint && !isSystem)) {
    throw new UserError(`${tree} belongs to this machine itself; nothing was released`);
  }
}

function isSame(path: string, { dev, ino }: Stats): boolean {
  const found = statSync(path);
  return found.dev === dev && found.ino === ino;
}

/** Politely first; what goes on making others is ended again and again, for a while. */
function endInside(tree: string): InsideProcess[] {
  const ended = new Map<number, InsideProcess>();
  for (let passedMs = 0; ; passedMs += RELEASE_ASK_MS) {
    const inside = processesInside(tree);
    if (inside.length === 0) return [...ended.values()];
    for (const found of inside) {
      if (passedMs >= RELEASE_END_MS) end(found, "SIGKILL");
      else if (!ended.has(found.pid)) {
        end(found, "SIGTERM");
        // One that was stopped at a terminal does not even hear of it before.
        end(found, "SIGCONT");
      }
      ended.set(found.pid, found);
    }
    if (passedMs >= 2 * RELEASE_END_MS) {
      const names = inside.map(({ pid, name }) => `${pid} (${name})`).join(", ");
      throw new UserError(`${tree}: cannot end ${names}`, { exitCode: 1 });
    }
    pause(RELEASE_ASK_MS);
  }
}

function end({ pid }: InsideProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself, or is another user's: the next look shows which.
  }
}

/** Nothing else of ours is to go on before the tree is free. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function unmountBelow(tree: string): string[] {
  const unmounted: string[] = [];
  for (let [point] = mountsBelow(tree).reverse(); point !== undefined; ) {
    const plain = spawnSync("umount", ["--no-canonicalize", "--", point]);
    // Somebody stands in it, whose root is elsewhere: it is out of the tree all the same.
    const lazy = (): boolean =>
      spawnSync("umount", ["--no-canonicalize", "--lazy", "--", point ?? ""]).status === 0;
    if (plain.status !== 0 && !lazy()) {
      throw new UserError(`cannot unmount ${point}: ${String(plain.stderr).trim()}`, {
        exitCode: 1,
      });
    }
    unmounted.push(point);
    [point] = mountsBelow(tree).reverse();
  }
  return unmounted;
}

/** proc(5): blanks and backslashes are octal. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
