import { spawnSync } from "node:child_process";
import { realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { UserError } from "../../user-error.ts";
import { confine } from "./confined.ts";
import { cordOf } from "./cord.ts";
import { requireRunnable } from "./foreign.ts";
import { removePlaceholders } from "./release.ts";
import { setUp } from "./set-up.ts";

export interface InTree {
  readonly tree: string;
  /** Looked for on the PATH of the tree. */
  readonly command: readonly string[];
  /** Besides what a login as root has. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The command has our terminal, and is asked questions by those it runs; otherwise it reads nothing. */
  readonly terminal?: boolean;
  /** Gets every line that it prints, but with `terminal`. */
  readonly log?: (line: string) => void;
  /** Ends it, with all that it started. */
  readonly signal?: AbortSignal | undefined;
}

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** What the work may need to know of this machine: how to reach the network, how to draw, which time is now. */
const passedOn = [
  ...["http_proxy", "https_proxy", "ftp_proxy", "no_proxy"],
  ...["TERM", "COLORTERM", "SOURCE_DATE_EPOCH"],
];

/**
 * Runs a command as root in a tree, as if it were a system of its own, in which no service starts; answers its exit
 * status. What it changes is changed in the tree; mounts and processes end with it, however it ends. @throws UserError
 */
export async function runInTree(options: InTree): Promise<number> {
  const tree = treeAt(options.tree);
  requireRunnable(tree);
  const { policy, daemon, names } = cordOf(tree);
  const terminal = options.terminal === true;
  try {
    return await confine({
      command: [
        ...["bash", "-c", 'eval "$SIDUS_SET_UP"', "sidus-chroot"],
        ...[tree, policy, daemon, names, terminal ? "terminal" : ""],
        ...options.command,
      ],
      environment: { ...environmentOf(terminal), ...options.environment, SIDUS_SET_UP: setUp },
      terminal,
      line: options.log ?? (() => {}),
      signal: options.signal,
    });
  } finally {
    removePlaceholders(tree);
    if (terminal) takeTerminalBack();
  }
}

/**
 * A shell with job control makes its own group the terminal's, and gives it back as it ends; but ours it cannot name,
 * outside of its processes as we are, and our next question would fail (EIO). Node has no tcsetpgrp(3).
 */
function takeTerminalBack(): void {
  if (!process.stdin.isTTY) return;
  const program = '$SIG{TTOU} = "IGNORE"; tcsetpgrp(0, getpgrp())';
  spawnSync("perl", ["-MPOSIX", "-e", program], { stdio: "inherit" });
}

/** @throws UserError where it is no tree to work in. */
export function treeAt(directory: string): string {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) throw new UserError(`${directory}: no such directory`);
  if (!found.isDirectory()) throw new UserError(`${directory} is not a directory`);
  const root = statSync("/");
  if (found.dev === root.dev && found.ino === root.ino) {
    throw new UserError(`${directory} is this machine itself, not a tree`);
  }
  const tree = realpathSync(directory);
  if (statSync(join(tree, "bin"), { throwIfNoEntry: false })?.isDirectory() !== true) {
    // An absolute link leads out of the tree from here, and is right within.
    if (statSync(join(tree, "usr/bin"), { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new UserError(`${directory} is no tree of a system: it has neither bin nor usr/bin`);
    }
  }
  return tree;
}

function environmentOf(terminal: boolean): Record<string, string> {
  const names = passedOn.flatMap((name) => [name, name.toUpperCase()]);
  return {
    ...Object.fromEntries(
      names.flatMap((name) => {
        const value = process.env[name];
        return value === undefined ? [] : [[name, value] as const];
      }),
    ),
    ...(terminal ? {} : { DEBIAN_FRONTEND: "noninteractive" }),
    HOME: "/root",
    LC_ALL: "C.UTF-8",
    LOGNAME: "root",
    PATH: path,
    SHELL: "/bin/sh",
    USER: "root",
  };
}
