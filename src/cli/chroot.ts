import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { runHooks } from "../image/chroot/hooks.ts";
import { runInTree, treeAt } from "../image/chroot/in-tree.ts";
import {
  mountsBelow,
  processesInside,
  type Released,
  releaseTree,
} from "../image/chroot/release.ts";
import { UserError } from "../user-error.ts";
import { imagesDirectory } from "./image/shared.ts";
import { openInterrupt } from "./interrupt.ts";

interface ChrootArguments {
  readonly release?: true;
  readonly images?: string;
  readonly json?: true;
}

const TREES = "/srv/nfsroot";
/** As a login has it: in the home directory, with what a login reads where there is bash. */
export const shell = ["sh", "-c", "cd; command -v bash >/dev/null && exec bash -l; exec sh"];

export function chrootCommand(): Command {
  return new Command("chroot")
    .description("Work in a tree as root, as if on a node, but with no service started.")
    .argument("<name>", `the tree ${TREES}/NAME, or a directory, with a slash in it`)
    .argument("[command...]", "what to run in it, after -- (default: a shell)")
    .option("--release", "end what runs in it, unmount what is mounted in it, and nothing else")
    .option("--images <directory>", `where sealed images are (default: ${imagesDirectory()})`)
    .option("--json", "with --release: print what was released as JSON")
    .addHelpText(
      "after",
      `
The tree has /proc, /sys, /dev, an empty /run and this machine's name servers while you are in it; whatever you start ends
with the command, and nothing stays mounted. Packages start no service: policy-rc.d answers 101, start-stop-daemon does
nothing. The command has this terminal, and its exit status is that of sidus. Programs in /etc/sidus/hooks/before.d and
after.d run before and after it, on this machine, with SIDUS_ACTION, SIDUS_NAME and SIDUS_TREE.

--release is for what others left: a chroot by hand, a daemon that was started in it.

Example:
  sidus chroot sidus
  sidus chroot sidus -- apt-get install gnuplot
  sidus chroot /srv/nfsroot/sidus --release`,
    )
    .action(chroot);
}

async function chroot(
  given: string,
  command: readonly string[],
  { release, images, json }: ChrootArguments,
): Promise<void> {
  if (json === true && release !== true) {
    throw new UserError("--json: only with --release; what the command prints is its own");
  }
  if (release === true && command.length > 0) {
    throw new UserError("--release: goes without a command");
  }
  if (process.getuid?.() !== 0) {
    throw new UserError(`the files of a tree belong to root: sudo sidus chroot ${given}`);
  }
  const tree = treeAt(directoryOf(given, images ?? imagesDirectory()));
  if (release === true) {
    const released = releaseTree(tree);
    process.stdout.write(
      json === true ? `${JSON.stringify(released)}\n` : renderReleased(tree, released),
    );
    return;
  }
  process.exitCode = await work(tree, given, command);
}

/** @throws UserError */
function directoryOf(given: string, images: string): string {
  if (given.includes("/")) return resolve(given);
  const directory = join(TREES, given);
  if (!existsSync(directory) && existsSync(join(images, given))) {
    throw new UserError(
      `${given} is a sealed image, which never changes; its next version: sidus image edit ${given} -- COMMAND`,
    );
  }
  return directory;
}

async function work(tree: string, given: string, command: readonly string[]): Promise<number> {
  warnOfOthers(tree, given);
  const name = basename(tree);
  const isTerminal = process.stdin.isTTY;
  using interrupt = openInterrupt();
  const { signal } = interrupt;
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  const hooked = { action: "chroot", name, tree, log, signal };
  await runHooks("before", hooked);
  const environment = {
    // What Debian's bash puts before its prompt, and what shells without a file for it ask with.
    debian_chroot: name,
    PS1: `(${name}) # `,
    ...(isTerminal ? {} : { DEBIAN_FRONTEND: "noninteractive" }),
  };
  const what = command.length > 0 ? command : shell;
  const status = await interrupt.lent(() =>
    runInTree({ tree, command: what, environment, terminal: true, signal }),
  );
  if (signal.aborted) return status;
  await runHooks("after", hooked);
  return status;
}

function warnOfOthers(tree: string, given: string): void {
  const others = [
    ...processesInside(tree).map(({ pid, name }) => `process ${pid} (${name}) is in it`),
    ...mountsBelow(tree).map((point) => `${point} is mounted`),
  ];
  const [first, ...more] = others;
  if (first === undefined) return;
  const andMore = more.length === 0 ? "" : `, and ${more.length} more like it`;
  process.stderr.write(
    `sidus: ${first}${andMore}; if nobody needs it: sidus chroot ${given} --release\n`,
  );
}

function renderReleased(tree: string, { ended, unmounted, removed }: Released): string {
  const lines = [
    ...ended.map(({ pid, name }) => `ended process ${pid} (${name})`),
    ...unmounted.map((point) => `unmounted ${point}`),
    ...removed.map((path) => `removed ${path}`),
  ];
  if (lines.length === 0) return `${tree}: nothing to release\n`;
  return lines.map((line) => `${tree}: ${line}\n`).join("");
}
