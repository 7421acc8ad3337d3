import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { NAMESPACE_END_S } from "../../limits.ts";
import { UserError } from "../../user-error.ts";
import { namespaceFlags, obstaclesToNamespace } from "./obstacles.ts";

/**
 * First in the namespaces. What it reads on descriptor 3 are names of signals for the program; its end, as when the
 * caller is no more, is SIGTERM and a while to end in order. When it ends itself, so does all that is left.
 */
const guard = `
unset SIDUS_GUARD
"$@" <&0 3<&- &
program=$!
(
  while read -r signal; do kill -s "$signal" "$program"; done
  kill -s TERM "$program"
  sleep ${NAMESPACE_END_S}
  kill -s TERM $$
) <&3 >/dev/null 2>&1 &
exec 3<&-
trap 'exit 143' TERM
wait "$program"`;

/** An ordinary user's often lacks it, and with it chroot(8), debugfs(8), losetup(8). */
const rootPath = "/usr/local/sbin:/usr/sbin:/sbin";

/** Whether we are root, and of the machine rather than of a user's namespace. */
export function isRootOfMachine(): boolean {
  return process.getuid?.() === 0 && !isInUserNamespace();
}

/** user_namespaces(7): the first namespace maps every number to itself. */
export function isInUserNamespace(): boolean {
  const map = readFileSync("/proc/self/uid_map", "utf8").trim().split(/\s+/);
  return map.join(" ") !== "0 0 4294967295";
}

/**
 * Runs this program again, as root of a user namespace with mounts and processes of its own; answers its exit status.
 * The numbers of users and groups that belong to the user (subuid(5)) are those of a whole system there; directory,
 * environment, terminal and network stay, but for the PATH, which has root's programs too. @throws UserError that says what is missing.
 */
export async function runAsNamespaceRoot(argv: readonly string[]): Promise<number> {
  const [obstacle] = obstaclesToNamespace();
  if (obstacle !== undefined) {
    throw new UserError(`without root: ${obstacle.what} is missing: ${obstacle.todo}`);
  }
  const [program = ""] = process.argv.slice(1);
  const child = spawn(
    "env",
    [
      ...["--ignore-signal=INT,QUIT", "unshare", ...namespaceFlags, "--mount-proc", "--kill-child"],
      ...["bash", "-c", 'eval "$SIDUS_GUARD"', "sidus-guard", "env", "--default-signal=INT,QUIT"],
      ...[process.execPath, ...process.execArgv, program, ...argv],
    ],
    {
      stdio: ["inherit", "inherit", "inherit", "pipe"],
      env: {
        ...process.env,
        PATH: `${process.env["PATH"] ?? "/usr/bin:/bin"}:${rootPath}`,
        SIDUS_GUARD: guard,
      },
    },
  );
  const life = child.stdio[3];
  if (life === null || life === undefined || !("write" in life)) throw new Error("no pipe");
  life.on("error", () => {});
  life.on("data", () => {});
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const pass = (signal: NodeJS.Signals): void => void life.write(`${signal.slice(3)}\n`);
  for (const signal of signals) process.on(signal, pass);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve(code ?? 1));
    });
  } finally {
    for (const signal of signals) process.off(signal, pass);
  }
}
