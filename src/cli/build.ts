import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import {
  type BuildOptions,
  type BuildOutput,
  type BuildResult,
  buildTree,
} from "../image/build/build.ts";
import { ImageStore } from "../image/store/store.ts";
import { systemClock } from "../net/clock.ts";
import { UserError } from "../user-error.ts";
import { check, checkName } from "./check.ts";
import { IMAGES, renderSealed } from "./image.ts";
import { openInterrupt } from "./interrupt.ts";
import { openBuildDisplay, renderTimes } from "./progress.ts";
import { version } from "./version.ts";

export interface BuildArguments {
  readonly suite: string;
  readonly include: readonly string[];
  readonly mirror: readonly string[];
  readonly dir?: boolean;
  readonly image?: boolean;
  readonly output?: string;
  readonly images?: string;
  readonly rootPasswordFile?: string;
  readonly log?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

export function buildCommand(): Command {
  const append = (value: string, before: string[]): string[] => [...before, value];
  return new Command("build")
    .description("Build a Debian tree that nodes boot from the network, as root, with mmdebstrap.")
    .argument("<name>", "what the tree is called")
    .option("--suite <suite>", "release of Debian", "bookworm")
    .option("--include <packages>", "further packages, separated by commas; repeatable", append, [])
    .option("--mirror <mirror>", "URL, `deb …` line or sources file; repeatable", append, [])
    .option("--dir", "as a directory (default)")
    .option("--image", "as a sealed image; no directory stays unless --dir is given too")
    .option("--output <directory>", "where the directory goes (default: /srv/nfsroot/NAME)")
    .option("--images <directory>", `where the image goes (default: ${IMAGES})`)
    .option("--root-password-file <file>", "its first line is root's password (default: none fits)")
    .option("--log <file>", "all output goes there (default: /var/log/sidus/build-NAME.log)")
    .option("--json", "print the result as JSON")
    .option("--verbose", "show what mmdebstrap says instead of a progress line")
    .addHelpText(
      "after",
      `
The tree appears under its name when it is whole, never before; an image becomes the current version of NAME. Debian's mirrors are those that mmdebstrap chooses;
proxies come from the environment (http_proxy).

What nodes write goes to a layer that the kernel's command line names (boot.labels: append: in sidus.yaml):
  aufs=tmpfs    memory
  aufs=iscsi    an iSCSI volume with the label ISCSI: ISCSI_TARGET_IP= ISCSI_INITIATOR= [ISCSI_TARGET_NAME= ISCSI_TARGET_PORT=]
  aufs=local    a local partition with the label SIDUS; or aufs=LABEL=…, aufs=UUID=…, aufs=/dev/…

Example:
  sidus build sidus --include openssh-server,vim --root-password-file /etc/sidus/root-password
  sidus build sidus --image`,
    )
    .action(build);
}

async function build(name: string, given: BuildArguments): Promise<void> {
  const options = buildOptions(name, given);
  using interrupt = openInterrupt();
  const result = await showBuild(options, given, interrupt.signal);
  process.stdout.write(given.json === true ? `${JSON.stringify(result)}\n` : renderResult(result));
}

async function showBuild(
  options: BuildOptions,
  { verbose }: BuildArguments,
  signal: AbortSignal,
): Promise<BuildResult> {
  const clock = systemClock;
  if (verbose === true) {
    const line = (text: string): void => void process.stderr.write(`${text}\n`);
    return await buildTree(options, { clock, signal, line, progress: () => {} });
  }
  using display = openBuildDisplay(process.stderr);
  const progress = display.show.bind(display);
  return await buildTree(options, { clock, signal, progress });
}

/** @throws UserError for what mmdebstrap would misunderstand. */
export function buildOptions(name: string, given: BuildArguments): BuildOptions {
  checkName(name);
  check(given.suite, /^[a-z][a-z0-9.-]*$/, "--suite", "a release's name, such as bookworm");
  const include = given.include.flatMap((list) => list.split(",").filter((word) => word !== ""));
  for (const word of include) {
    check(word, /^[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?$/, "--include", "names of packages");
  }
  for (const mirror of given.mirror) {
    check(mirror, /^(?!-)[^\0\n]+$/, "--mirror", "a URL, a `deb …` line or a file");
  }
  return {
    name,
    suite: given.suite,
    include,
    mirrors: given.mirror,
    ...outputOf(name, given),
    rootPassword: rootPassword(given.rootPasswordFile),
    logFile: resolve(given.log ?? `/var/log/sidus/build-${name}.log`),
    version,
  };
}

/** @throws UserError for options that would do nothing. */
function outputOf(name: string, given: BuildArguments): BuildOutput {
  const isImage = given.image === true;
  if (!isImage && given.images !== undefined) {
    throw new UserError("--images: only with --image; without it the tree stays a directory");
  }
  const images = isImage ? new ImageStore(resolve(given.images ?? IMAGES)) : undefined;
  if (images !== undefined && given.dir !== true) {
    if (given.output === undefined) return { output: undefined, images };
    throw new UserError("--output: with --image no directory stays, unless --dir is given too");
  }
  return { output: resolve(given.output ?? `/srv/nfsroot/${name}`), images };
}

function rootPassword(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new UserError(`--root-password-file: cannot read ${file}: ${String(cause)}`, { cause });
  }
  const [first = ""] = text.split("\n");
  if (first === "") throw new UserError(`--root-password-file: the first line of ${file} is empty`);
  return first;
}

function renderResult({ directory, image, kernel, steps, seconds, logFile }: BuildResult): string {
  const megabytes = (kernel.initrdBytes / 1e6).toFixed(1);
  const where = directory ?? "tree";
  return [
    `${where}: kernel ${kernel.version}, initrd ${megabytes} MB, built in ${seconds} s`,
    `  ${renderTimes(steps)}; log in ${logFile}`,
    image === undefined ? "" : renderSealed(image),
  ].join("\n");
}
