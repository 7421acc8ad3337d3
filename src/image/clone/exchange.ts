import { spawnSync } from "node:child_process";
import process from "node:process";
import { UserError } from "../../user-error.ts";

/** renameat2(2), by architecture. */
const numbers: Readonly<Record<string, number>> = { x64: 316, arm64: 276, ia32: 353 };
/** linux/fcntl.h: AT_FDCWD; linux/fs.h: RENAME_EXCHANGE. */
const script =
  "exit 0 if syscall($ARGV[0] + 0, -100, $ARGV[1], -100, $ARGV[2], 2) == 0; die qq($!\\n)";

/**
 * Two names of one file system change places in one step: at no moment is one of them missing. Perl is on every Debian
 * system, and asks the kernel what Node cannot.
 * @throws UserError
 */
export function exchange(a: string, b: string): void {
  const args = ["-e", script, String(numbers[process.arch] ?? -1), a, b];
  const { status, stderr, error } = spawnSync("perl", args, {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  if (status === 0) return;
  const why = error?.message ?? stderr.trim();
  throw new UserError(`${a} and ${b} cannot change places: ${why}`, { exitCode: 1 });
}
