import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import {
  type CaptureOptions,
  type CaptureResult,
  captureTree,
} from "../../image/change/capture.ts";
import type { Golden } from "../../image/change/golden.ts";
import { runAsNamespaceRoot } from "../../image/namespace/user-namespace.ts";
import { systemClock } from "../../net/clock.ts";
import { UserError } from "../../user-error.ts";
import { check, checkName } from "../check.ts";
import { openInterrupt } from "../interrupt.ts";
import { mendable } from "../mendable.ts";
import { openProgressDisplay, renderTimes } from "../progress.ts";
import { version } from "../version.ts";
import {
  type ImageArguments,
  print,
  remedies,
  renderSealed,
  storeOf,
  subcommand,
} from "./shared.ts";

interface CaptureArguments extends ImageArguments {
  readonly output?: string;
  readonly sudo?: true;
  readonly ssh: string;
  readonly exclude: readonly string[];
  readonly excludeFrom: readonly string[];
  readonly also: readonly string[];
  readonly packages: boolean;
  readonly update?: true;
  readonly log?: string;
}

export function captureCommand(): Command {
  const append = (value: string, before: string[]): string[] => [...before, value];
  const help = `
The golden client is one machine, installed and set up as all are to be: [USER@]HOST[:PORT], or the directory in which its
root is mounted. rsync fetches its files over ssh, as root unless a USER is named; nothing is changed on it.

What belongs to that machine alone is left out or taken away: keys of its ssh server, machine-id, name, logs, caches, swap,
its disks in fstab, its network cards, its loader. File systems that are mounted below /boot, /usr, /var, /opt, /srv and
/root are captured with its root; /home and others are named in the end, and are with --also. What booting from
the network takes (open-iscsi, a kernel, loaders, …) is installed in the image from the machine's own archives.

A service that writes meanwhile is captured in the middle of it: stop databases first.

Example:
  sudo sidus image capture room golden.example.org --exclude '/srv/data/*'
  sudo sidus image capture room admin@golden.example.org --sudo --update`;
  return subcommand("capture", help)
    .description("Make an image, or a directory, of a machine that runs (a golden client).")
    .argument("<name>", "the image; a new one, or one that gets another version")
    .argument("<source>", "[USER@]HOST[:PORT], or a directory")
    .option("--output <directory>", "as a directory instead of an image")
    .option("--sudo", "USER may become root there, without being asked for a password")
    .option("--ssh <command>", "ssh with options, as `ssh -i KEY`", "ssh")
    .option("--exclude <pattern>", "rsync's, of what is left out; repeatable", append, [])
    .option("--exclude-from <file>", "with such patterns, a line each; repeatable", append, [])
    .option("--also <directory>", "where another of its disks is mounted; repeatable", append, [])
    .option("--no-packages", "install nothing: what is missing is an error")
    .option("--update", "fetch only what changed since the current version")
    .option("--log <file>", `all output goes there (default: ${logFile("NAME")})`)
    .action((name: string, source: string, given: CaptureArguments) =>
      mendable(remedies, () => capture(name, source, given)),
    );
}

async function capture(name: string, source: string, given: CaptureArguments): Promise<void> {
  const options = captureOptions(name, source, given);
  if (process.getuid?.() !== 0) {
    if (typeof options.to === "string") {
      throw new UserError(
        "only root captures a directory: in yours its files would belong to your subordinate users; capture an image, or sudo sidus image capture …",
      );
    }
    process.exitCode = await runAsNamespaceRoot([
      ...process.argv.slice(2),
      // In the namespace they would be root's.
      ...["--images", options.to.directory, "--log", options.logFile],
    ]);
    return;
  }
  using interrupt = openInterrupt();
  const result = await showing(options, interrupt.signal);
  print(given, result, renderCaptured(result));
}

async function showing(options: CaptureOptions, signal: AbortSignal): Promise<CaptureResult> {
  using display = openProgressDisplay(process.stderr);
  const progress = display.show.bind(display);
  return await captureTree(options, { clock: systemClock, signal, progress });
}

/** @throws UserError for what would be misunderstood. */
function captureOptions(name: string, source: string, given: CaptureArguments): CaptureOptions {
  checkName(name);
  const golden = goldenOf(source, given);
  if (given.output !== undefined && given.update === true) {
    throw new UserError("--update: only for an image: a directory has no versions to begin with");
  }
  for (const path of given.also) check(path, /^\/./, "--also", "an absolute path");
  for (const file of given.excludeFrom) {
    if (!existsSync(file)) throw new UserError(`--exclude-from: there is no file ${file}`);
  }
  return {
    name,
    golden,
    to: given.output === undefined ? storeOf(given) : resolve(given.output),
    exclude: given.exclude,
    excludeFrom: given.excludeFrom.map((file) => resolve(file)),
    also: given.also,
    mayInstall: given.packages,
    isUpdate: given.update === true,
    logFile: resolve(given.log ?? logFile(name)),
    version,
  };
}

/** A path has a slash in it, a host has none. @throws UserError */
export function goldenOf(source: string, given: Pick<CaptureArguments, "sudo" | "ssh">): Golden {
  if (source.includes("/")) {
    if (given.sudo === true)
      throw new UserError("--sudo: only for a HOST; a directory is read here");
    return { kind: "directory", path: resolve(source) };
  }
  const found = /^(?:([a-z_][\w.-]*)@)?(\[[0-9a-f:.]+\]|[A-Za-z0-9][\w.-]*)(?::(\d{1,5}))?$/i.exec(
    source,
  );
  if (found === null) {
    throw new UserError(
      `SOURCE: expected [USER@]HOST[:PORT], or a directory with a slash in it, found "${source}"`,
    );
  }
  const [, user = "root", host = "", port] = found;
  const [program = "ssh", ...options] = given.ssh.split(/\s+/).filter((word) => word !== "");
  return {
    kind: "host",
    user,
    host,
    port: port === undefined ? undefined : Number(port),
    ssh: [program, ...options],
    isSudo: given.sudo === true,
  };
}

function logFile(name: string): string {
  const state = process.env["XDG_STATE_HOME"] || join(homedir(), ".local/state");
  const directory = process.getuid?.() === 0 ? "/var/log/sidus" : join(state, "sidus");
  return join(directory, `capture-${name}.log`);
}

function renderCaptured(result: CaptureResult): string {
  const { directory, image, kernel, notes, steps, logFile } = result;
  return [
    image === undefined ? `${directory}: kernel ${kernel.version}\n` : renderSealed(image),
    ...notes.map((note) => `  ${note}\n`),
    `  ${renderTimes(steps)}; log in ${logFile}\n`,
  ].join("");
}
