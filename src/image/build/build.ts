import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../user-error.ts";
import { runHooks } from "../chroot/hooks.ts";
import { isRootOfMachine } from "../namespace/user-namespace.ts";
import { placeDirectory, placeFile } from "../place.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { settingsOf } from "../settings/compose.ts";
import type { Settings } from "../settings/settings.ts";
import { openStaging, type Staging } from "../staging.ts";
import type { Manifest } from "../store/manifest.ts";
import { sealTree } from "../store/seal.ts";
import type { ImageStore } from "../store/store.ts";
import { ownArchitecture, refuseForeign } from "./architecture.ts";
import {
  type BootstrapPlan,
  bootstrapEnvironment,
  DPKG_OF_BUILD,
  MERGED_USR_HOOKS,
  mmdebstrapCommand,
  writeConfiguration,
} from "./bootstrap.ts";
import { cleanTree } from "./clean.ts";
import { applySettings, makeInitramfs, purgePackages, runCommands } from "./customise.ts";
import { debootstrapTree, placeKeys } from "./debootstrap.ts";
import { comesUnmerged, type Distribution, distributionOf, sourcesOf } from "./distribution.ts";
import { epochOf } from "./epoch.ts";
import { finishTree, forgetBuilder, type TreeKernel, treeKernel } from "./finish.ts";
import { normaliseTree } from "./normalise.ts";
import { writeOverlay } from "./overlay.ts";
import { packagesOf } from "./packages.ts";
import type { StepTime } from "./steps.ts";
import { type BuildDeps, BuildWork } from "./work.ts";

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
  readonly recipe: Recipe;
  /** As it was read, for the manifest; undefined where there was no file. */
  readonly recipeText: string | undefined;
  /** All that the build prints. */
  readonly logFile: string;
  /** Of sidus, for the tree's identity. */
  readonly version: string;
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

/** What a recipe comes to on this machine. */
interface Plan {
  readonly architecture: string;
  readonly distribution: Distribution;
  readonly settings: Settings;
  readonly sources: readonly string[];
  readonly components: readonly string[];
  readonly packages: readonly string[];
}

/**
 * Builds a tree that boots from the network, as root of the machine or of a user namespace. Until it is whole there is
 * nothing of it; whatever ends the build early leaves no mount and no process, and at most a hidden directory that the
 * next build removes.
 * @throws UserError
 */
export async function buildTree(options: BuildOptions, deps: BuildDeps): Promise<BuildResult> {
  refuseImpossible(options);
  const plan = planOf(options.recipe);
  const staging = stage(options);
  try {
    using work = new BuildWork(staging.tree, options.logFile, deps);
    await growTree(options, plan, staging, work);
    const kernel = treeKernel(staging.tree);
    const image = await seal(options, deps, work);
    if (options.output !== undefined) keep(staging, work);
    else staging.discard();
    return {
      directory: options.output,
      image,
      kernel,
      steps: work.steps.times(),
      seconds: Math.round(work.steps.current.elapsedMs / 100) / 10,
      logFile: options.logFile,
    };
  } catch (error) {
    staging.discard();
    const goal = `building ${goalOf(options)}`;
    if (deps.signal?.aborted === true) {
      throw new UserError(`${goal} was interrupted; nothing of it is left`, {
        cause: error,
        exitCode: 1,
      });
    }
    if (error instanceof UserError && error.message.startsWith("failed: ")) {
      throw new UserError(`${goal} ${error.message}`, { cause: error, exitCode: 1 });
    }
    throw error;
  }
}

/** @throws UserError */
export function planOf(recipe: Recipe): Plan {
  const architecture = recipe.architecture ?? ownArchitecture();
  refuseForeign(architecture);
  const distribution = distributionOf(recipe.suite, recipe.mirrors);
  const settings = settingsOf(recipe, { architecture, distribution: distribution.name });
  const asked = recipe.components.length > 0 ? recipe.components : distribution.components;
  const components = [...new Set([...asked, ...settings.components])];
  return {
    architecture,
    distribution,
    settings,
    sources: sourcesOf(distribution, { ...recipe, components }),
    components,
    packages: packagesOf(recipe, settings, { distribution, architecture }),
  };
}

