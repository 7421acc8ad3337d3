import { constants, copyFileSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { COPY_SHOWN_EVERY_MS } from "../../limits.ts";
import { after, type Clock } from "../../net/clock.ts";
import { UserError } from "../../user-error.ts";
import type { Progress } from "../progress.ts";
import { runTool } from "../tool.ts";
import type { Census } from "./census.ts";

export interface Copying {
  readonly from: string;
  /** Nothing is there. */
  readonly to: string;
  readonly census: Census;
  /** Whether blocks are shared: all of them, those that can be, or none. */
  readonly reflink: "always" | "auto" | "never";
  readonly clock: Clock;
  readonly progress: (progress: Progress) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * A copy with owners, modes, times to the nanosecond, hard links, extended attributes, holes and devices as they are.
 * @throws UserError where one of them cannot be kept.
 */
export async function copyTree(copying: Copying): Promise<void> {
  const { from, to, reflink, signal } = copying;
  if (reflink === "never") refuseFull(copying);
  using shown = openShown(copying);
  // Not --archive: that says nothing of extended attributes which it could not copy.
  const preserved = "--preserve=mode,ownership,timestamps,links,xattr";
  const { status, complaints } = await runTool({
    command: [
      ...(["cp", "--recursive", "--no-dereference", "--no-target-directory", preserved] as const),
      ...[`--reflink=${reflink}`, "--sparse=auto", "--verbose", "--", from, to],
    ],
    debian: "coreutils",
    started: shown.started,
    line: shown.line,
    signal,
  });
  if (status === 0) return;
  const [why = `cp ended with ${status}`] = complaints;
  throw new UserError(`copying ${from} failed: ${why.replace(/^cp: /, "")}`, { exitCode: 1 });
}

/** Whether files of the tree can share their blocks with files in `directory`: tried with one of them. */
export function canReflink({ file }: Census, directory: string): boolean {
  if (file === undefined) return false;
  const probe = join(directory, "reflink");
  try {
    copyFileSync(file, probe, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { force: true });
  }
}

function refuseFull({ from, to, census }: Copying): void {
  const { bavail, bsize } = statfsSync(join(to, ".."));
  const free = bavail * bsize;
  if (free >= census.bytes) return;
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  throw new UserError(
    `${from} has ${megabytes(census.bytes)}, and only ${megabytes(free)} are free where its copy is to be: make room there`,
    { exitCode: 1 },
  );
}

interface Shown extends Disposable {
  readonly started: (pid: number) => void;
  readonly line: (text: string) => void;
}

/** Progress in bytes, as the kernel counts what the process wrote. */
function openShown({ from, census, clock, progress }: Copying): Shown {
  const startedAt = clock.now();
  let process: number | undefined;
  let said = 0;
  let item = "";
  const show = (): void => {
    const done = Math.min(census.bytes, Math.max(0, writtenBy(process) - said));
    const elapsedMs = clock.now() - startedAt;
    progress({ step: "copying", item, done, total: census.bytes, unit: "bytes", elapsedMs });
    alarm.set(after(clock.now(), COPY_SHOWN_EVERY_MS));
  };
  const alarm = clock.alarm(show);
  const named = `'${from}/`;
  return {
    started(pid) {
      process = pid;
      show();
    },
    /** `'FROM/etc/passwd' -> 'TO/etc/passwd'` */
    line(text) {
      said += Buffer.byteLength(text) + 1;
      const end = text.indexOf("' -> ");
      if (text.startsWith(named) && end > 0) item = text.slice(named.length, end);
    },
    [Symbol.dispose]: () => alarm[Symbol.dispose](),
  };
}

/** proc(5), /proc/PID/io: with what it said on standard output. */
function writtenBy(process: number | undefined): number {
  try {
    const text = readFileSync(`/proc/${process}/io`, "latin1");
    return Number(/^wchar: (\d+)/m.exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
