import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../user-error.ts";
import type { BuildDeps, BuildWork } from "../build/work.ts";
import { isRootOfMachine } from "../namespace/user-namespace.ts";
import { placeDirectory } from "../place.ts";
import { currentNow } from "../store/current.ts";
import type { Manifest } from "../store/manifest.ts";
import type { ImageStore } from "../store/store.ts";
import { shortOf, versionFile } from "../store/versions.ts";
import { changeImage } from "./edit.ts";
import { leaveNodeFiles } from "./node-files.ts";
import { baseOfLayer, type LayerFile, mendLayer, mergeLayer } from "./overlay-layer.ts";
import { openImage } from "./unpack.ts";

export interface CommitOptions {
  readonly store: ImageStore;
  readonly name: string;
  /** A volume that nobody uses meanwhile. */
  readonly volume: {
    readonly name: string;
    /** Writes what it holds to a new file. */
    readonly copy: (to: string) => Promise<void>;
  };
  /** Digest of the version that the volume was begun on, where it does not say so itself. */
  readonly base: string | undefined;
  /** Begins with that version even though another one is current, whose changes the new version does not have. */
  readonly isForced: boolean;
  /** What the new version's manifest says: `commit of n1`. */
  readonly made: string;
  /** Of sidus. */
  readonly version: string;
  readonly logFile: string;
  readonly deps: BuildDeps;
}

/**
 * Makes the next version of an image of what an administrator changed on a node, which lies on a volume. The volume
 * itself is only read. Answers undefined where nothing was changed there.
 * @throws UserError
 */
export async function commitVolume(options: CommitOptions): Promise<Manifest | undefined> {
  const { store, name, volume, deps } = options;
  if (!isRootOfMachine()) {
    throw new UserError(`a volume's file system is read by root only: sudo sidus image commit`);
  }
  placeDirectory(store.directory);
  const staging = store.stage(name, "committing");
  try {
    const { directory } = staging;
    const layer = { name: volume.name, file: join(directory, "volume.img") };
    await volume.copy(layer.file);
    await mendLayer(layer, deps.signal);
    const from = await baseFor(options, layer);
    return await changeImage({
      ...options,
      action: "commit",
      from,
      change: async (work) => {
        await takeLayer(work, { name: volume.name, directory });
        await using base = await openImage(join(store.directoryOf(name), versionFile(from)));
        await leaveNodeFiles(work.tree, base);
      },
    });
  } catch (cause) {
    if (deps.signal?.aborted !== true || cause instanceof UserError) throw cause;
    const message = `committing ${volume.name} was interrupted; ${name} is as it was`;
    throw new UserError(message, { cause, exitCode: 1 });
  } finally {
    staging.discard();
  }
}

async function takeLayer(
  work: BuildWork,
  layer: { readonly name: string; readonly directory: string },
): Promise<void> {
  work.begin("uniting layers");
  const merged = await mergeLayer(layer, work);
  rmSync(work.tree, { recursive: true });
  renameSync(merged, work.tree);
}

/** @throws UserError where it is not known, not there, or older than the current version. */
async function baseFor(options: CommitOptions, layer: LayerFile): Promise<string> {
  const { store, name, base, isForced, deps } = options;
  const found = await baseOfLayer(layer, deps.signal);
  if (found !== undefined && found.name !== name) {
    throw new UserError(
      `the volume ${layer.name} was begun on the image ${found.name}, not on ${name}: sidus image commit ${found.name}`,
    );
  }
  const digest = base ?? found?.digest;
  if (digest === undefined) {
    throw new UserError(
      `the volume ${layer.name} does not say which version it was begun on: --base VERSION says it`,
    );
  }
  if (!existsSync(join(store.directoryOf(name), versionFile(digest)))) {
    throw new UserError(
      `${shortOf(digest)} of ${name}, on which the volume ${layer.name} was begun, is not there any more: import it, or name another with --base`,
    );
  }
  const current = currentNow(store.directoryOf(name));
  if (digest !== current && !isForced) {
    const now = current === undefined ? "none" : shortOf(current);
    throw new UserError(
      `the volume ${layer.name} was begun on ${shortOf(digest)}, and the current version is ${now}: what changed since would not be in the new version; --force makes it all the same`,
    );
  }
  return digest;
}
