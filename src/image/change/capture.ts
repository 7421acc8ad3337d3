import { execFileSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../../user-error.ts";
import { refuseForeign } from "../build/architecture.ts";
import { cleanTree } from "../build/clean.ts";
import { epochOf } from "../build/epoch.ts";
import { finishTree, type TreeKernel, treeKernel } from "../build/finish.ts";
import { normaliseTree } from "../build/normalise.ts";
import type { StepTime } from "../build/steps.ts";
import { type BuildDeps, BuildWork } from "../build/work.ts";
import { runHooks } from "../chroot/hooks.ts";
import { placeDirectory } from "../place.ts";
import { openStaging } from "../staging.ts";
import { currentNow } from "../store/current.ts";
import type { Manifest } from "../store/manifest.ts";
import { sealTree } from "../store/seal.ts";
import type { ImageStore } from "../store/store.ts";
import { newestTime } from "../store/survey.ts";
import { versionFile } from "../store/versions.ts";
import { capturedIn, makeBootable } from "./bootable.ts";
import { type Golden, goldenName } from "./golden.ts";
import { untieTree } from "./machine.ts";
import { type Parts, partsOf } from "./parts.ts";
import { transfer } from "./transfer.ts";
import { unpackImage } from "./unpack.ts";

export interface CaptureOptions {
  /** What nodes say that they run. */
  readonly name: string;
  readonly golden: Golden;
  /** A directory, where nothing is yet, or a store of images. */
  readonly to: string | ImageStore;
  /** Patterns of rsync's, and files of such. */
  readonly exclude: readonly string[];
  readonly excludeFrom: readonly string[];
  /** File systems besides the system's own. */
  readonly also: readonly string[];
  /** Whether what booting takes may be installed. */
  readonly mayInstall: boolean;
  /** Begins with the current version of the image: only what changed since is fetched. */
  readonly isUpdate: boolean;
  readonly logFile: string;
  /** Of sidus. */
  readonly version: string;
}

export interface CaptureResult {
  /** Undefined where it became an image. */
  readonly directory: string | undefined;
  readonly image: Manifest | undefined;
  readonly kernel: TreeKernel;
  /** What was left out or changed that somebody may miss, a line each. */
  readonly notes: readonly string[];
  readonly steps: readonly StepTime[];
  readonly logFile: string;
}

/**
 * Makes of a machine a tree that nodes boot: its files, but for what is its own, and what booting from the network takes.
 * Until it is whole there is nothing of it, and nothing is changed on that machine.
 * @throws UserError
 */
export async function captureTree(
  options: CaptureOptions,
  deps: BuildDeps,
): Promise<CaptureResult> {
  const { name, golden, to, logFile } = options;
  const { signal } = deps;
  const staging = typeof to === "string" ? openStaging(to) : to.stage(name, "capturing");
  try {
    using work = new BuildWork(staging.tree, logFile, deps);
    placeDirectory(staging.tree);
    const hooks = { action: "capture", name, tree: staging.tree, log: work.line, signal };
    await runHooks("before", hooks);
    work.begin("asking the golden client");
    const parts = await partsOf(golden, options.also, signal);
    if (options.isUpdate) await unpackLast(options, work);
    await fetchTree(options, parts, deps, work);
    const notes = [
      ...leftNotes(parts),
      ...(await finish(options, work, () => runHooks("after", hooks))),
    ];
    for (const note of notes) work.line(note);
    const kernel = treeKernel(staging.tree);
    const image = await seal(options, deps, work);
    if (image === undefined) {
      work.begin("writing to disk");
      execFileSync("sync", ["--file-system", staging.tree]);
      signal?.throwIfAborted();
      staging.commit();
    }
    const directory = typeof to === "string" ? to : undefined;
    return { directory, image, kernel, notes, steps: work.steps.times(), logFile };
  } catch (cause) {
    if (signal?.aborted !== true) throw cause;
    const message = `capturing ${goldenName(golden)} was interrupted; nothing of it is left`;
    throw new UserError(message, { cause, exitCode: 1 });
  } finally {
    staging.discard();
  }
}

async function unpackLast({ name, to }: CaptureOptions, work: BuildWork): Promise<void> {
  if (typeof to === "string") throw new Error("a directory has no versions");
  const directory = to.directoryOf(name);
  const digest = currentNow(directory);
  if (digest === undefined) throw to.noImage(name);
  work.begin("unpacking");
  const file = `${directory}/${versionFile(digest)}`;
  await unpackImage({
    ...{ file, to: work.tree, signal: work.signal },
    progress: (item, done) =>
      work.show({ step: "unpacking", item, done, total: 0, unit: "bytes", elapsedMs: 0 }),
  });
}

async function fetchTree(
  options: CaptureOptions,
  parts: Parts,
  { clock }: BuildDeps,
  work: BuildWork,
): Promise<void> {
  work.begin("copying");
  const { golden, excludeFrom } = options;
  const { tree, line, signal } = work;
  const progress = work.show.bind(work);
  const exclude = [...options.exclude, ...ownPlace(options, work)];
  const what = { golden, parts, tree, exclude, excludeFrom };
  await transfer({ ...what, clock, line, progress, signal });
}

/** Where we write, as the golden client has it: a machine may capture itself. */
function ownPlace({ golden, to }: CaptureOptions, { tree }: BuildWork): string[] {
  if (golden.kind !== "directory" || !existsSync(golden.path)) return [];
  const root = join(realpathSync(golden.path), "/");
  const own = realpathSync(typeof to === "string" ? dirname(tree) : to.directory);
  return own.startsWith(root) ? [`/${own.slice(root.length)}`] : [];
}

function leftNotes({ left }: Parts): string[] {
  return left.map(
    ({ point, type }) => `${point} (${type}) is not captured: --also ${point} takes it`,
  );
}

/** From a machine's files to a tree of everybody's. */
async function finish(
  { name, mayInstall, version }: CaptureOptions,
  work: BuildWork,
  after: () => Promise<void>,
): Promise<string[]> {
  const { tree } = work;
  // What came from there keeps its times; all that is done to it now is as old as the youngest of it.
  const epoch = Math.max(epochOf(tree), Math.ceil(newestTime(tree)));
  work.epoch = epoch;
  const captured = capturedIn(tree);
  refuseForeign(captured.architecture);
  const notes = untieTree(tree);
  await makeBootable(captured, mayInstall, work);
  await after();
  work.begin("cleaning");
  cleanTree(tree);
  finishTree(tree, {
    name,
    suite: captured.suite,
    architecture: captured.architecture,
    built: new Date(epoch * 1000).toISOString(),
    sidus: version,
  });
  normaliseTree(tree, epoch);
  return notes;
}

async function seal(
  { name, golden, to, version, isUpdate }: CaptureOptions,
  { clock, signal }: BuildDeps,
  work: BuildWork,
): Promise<Manifest | undefined> {
  if (typeof to === "string") return undefined;
  work.begin("sealing");
  const parent = isUpdate ? currentNow(to.directoryOf(name)) : undefined;
  return await sealTree({
    ...{ name, tree: work.tree, store: to, version, clock, signal },
    sealedAt: new Date(clock.epochMs()),
    origin: { made: `capture of ${goldenName(golden)}`, parent, recipe: undefined },
    progress: (progress) => work.show(progress),
  });
}
