import { resolve } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import type { BuildWork } from "../../image/build/work.ts";
import { changeImage } from "../../image/change/edit.ts";
import { runInTree } from "../../image/chroot/in-tree.ts";
import { runAsNamespaceRoot } from "../../image/namespace/user-namespace.ts";
import type { Progress } from "../../image/progress.ts";
import type { Manifest } from "../../image/store/manifest.ts";
import { systemClock } from "../../net/clock.ts";
import { UserError } from "../../user-error.ts";
import { checkName } from "../check.ts";
import { shell } from "../chroot.ts";
import { openInterrupt } from "../interrupt.ts";
import { logFileOf } from "../log-file.ts";
import { mendable } from "../mendable.ts";
import { openProgressDisplay } from "../progress.ts";
import { version } from "../version.ts";
import {
  type ImageArguments,
  print,
  remedies,
  renderSealed,
  storeOf,
  subcommand,
} from "./shared.ts";

interface EditArguments extends ImageArguments {
  readonly from?: string;
  readonly message?: string;
  readonly log?: string;
}

export function editCommand(): Command {
  const help = `
The version is unpacked, and the command runs in it as root, as sidus chroot runs it. What it leaves becomes the next version, and
the current one; nodes that run keep theirs. A command, or shell, that ends with another exit status than 0 changes nothing.

Logs, caches, apt's lists, /run, /tmp and what belongs to one machine alone (its name, its keys) do not get into the new
version. Hooks run as with sidus chroot.

Example:
  sudo sidus image edit room -- sh -c 'apt-get update && apt-get --yes install gnuplot'
  sudo sidus image edit room --message 'a printer for everybody'`;
  return subcommand("edit", help)
    .description("Change an image: what a command, or you in a shell, leave is its next version.")
    .argument("<name>", "the image")
    .argument("[command...]", "what to run in it, after -- (default: a shell)")
    .option("--from <version>", "begin with this version (default: the current one)")
    .option("--message <text>", "what list says of the new version (default: the command)")
    .option("--log <file>", "what hooks print goes there")
    .action((name: string, command: readonly string[], given: EditArguments) =>
      mendable(remedies, () => edit(name, command, given)),
    );
}

async function edit(name: string, command: readonly string[], given: EditArguments): Promise<void> {
  checkName(name);
  const store = storeOf(given);
  const logFile = resolve(given.log ?? logFileOf("edit", name));
  const message = given.message ?? (command.length > 0 ? command.join(" ") : "by hand");
  if (process.getuid?.() !== 0) {
    process.exitCode = await runAsNamespaceRoot([
      ...["image", "edit", name, "--images", store.directory, "--log", logFile],
      ...["--message", message, ...(given.json === true ? ["--json"] : [])],
      ...(given.from === undefined ? [] : ["--from", given.from]),
      ...["--", ...command],
    ]);
    return;
  }
  const from = given.from === undefined ? undefined : await store.find(name, given.from);
  using interrupt = openInterrupt();
  using display = openPausedDisplay();
  const manifest = await changeImage({
    ...{ store, name, from, action: "edit", version, logFile },
    made: madeBy("edit", message),
    change: (work) =>
      display.paused(() => interrupt.lent(() => runCommand(name, command, given, work))),
    deps: {
      clock: systemClock,
      progress: (progress) => display.show(progress),
      signal: interrupt.signal,
    },
  });
  print(given, manifest ?? { name, changed: false }, renderChanged(name, manifest));
}

/** @throws UserError where it fails. */
async function runCommand(
  name: string,
  command: readonly string[],
  { json }: EditArguments,
  { tree, signal }: BuildWork,
): Promise<void> {
  if (command.length === 0) {
    process.stderr.write(`sidus: \`exit\` makes the next version of ${name}, \`exit 1\` none\n`);
  }
  const given = command.length > 0 ? command : shell;
  const status = await runInTree({
    tree,
    // What we print as JSON is the result alone.
    command: json === true ? ["sh", "-c", 'exec "$@" >&2', "sh", ...given] : given,
    environment: {
      // What Debian's bash puts before its prompt, and what shells without a file for it ask with.
      debian_chroot: name,
      PS1: `(${name}) # `,
      ...(process.stdin.isTTY ? {} : { DEBIAN_FRONTEND: "noninteractive" }),
    },
    terminal: true,
    signal,
  });
  signal?.throwIfAborted();
  if (status === 0) return;
  const what = command.length === 0 ? "the shell" : command[0];
  throw new UserError(`${what} ended with exit status ${status}: ${name} is as it was`, {
    exitCode: 1,
  });
}

/** What a manifest says of how a version came to be: one line for a terminal. */
export function madeBy(action: string, message: string): string {
  const line = message.replaceAll(/\p{Cc}+/gu, " ").trim();
  return `${action}: ${line.length > MESSAGE_MAX ? `${line.slice(0, MESSAGE_MAX - 1)}…` : line}`;
}

const MESSAGE_MAX = 200;

export function renderChanged(name: string, manifest: Manifest | undefined): string {
  return manifest === undefined ? `${name}: nothing was changed\n` : renderSealed(manifest);
}

/** A display that makes way for what has the terminal. */
function openPausedDisplay(): Disposable & {
  show(progress: Progress): void;
  paused(work: () => Promise<void>): Promise<void>;
} {
  let display = openProgressDisplay(process.stderr);
  return {
    show: (progress) => display.show(progress),
    async paused(work) {
      display[Symbol.dispose]();
      try {
        await work();
      } finally {
        display = openProgressDisplay(process.stderr);
      }
    },
    [Symbol.dispose]: () => display[Symbol.dispose](),
  };
}
