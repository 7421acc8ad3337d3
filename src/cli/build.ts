import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { Command, Option } from "commander";
import {
  type BuildOptions,
  type BuildOutput,
  type BuildResult,
  buildTree,
} from "../image/build/build.ts";
import { isInUserNamespace, runAsNamespaceRoot } from "../image/namespace/user-namespace.ts";
import { defaultRecipe } from "../image/recipe/default.ts";
import { exampleRecipe } from "../image/recipe/example.ts";
import { loadRecipe } from "../image/recipe/load.ts";
import type { Recipe } from "../image/recipe/recipe.ts";
import { ImageStore } from "../image/store/store.ts";
import { systemClock } from "../net/clock.ts";
import { UserError } from "../user-error.ts";
import { check, checkName } from "./check.ts";
import { imagesDirectory, remedies, renderSealed } from "./image/shared.ts";
import { openInterrupt } from "./interrupt.ts";
import { mendable } from "./mendable.ts";
import { openProgressDisplay, renderTimes } from "./progress.ts";
import { version } from "./version.ts";

export interface BuildArguments {
  readonly recipe?: string;
  readonly example?: boolean;
  readonly suite?: string;
  readonly architecture?: string;
  readonly bootstrap?: Recipe["bootstrap"];
  readonly include: readonly string[];
  readonly mirror: readonly string[];
  readonly rootPasswordFile?: string;
  readonly dir?: boolean;
  readonly image?: boolean;
  readonly output?: string;
  readonly images?: string;
  readonly log?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

export function buildCommand(): Command {
  const append = (value: string, before: string[]): string[] => [...before, value];
  const bootstraps: readonly Recipe["bootstrap"][] = ["mmdebstrap", "debootstrap"];
  return new Command("build")
    .description("Build a Debian or Ubuntu tree that nodes boot from the network.")
    .argument("[name]", "what the tree is called")
    .option("--recipe <file>", "what it is to be like, as YAML; the options below come before it")
    .option("--example", "print a recipe with all that one may say, and end")
    .option("--suite <suite>", `release of Debian or Ubuntu (default: ${defaultRecipe.suite})`)
    .option("--architecture <name>", "amd64, arm64, i386, … (default: this machine's)")
    .addOption(new Option("--bootstrap <program>", "what begins it").choices(bootstraps))
    .option("--include <packages>", "further packages, separated by commas; repeatable", append, [])
    .option("--mirror <mirror>", "URL, `deb …` line or sources file; repeatable", append, [])
    .option("--root-password-file <file>", "its first line is root's password (default: none fits)")
    .option("--dir", "as a directory (default for root)")
    .option("--image", "as a sealed image; no directory stays unless --dir is given too")
    .option("--output <directory>", "where the directory goes (default: /srv/nfsroot/NAME)")
    .option("--images <directory>", `where the image goes (default: ${imagesDirectory()})`)
    .option("--log <file>", `all output goes there (default: ${buildLog("NAME")})`)
    .option("--json", "print the result as JSON")
    .option("--verbose", "show what the programs say instead of a progress line")
    .addHelpText(
      "after",
      `
The tree appears under its name when it is whole, never before; an image becomes the current version of NAME. Without being root, in a
user namespace, it is always an image. Proxies come from the environment (http_proxy).

What nodes write goes to a layer that the kernel's command line names (boot.labels: append: in sidus.yaml):
  aufs=tmpfs    memory
  aufs=iscsi    an iSCSI volume with the label ISCSI: ISCSI_TARGET_IP= ISCSI_INITIATOR= [ISCSI_TARGET_NAME= ISCSI_TARGET_PORT=]
  aufs=local    a local partition with the label SIDUS; or aufs=LABEL=…, aufs=UUID=…, aufs=/dev/…

Example:
  sidus build sidus --include openssh-server,vim --root-password-file /etc/sidus/root-password
  sidus build --example >room.yaml && sidus build room --recipe room.yaml --image`,
    )
    .action((name: string | undefined, given: BuildArguments) =>
      mendable(remedies, () => build(name, given)),
    );
}

async function build(name: string | undefined, given: BuildArguments): Promise<void> {
  if (given.example === true) {
    process.stdout.write(exampleRecipe);
    return;
  }
  if (name === undefined) throw new UserError("NAME is missing: sidus build NAME");
  const isRoot = process.getuid?.() === 0;
  const options = buildOptions(name, given, isRoot && !isInUserNamespace());
  if (!isRoot) {
    process.exitCode = await runAsNamespaceRoot([
      ...process.argv.slice(2),
      // In the namespace they would be root's.
      ...["--image", "--images", options.images?.directory ?? "", "--log", options.logFile],
    ]);
    return;
  }
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
  using display = openProgressDisplay(process.stderr);
  const progress = display.show.bind(display);
  return await buildTree(options, { clock, signal, progress });
}

/** @throws UserError for what would be misunderstood. */
export function buildOptions(name: string, given: BuildArguments, isRoot: boolean): BuildOptions {
  checkName(name);
  const { recipe, text } =
    given.recipe === undefined
      ? { recipe: defaultRecipe, text: undefined }
      : loadRecipe(resolve(given.recipe));
  return {
    name,
    recipe: recipeFrom(recipe, given),
    recipeText: text,
    ...outputOf(name, given, isRoot),
    logFile: resolve(given.log ?? buildLog(name)),
    version,
  };
}

/** The recipe, with what the command line says instead, and the packages that it names besides. @throws UserError */
function recipeFrom(recipe: Recipe, given: BuildArguments): Recipe {
  const { suite = recipe.suite, architecture = recipe.architecture } = given;
  check(suite, /^[a-z][a-z0-9.-]*$/, "--suite", "a release's name, such as bookworm");
  if (architecture !== undefined) {
    check(architecture, /^[a-z][a-z0-9-]*$/, "--architecture", "Debian's name, such as amd64");
  }
  const include = given.include.flatMap((list) => list.split(",").filter((word) => word !== ""));
  for (const word of include) {
    check(word, /^[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?$/, "--include", "names of packages");
  }
  for (const mirror of given.mirror) {
    check(mirror, /^(?!-)[^\0\n]+$/, "--mirror", "a URL, a `deb …` line or a file");
  }
  return {
    ...recipe,
    suite,
    architecture,
    bootstrap: given.bootstrap ?? recipe.bootstrap,
    include: [...recipe.include, ...include],
    exclude: recipe.exclude.filter((name) => !include.includes(name)),
    purge: recipe.purge.filter((name) => !include.includes(name)),
    mirrors: given.mirror.length > 0 ? given.mirror : recipe.mirrors,
    rootPassword:
      given.rootPasswordFile === undefined
        ? recipe.rootPassword
        : { kind: "clear", text: rootPassword(given.rootPasswordFile) },
  };
}

/** @throws UserError for options that would do nothing. */
function outputOf(name: string, given: BuildArguments, isRoot: boolean): BuildOutput {
  if (!isRoot && (given.dir === true || given.output !== undefined)) {
    throw new UserError(
      `${given.dir === true ? "--dir" : "--output"}: only root builds a directory: in yours its files would belong to your subordinate users; build an image, or sudo sidus build …`,
    );
  }
  const isImage = given.image === true || !isRoot;
  if (!isImage && given.images !== undefined) {
    throw new UserError("--images: only with --image; without it the tree stays a directory");
  }
  const images = isImage ? new ImageStore(resolve(given.images ?? imagesDirectory())) : undefined;
  if (images !== undefined && given.dir !== true) {
    if (given.output === undefined) return { output: undefined, images };
    throw new UserError("--output: with --image no directory stays, unless --dir is given too");
  }
  return { output: resolve(given.output ?? `/srv/nfsroot/${name}`), images };
}

/** The machine's, or an ordinary user's own. */
function buildLog(name: string): string {
  const state = process.env["XDG_STATE_HOME"] || join(homedir(), ".local/state");
  const directory = process.getuid?.() === 0 ? "/var/log/sidus" : join(state, "sidus");
  return join(directory, `build-${name}.log`);
}

function rootPassword(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new UserError(`--root-password-file: cannot read ${file}: ${String(cause)}`, { cause });
  }
  const [first = ""] = text.split(/\r?\n/);
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
