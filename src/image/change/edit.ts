import { join } from "node:path";
import { UserError } from "../../user-error.ts";
import { epochOf } from "../build/epoch.ts";
import { type BuildDeps, BuildWork } from "../build/work.ts";
import { runHooks } from "../chroot/hooks.ts";
import { currentNow } from "../store/current.ts";
import type { Device } from "../store/device.ts";
import { type Manifest, manifestOf } from "../store/manifest.ts";
import { sealTree } from "../store/seal.ts";
import type { ImageStore } from "../store/store.ts";
import { shortOf, versionFile } from "../store/versions.ts";
import { momentIn, settleTree } from "./settle.ts";
import { openImage, type Unpacked, unpackImage } from "./unpack.ts";

export interface ChangeOptions {
  readonly store: ImageStore;
  readonly name: string;
  /** Digest of the version to begin with; the current one unless said. */
  readonly from?: string | undefined;
  /** What hooks are told. */
  readonly action: "edit" | "update" | "commit";
  /** What the new version's manifest says: `edit: apt-get install vim`. */
  readonly made: string;
  /** Changes the tree; what it throws ends all of it, and nothing is changed. */
  readonly change: (work: BuildWork) => Promise<void>;
  /** Of all that is printed meanwhile. */
  readonly logFile: string;
  /** Of sidus. */
  readonly version: string;
  readonly deps: BuildDeps;
}

/**
 * Makes the next version of an image from one of its versions: that one is unpacked, worked on, cleaned of what the
 * work left, and sealed as the current version. Until then there is nothing of it; a second change of the same image at
 * the same time is refused. Answers undefined where nothing was changed.
 * @throws UserError
 */
export async function changeImage(options: ChangeOptions): Promise<Manifest | undefined> {
  const { store, name, logFile, deps } = options;
  const current = currentNow(store.directoryOf(name));
  const parent = options.from ?? current;
  if (parent === undefined) throw store.noImage(name);
  const staging = store.stage(name, "changing");
  try {
    using work = new BuildWork(staging.tree, logFile, deps);
    const { recipe, bytes } = await manifestOf(store.directoryOf(name), name, parent);
    const file = join(store.directoryOf(name), versionFile(parent));
    const { devices } = await unpackVersion(file, bytes, work);
    const unpacked = momentIn(staging.directory);
    // Somebody may remove it while it is worked on, for hours maybe.
    await using base = await openImage(file);
    await runChange(options, work);
    work.begin("cleaning");
    await settleTree({ tree: work.tree, base, unpacked, epoch: epochOf(work.tree) });
    return await sealChange(options, work, { devices, current, origin: { parent, recipe } });
  } catch (cause) {
    if (deps.signal?.aborted !== true) throw cause;
    const message = `changing the image ${name} was interrupted; it is as it was`;
    throw new UserError(message, { cause, exitCode: 1 });
  } finally {
    staging.discard();
  }
}

function unpackVersion(file: string, bytes: number, work: BuildWork): Promise<Unpacked> {
  const step = "unpacking";
  work.begin(step);
  return unpackImage({
    ...{ file, to: work.tree, signal: work.signal },
    progress(path, done) {
      work.show({ step, item: `/${path}`, done, total: bytes, unit: "bytes", elapsedMs: 0 });
    },
  });
}

/** With the administrator's hooks before and after. */
async function runChange({ name, action, change }: ChangeOptions, work: BuildWork): Promise<void> {
  const { tree, line: log, signal } = work;
  const hooked = { action, name, tree, log, signal };
  work.begin("changing");
  await runHooks("before", hooked);
  await change(work);
  signal?.throwIfAborted();
  await runHooks("after", hooked);
}

interface ChangedTree {
  readonly devices: readonly Device[];
  /** When the change was begun. */
  readonly current: string | undefined;
  readonly origin: { readonly parent: string; readonly recipe: string | undefined };
}

async function sealChange(
  { store, name, made, version, deps: { clock, signal } }: ChangeOptions,
  work: BuildWork,
  { devices, current, origin }: ChangedTree,
): Promise<Manifest | undefined> {
  const { parent } = origin;
  const unchanged = new UserError(`nothing of ${shortOf(parent)} was changed`, { exitCode: 1 });
  const approve = (digest: string): void => {
    if (digest === parent) throw unchanged;
    const now = currentNow(store.directoryOf(name));
    if (now === current) return;
    throw new UserError(
      `${now === undefined ? "no version" : shortOf(now)} of ${name} became the current one meanwhile, and nothing was changed: begin again with it`,
      { exitCode: 1 },
    );
  };
  try {
    return await sealTree({
      ...{ name, tree: work.tree, store, version, devices, clock, signal, approve },
      progress: (progress) => work.show(progress),
      sealedAt: new Date(clock.epochMs()),
      origin: { made, ...origin },
    });
  } catch (error) {
    if (error === unchanged) return undefined;
    throw error;
  }
}
