import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { isMalformed, type Malformed, malformed } from "../../bytes/malformed.ts";
import { DIGEST_READ_BYTES } from "../../limits.ts";
import { type Clock, systemClock } from "../../net/clock.ts";
import { UserError } from "../../user-error.ts";
import { treeKernel } from "../build/finish.ts";
import { directoryIn, placeDirectory, textIn } from "../place.ts";
import type { Progress } from "../progress.ts";
import type { Device } from "./device.ts";
import { writeDevices } from "./device-nodes.ts";
import { FreshImage } from "./fresh-image.ts";
import { applyPolicy } from "./keep.ts";
import { knownOf, sbomDigest } from "./known.ts";
import type { Manifest, Origin } from "./manifest.ts";
import { makeErofs } from "./mkfs.ts";
import { installedIn, packagesOf } from "./packages.ts";
import { placePlaceholders } from "./placeholders.ts";
import { replaceFile } from "./replace.ts";
import { SealProgress } from "./seal-progress.ts";
import { signingKey, signManifest } from "./signature.ts";
import { signerOf } from "./signed.ts";
import { type SpdxSubject, spdxOf } from "./spdx.ts";
import type { ImageStore } from "./store.ts";
import { type Survey, surveyTree } from "./survey.ts";
import { manifestFile, refuseLookAlike, sbomFile, versionFile } from "./versions.ts";
import { sortXattrs } from "./xattr-order.ts";

