import { spawn } from "node:child_process";
import process from "node:process";
import { UserError } from "../../user-error.ts";

/** All images have the same: what they hold is told by their digests. */
const UUID = "51d05000-0000-4000-8000-000000000000";

/**
 * Writes a tree into an image: no compression, and extended inodes, which have every file's own time to the nanosecond.
 * `time`, in seconds since 1970, is the image's own.
 * @throws UserError
 */
export async function makeErofs(
  { tree, image, time }: { tree: string; image: string; time: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  const flags = ["--quiet", "-Eforce-inode-extended", "-x1", `-U${UUID}`];
  const { code, complaints } = await runMkfs([...flags, image, tree], time, signal);
  signal?.throwIfAborted();
  if (code === 0) return;
  const lines = complaints.split("\n").filter((line) => line.trim() !== "");
  const why = lines.find((line) => /error|fail|invalid|no space/i.test(line)) ?? lines.at(-1) ?? "";
  throw new UserError(`sealing ${tree} failed: ${why.trim()}`, { exitCode: 1 });
}

interface Outcome {
  /** Null when a signal ended it. */
  readonly code: number | null;
  /** The first of them. */
  readonly complaints: string;
}

/** Ends when mkfs.erofs does, so that nobody writes any more. */
function runMkfs(
  args: readonly string[],
  time: number,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  signal?.throwIfAborted();
  const child = spawn("mkfs.erofs", args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(time), LC_ALL: "C" },
  });
  const stop = (): void => void child.kill();
  signal?.addEventListener("abort", stop);
  let complaints = "";
  child.stderr.on("data", (bytes: Buffer) => {
    if (complaints.length < 10_000) complaints += bytes.toString();
  });
  return new Promise<Outcome>((resolve, reject) => {
    child.once("close", (code) => resolve({ code, complaints }));
    child.once("error", (cause) => {
      const todo = "apt-get install erofs-utils, or sidus doctor build --fix";
      reject(new UserError(`mkfs.erofs cannot be run: ${todo}`, { cause }));
    });
  }).finally(() => signal?.removeEventListener("abort", stop));
}