async function growTree(
  { name, recipe, version }: BuildOptions,
  plan: Plan,
  staging: Staging,
  work: BuildWork,
): Promise<void> {
  const { tree, line: log, signal } = work;
  const hooks = { action: "build", name, tree, log, signal };
  await runHooks("before", hooks);
  await bootstrap(recipe, plan, staging, work);
  forgetBuilder(tree);
  const epoch = epochOf(tree);
  work.epoch = epoch;
  work.begin("applying settings");
  await applySettings(recipe, plan.settings, work);
  work.begin("making the initrd");
  await makeInitramfs(recipe.initramfs, work);
  if (recipe.commands.length > 0) work.begin("running commands");
  await runCommands(recipe, work);
  if (recipe.purge.length > 0) work.begin("purging");
  await purgePackages(recipe.purge, work);
  await runHooks("after", hooks);
  work.begin("cleaning");
  rmSync(join(tree, DPKG_OF_BUILD), { force: true });
  cleanTree(tree);
  finishTree(tree, {
    name,
    suite: recipe.suite,
    architecture: plan.architecture,
    built: new Date(epoch * 1000).toISOString(),
    sidus: version,
  });
  normaliseTree(tree, epoch);
}

async function bootstrap(
  recipe: Recipe,
  { architecture, settings, sources, components, packages }: Plan,
  { directory, tree }: Staging,
  work: BuildWork,
): Promise<void> {
  work.begin("fetching package lists");
  const temporary = join(directory, "tmp");
  placeDirectory(temporary);
  const selections = join(directory, "selections");
  placeFile(selections, settings.selections.map((line) => `${line}\n`).join(""), 0o600);
  const configuration = join(directory, "configuration");
  writeConfiguration(configuration, recipe.exclude);
  const overlay = join(directory, "overlay");
  writeOverlay(overlay, recipe.initramfs);
  const plan: BootstrapPlan = {
    suite: recipe.suite,
    architecture,
    sources,
    components,
    packages,
    pathIncludes: settings.pathIncludes,
    exclude: recipe.exclude,
    selections: settings.selections.length === 0 ? undefined : selections,
    configuration,
    overlay,
    isRootOfMachine: isRootOfMachine(),
  };
  if (recipe.bootstrap === "debootstrap") return await debootstrapTree(plan, work);
  const mergesUsr = comesUnmerged(recipe.suite) && existsSync(MERGED_USR_HOOKS);
  const command = mmdebstrapCommand(plan, mergesUsr, tree);
  const environment = { ...bootstrapEnvironment(plan), TMPDIR: temporary };
  await work.confined("mmdebstrap", command, environment);
  placeKeys(sources, tree);
}

function stage({ name, output, images }: BuildOptions): Staging {
  return output === undefined ? images.stage(name, "building") : openStaging(output);
}

async function seal(
  { name, images, version, recipeText }: BuildOptions,
  { clock, signal }: BuildDeps,
  work: BuildWork,
): Promise<Manifest | undefined> {
  if (images === undefined) return undefined;
  work.begin("sealing");
  return await sealTree({
    name,
    tree: work.tree,
    store: images,
    version,
    sealedAt: new Date(clock.epochMs()),
    signal,
    origin: { made: "build", parent: undefined, recipe: recipeText },
    progress: (progress) => work.show(progress),
  });
}

function keep(staging: Staging, work: BuildWork): void {
  work.begin("writing to disk");
  // Else a power cut soon after could leave a whole directory of empty files.
  execFileSync("sync", ["--file-system", staging.tree]);
  work.signal?.throwIfAborted();
  staging.commit();
}

function goalOf({ name, output }: BuildOptions): string {
  return output ?? `the image ${name}`;
}

function refuseImpossible({ images, output, recipe }: BuildOptions): void {
  if (!isRootOfMachine()) {
    if (output !== undefined) {
      throw new UserError(
        "only root builds a directory: in yours its files would belong to your subordinate users; build an image (--image), or sudo sidus build …",
      );
    }
    if (recipe.bootstrap === "debootstrap") {
      throw new UserError(
        "bootstrap: debootstrap makes devices, which only root of the machine may: choose mmdebstrap, or sudo sidus build …",
      );
    }
  }
  refuseMissing(recipe.bootstrap, recipe.bootstrap);
  if (images !== undefined) refuseMissing("mkfs.erofs", "erofs-utils");
}

function refuseMissing(program: string, debian: string): void {
  if (spawnSync(program, ["--version"]).error === undefined) return;
  throw new UserError(
    `${program} is not installed: apt-get install ${debian}, or sidus doctor build --fix`,
  );
}