export interface SealOptions {
  readonly name: string;
  /** What is sealed: nothing may change in it meanwhile. */
  readonly tree: string;
  readonly store: ImageStore;
  /** Of sidus. */
  readonly version: string;
  readonly sealedAt: Date;
  readonly origin: Origin;
  /** That could not be made in the tree. */
  readonly devices?: readonly Device[] | undefined;
  /** File of the key that signs; undefined: this machine's, where it has one. */
  readonly key?: string | undefined;
  /** Asked with the digest before anything is placed; what it throws ends it, and nothing is changed. */
  readonly approve?: ((digest: string) => void) | undefined;
  readonly progress?: ((progress: Progress) => void) | undefined;
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Seals a tree as the current version of an image: an EROFS file without compression, with owners, modes, devices,
 * times and extended attributes in it, and beside it its manifest, its bill of materials and its signature. The same
 * tree gives the same file. Until all of it is on disk there is nothing.
 * @throws UserError
 */
export async function sealTree(options: SealOptions): Promise<Manifest> {
  const { name, store, signal } = options;
  const tree = sealable(options);
  // Before all work.
  signingKey(options.key);
  const staging = store.stage(name, "sealing");
  try {
    const file = join(staging.directory, "image.erofs");
    const work = {
      tree,
      file,
      progress: new SealProgress(options.progress, options.clock ?? systemClock),
    };
    const survey = await write(options, work);
    const digest = await digestOnDisk(work, signal);
    await refuseLookAlike(store.directoryOf(name), digest);
    signal?.throwIfAborted();
    const status = textIn(tree, "var/lib/dpkg/status") ?? "";
    const sbom = spdxOf({
      name,
      digest,
      version: options.version,
      created: survey.after - 1,
      packages: installedIn(status),
      distribution: distributionOf(tree),
    });
    const manifest: Manifest = {
      name,
      digest,
      bytes: statSync(file).size,
      sealed: options.sealedAt.toISOString(),
      sidus: options.version,
      kernel: bootable(tree),
      ...options.origin,
      // Paths and commands may have anything in them; it is shown on a terminal.
      made: options.origin.made.replaceAll(/\p{Cc}+/gu, " "),
      packages: packagesOf(status),
      sbom: sbomDigest(sbom),
    };
    const placed = place({ file, manifest, sbom }, options);
    await applyPolicy(store, name, options.sealedAt.getTime());
    return placed;
  } catch (cause) {
    if (signal?.aborted !== true) throw cause;
    const message = `sealing ${tree} was interrupted; nothing of it is left`;
    throw new UserError(message, { cause, exitCode: 1 });
  } finally {
    staging.discard();
  }
}

/** The tree's own path. */
function sealable({ tree, store }: SealOptions): string {
  if (statSync(tree, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new UserError(`${tree} is no directory: name the one that holds the tree`);
  }
  const path = realpathSync(tree);
  placeDirectory(store.directory);
  // It would be sealed into itself, for as long as the disk lasts.
  if (`${realpathSync(store.directory)}/`.startsWith(path === "/" ? "/" : `${path}/`)) {
    throw new UserError(`${store.directory} is in the tree ${tree}: choose other --images`);
  }
  return path;
}

interface Work {
  readonly tree: string;
  /** Where the image grows. */
  readonly file: string;
  readonly progress: SealProgress;
}

/** Nothing of what is only for mkfs.erofs stays in the tree, however it ends. */
async function write(
  { devices = [], signal }: SealOptions,
  { tree, file, progress }: Work,
): Promise<Survey> {
  using placeholders = placePlaceholders(tree, devices);
  const survey = surveyTree(tree);
  using _ = progress.ofFile(file, survey.bytes);
  await makeErofs({ tree, image: file, time: survey.after }, signal);
  using image = new FreshImage(file);
  writeDevices(image, placeholders.devices);
  sortXattrs(image);
  return survey;
}

/** Reads the image once more while the disk writes it. */
async function digestOnDisk(
  { file, progress }: Work,
  signal: AbortSignal | undefined,
): Promise<string> {
  // It holds what its tree holds, passwords too: not for every user of this machine.
  chmodSync(file, 0o400);
  await using handle = await open(file, "r");
  const [digest] = await Promise.all([digestOf(handle, progress, signal), handle.sync()]);
  return digest;
}

async function digestOf(
  handle: FileHandle,
  progress: SealProgress,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { size } = await handle.stat();
  const hash = createHash("sha256");
  let done = 0;
  const stream = handle.createReadStream({
    autoClose: false,
    highWaterMark: DIGEST_READ_BYTES,
    signal,
  });
  for await (const bytes of stream) {
    hash.update(bytes);
    done += bytes.length;
    progress.tell("computing the digest", done, size);
  }
  return hash.digest("hex");
}

interface Result {
  readonly file: string;
  readonly manifest: Manifest;
  readonly sbom: string;
}

/**
 * The image last: what is beside it alone is nothing. Of a version that was there before, what is known stays, and who
 * signed it: nodes may be running it, and from one moment to the next it would not be served to them.
 */
function place({ file, manifest, sbom }: Result, { store, key, approve }: SealOptions): Manifest {
  const { name, digest } = manifest;
  const directory = store.directoryOf(name);
  placeDirectory(directory);
  return store.locked(name, () => {
    approve?.(digest);
    const beside = join(directory, manifestFile(digest));
    const before = knownBefore(directory, manifest);
    if (isMalformed(before)) {
      replaceFile(join(directory, sbomFile(digest)), sbom, 0o644);
      replaceFile(beside, `${JSON.stringify(manifest)}\n`, 0o644);
    }
    const isSigned = !isMalformed(before) && signerOf(directory, digest) !== undefined;
    if (key !== undefined || !isSigned) signManifest(beside, key);
    renameSync(file, join(directory, versionFile(digest)));
    store.use(name, digest);
    toDisk(directory);
    return isMalformed(before) ? manifest : before;
  });
}

function knownBefore(directory: string, { name, digest, bytes }: Manifest): Manifest | Malformed {
  const known = knownOf(directory, name, digest);
  const isThere = existsSync(join(directory, versionFile(digest)));
  if (isMalformed(known) || (isThere && known.bytes === bytes)) return known;
  return malformed("it is of what was there before");
}

/** os-release(5); Debian where it says nothing. */
function distributionOf(tree: string): SpdxSubject["distribution"] {
  const text = textIn(tree, "usr/lib/os-release") ?? "";
  const field = (key: string) => new RegExp(`^${key}="?([^"\\n]+)"?$`, "m").exec(text)?.[1];
  return { id: field("ID") ?? "debian", release: field("VERSION_ID") };
}

function bootable(tree: string): string | undefined {
  if (directoryIn(tree, "boot") === undefined) return undefined;
  try {
    return treeKernel(tree).version;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function toDisk(path: string): void {
  const descriptor = openSync(path, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
