import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import type { Clock } from "../../net/clock.ts";
import { UserError } from "../../user-error.ts";
import { runConfined } from "../chroot/confined.ts";
import { placeDirectory, placeFile } from "../place.ts";
import { openStaging, type Staging } from "../staging.ts";
import { sealTree } from "../store/seal.ts";
import type { ImageStore, Manifest } from "../store/store.ts";
import { bootstrapCommand, bootstrapEnvironment, MERGED_USR_HOOKS } from "./bootstrap.ts";
import { finishTree, type TreeKernel, treeKernel } from "./finish.ts";
import { writeOverlay } from "./overlay.ts";
import { type BuildProgress, BuildSteps, type StepTime } from "./steps.ts";

/** A directory, a sealed image, or both. */
export type BuildOutput =
  | {
      /** Where the tree will be; nothing may be there yet. */
      readonly output: string;
      readonly images?: ImageStore | undefined;
    }
  | {
      readonly output: undefined;
      /** Where the tree is sealed as the current version of its name. */
      readonly images: ImageStore;
    };

export type BuildOptions = BuildSettings & BuildOutput;

interface BuildSettings {
  /** What nodes say that they run. */
  readonly name: string;
  /** A suite of Debian: bookworm, trixie, … */
  readonly suite: string;
  /** Packages besides those that booting needs. */
  readonly include: readonly string[];
  /** As mmdebstrap takes them: URLs, `deb …` lines, sources files. None: its own choice for the suite. */
  readonly mirrors: readonly string[];
  /** Undefined: nobody logs in as root by password. */
  readonly rootPassword: string | undefined;
  /** All that the build prints. */
  readonly logFile: string;
  /** Of sidus, for the tree's identity. */
  readonly version: string;
}

export interface BuildDeps {
  readonly clock: Clock;
  readonly progress: (progress: BuildProgress) => void;
  /** Gets each line that goes to the log. */
  readonly line?: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface BuildResult {
  /** Undefined where only an image was asked for. */
  readonly directory: string | undefined;
  readonly image: Manifest | undefined;
  readonly kernel: TreeKernel;
  readonly steps: readonly StepTime[];
  readonly seconds: number;
  readonly logFile: string;
}

/**
 * Builds a tree that boots from the network, as root. Until it is whole there is nothing of it; whatever ends the
 * build early leaves no mount and no process, and at most a hidden directory that the next build removes.
 * @throws UserError
 */
export async function buildTree(options: BuildOptions, deps: BuildDeps): Promise<BuildResult> {
  refuseImpossible(options);
  const architecture = execFileSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).trim();
  const staging = stage(options);
  const steps = new BuildSteps(deps.clock);
  try {
    openLog(options);
    await bootstrap(options, deps, { staging, steps, architecture });
    const finish = (item: string): void => {
      deps.signal?.throwIfAborted();
      steps.finish(item);
      deps.progress(steps.current);
    };
    finish("identity and services");
    const kernel = treeKernel(staging.tree);
    finishTree(staging.tree, {
      name: options.name,
      suite: options.suite,
      architecture,
      built: new Date(deps.clock.epochMs()).toISOString(),
      sidus: options.version,
    });
    if (options.images !== undefined) finish("sealing");
    const image = await seal(options, deps, staging);
    if (options.output === undefined) staging.discard();
    else {
      finish("writing to disk");
      // Else a power cut soon after could leave a whole directory of empty files.
      execFileSync("sync", ["--file-system", staging.tree]);
      deps.signal?.throwIfAborted();
      staging.commit();
    }
    return {
      directory: options.output,
      image,
      kernel,
      steps: steps.times(),
      seconds: Math.round(steps.current.elapsedMs / 100) / 10,
      logFile: options.logFile,
    };
  } catch (error) {
    staging.discard();
    if (deps.signal?.aborted === true) {
      throw new UserError(`building ${goalOf(options)} was interrupted; nothing of it is left`, {
        cause: error,
        exitCode: 1,
      });
    }
    throw error;
  }
}

function stage({ name, output, images }: BuildOptions): Staging {
  return output === undefined ? images.stage(name, "building") : openStaging(output);
}

async function seal(
  { name, images, version }: BuildOptions,
  { clock, signal }: BuildDeps,
  { tree }: Staging,
): Promise<Manifest | undefined> {
  if (images === undefined) return undefined;
  const sealedAt = new Date(clock.epochMs());
  return await sealTree({ name, tree, store: images, version, sealedAt, signal });
}

function goalOf({ name, output }: BuildOptions): string {
  return output ?? `the image ${name}`;
}

function refuseImpossible({ images }: BuildOptions): void {
  if (process.getuid?.() !== 0) {
    throw new UserError("building a tree needs root, for owners and devices: sudo sidus build …");
  }
  refuseMissing("mmdebstrap", "mmdebstrap");
  if (images !== undefined) refuseMissing("mkfs.erofs", "erofs-utils");
}

function refuseMissing(program: string, debian: string): void {
  if (spawnSync(program, ["--version"]).error === undefined) return;
  throw new UserError(
    `${program} is not installed: apt-get install ${debian}, or sidus doctor build --fix`,
  );
}

function openLog(options: BuildOptions): void {
  try {
    mkdirSync(dirname(options.logFile), { recursive: true });
    writeFileSync(options.logFile, "");
  } catch (cause) {
    throw new UserError(`cannot write the log ${options.logFile}: ${String(cause)}`, { cause });
  }
}

async function bootstrap(
  options: BuildOptions,
  deps: BuildDeps,
  work: { staging: Staging; steps: BuildSteps; architecture: string },
): Promise<void> {
  const { staging, steps, architecture } = work;
  const overlay = join(staging.directory, "overlay");
  writeOverlay(overlay);
  const passwords = join(staging.directory, "passwords");
  if (options.rootPassword !== undefined) {
    placeFile(passwords, `root:${options.rootPassword}\n`, 0o600);
  }
  const temporary = join(staging.directory, "tmp");
  placeDirectory(temporary);
  const paths = {
    overlay,
    passwords: options.rootPassword === undefined ? undefined : passwords,
  };
  const machine = { architecture, hasMergedUsrHooks: existsSync(MERGED_USR_HOOKS) };
  deps.progress(steps.current);
  const status = await runConfined({
    command: bootstrapCommand(options, machine, paths, staging.tree),
    environment: {
      ...process.env,
      ...bootstrapEnvironment(paths),
      LC_ALL: "C.UTF-8",
      DEBIAN_FRONTEND: "noninteractive",
      TMPDIR: temporary,
    },
    logFile: options.logFile,
    line(text) {
      deps.line?.(text);
      if (steps.read(text)) deps.progress(steps.current);
    },
    signal: deps.signal,
  });
  deps.signal?.throwIfAborted();
  if (status !== 0) throw failed(options);
}

/** The first complaint says what went wrong; those after it are its consequences. */
function failed(options: BuildOptions): UserError {
  const { logFile } = options;
  const complaint = readFileSync(logFile, "utf8")
    .split("\n")
    .find((line) => /^(?:E:|dpkg: error)/.test(line));
  const why = complaint === undefined ? "" : `: ${complaint.trim()}`;
  return new UserError(`building ${goalOf(options)} failed${why}; all of it is in ${logFile}`, {
    exitCode: 1,
  });
}
