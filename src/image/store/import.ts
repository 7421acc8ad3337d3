import { createHash } from "node:crypto";
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { isMalformed } from "../../bytes/malformed.ts";
import {
  BUNDLE_PADDING_BYTES_MAX,
  MANIFEST_BYTES_MAX,
  SBOM_BYTES_MAX,
  SIGNATURE_BYTES_MAX,
} from "../../limits.ts";
import { UserError } from "../../user-error.ts";
import { tarPadding } from "../change/tar.ts";
import { placeDirectory } from "../place.ts";
import { BUNDLE_HEADER_BYTES, type BundleEntry, decodeHeader } from "./bundle-header.ts";
import { sbomFault } from "./known.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";
import { Pieces } from "./pieces.ts";
import { replaceFile } from "./replace.ts";
import { decodeSignature, manifestComplaint, textIn } from "./signed.ts";
import type { ImageStore } from "./store.ts";
import { verifyVersion } from "./verify.ts";
import {
  IMAGE_NAME,
  manifestFile,
  refuseLookAlike,
  sbomFile,
  signatureFile,
  versionFile,
} from "./versions.ts";

export interface ImportOptions {
  readonly store: ImageStore;
  /** A bundle, as `exportVersion` makes it. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Of the image that were read. */
  readonly progress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface Imported {
  readonly manifest: Manifest;
  /** It was there before, whole and signed if the bundle's is: nothing was changed. */
  readonly isKnown: boolean;
}

/** What comes before the image. */
interface Beside {
  readonly manifest: Manifest;
  /** By name of their files. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/**
 * Puts the version of a bundle beside the others; which one is current stays. Nothing of it is there before all of it
 * was read and found right.
 * @throws UserError for what is no bundle, or not a whole one.
 */
export async function importVersion(options: ImportOptions): Promise<Imported> {
  const { store, signal } = options;
  try {
    const pieces = new Pieces(options.bytes);
    const beside = await readBeside(pieces);
    const { name, digest } = beside.manifest;
    const directory = store.directoryOf(name);
    await refuseLookAlike(directory, digest);
    const staging = store.stage(name, "importing");
    try {
      const file = join(staging.directory, "image.erofs");
      await readImage(pieces, file, { ...options, ...beside });
      await readEnd(pieces);
      const isKnown = await isAsGood(store, beside, signal);
      if (!isKnown) place(store, file, beside);
      return { manifest: beside.manifest, isKnown };
    } finally {
      staging.discard();
    }
  } catch (cause) {
    if (signal?.aborted !== true) throw cause;
    throw new UserError("importing was interrupted; nothing of it is left", { cause, exitCode: 1 });
  }
}

/** Up to and with the image's header. */
async function readBeside(pieces: Pieces): Promise<Beside> {
  const first = await entryIn(pieces);
  const { directory, file } = first;
  const [, digest = ""] = /^([0-9a-f]{64})\.json$/.exec(file) ?? [];
  if (!IMAGE_NAME.test(directory) || digest === "") throw foreign(first);
  const bytes = await contentOf(pieces, first, MANIFEST_BYTES_MAX);
  const complaint = manifestComplaint(bytes.toString("latin1"), directory, digest);
  const manifest = decodeManifest(bytes.toString());
  if (isMalformed(manifest) || complaint !== undefined) throw refused(complaint ?? "");
  const files = new Map([[file, bytes]]);
  const boundOf = new Map([
    [signatureFile(digest), SIGNATURE_BYTES_MAX],
    [sbomFile(digest), SBOM_BYTES_MAX],
  ]);
  for (;;) {
    const entry = await entryIn(pieces);
    const bound = boundOf.get(entry.file);
    const isImage = entry.file === versionFile(digest) && entry.size === manifest.bytes;
    if (entry.directory !== directory || files.has(entry.file)) throw foreign(entry);
    if (isImage) break;
    if (bound === undefined) throw foreign(entry);
    files.set(entry.file, await contentOf(pieces, entry, bound));
  }
  const signature = files.get(signatureFile(digest));
  if (signature !== undefined && isMalformed(decodeSignature(signature.toString("latin1")))) {
    throw refused("its signature is damaged");
  }
  const fault = sbomFault(manifest, files.get(sbomFile(digest)));
  if (fault !== undefined) throw refused(fault);
  return { manifest, files };
}

async function entryIn(pieces: Pieces): Promise<BundleEntry> {
  const entry = decodeHeader(await pieces.exactly(BUNDLE_HEADER_BYTES));
  if (entry === "end") throw refused("it holds no image");
  if (isMalformed(entry)) throw refused(entry.malformed);
  return entry;
}

async function contentOf(pieces: Pieces, entry: BundleEntry, bytesMax: number): Promise<Buffer> {
  if (entry.size > bytesMax) throw refused(`${entry.file} has ${entry.size} bytes`);
  const content = await pieces.exactly(entry.size);
  const padding = tarPadding(entry.size);
  const after = await pieces.exactly(padding);
  if (content.length + after.length < entry.size + padding) throw refused("it was cut short");
  return content;
}

async function readImage(
  pieces: Pieces,
  file: string,
  { manifest, progress, signal }: ImportOptions & Beside,
): Promise<void> {
  const { bytes, digest } = manifest;
  await using handle: FileHandle = await open(file, "wx", 0o600);
  const hash = createHash("sha256");
  for (let done = 0; done < bytes; ) {
    signal?.throwIfAborted();
    const piece = await pieces.some(bytes - done);
    if (piece.length === 0) throw refused("it was cut short");
    hash.update(piece);
    await handle.writeFile(piece);
    done += piece.length;
    progress?.(done, bytes);
  }
  await pieces.exactly(tarPadding(bytes));
  if (hash.digest("hex") !== digest) throw refused("its image was changed or damaged");
  await handle.sync();
}

/** Zeros: other programs fill up to a whole record. */
async function readEnd(pieces: Pieces): Promise<void> {
  for (let read = 0; ; ) {
    const piece = await pieces.some(BUNDLE_PADDING_BYTES_MAX);
    read += piece.length;
    if (piece.length === 0 && read >= 2 * BUNDLE_HEADER_BYTES) return;
    if (piece.length === 0) throw refused("it was cut short");
    if (read > BUNDLE_PADDING_BYTES_MAX || piece.some((byte) => byte !== 0)) {
      throw refused("something follows the image");
    }
  }
}

/** Whether the version is there already, and nothing that the bundle has is missing or damaged. */
async function isAsGood(
  store: ImageStore,
  { manifest: { name, digest }, files }: Beside,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (!existsSync(join(store.directoryOf(name), versionFile(digest)))) return false;
  const cancel = signal === undefined ? {} : { signal };
  const { faults, signature } = await verifyVersion({ store, name, digest, keys: [], ...cancel });
  return (
    faults.length === 0 && (signature.kind !== "unsigned" || !files.has(signatureFile(digest)))
  );
}

function place(store: ImageStore, file: string, { manifest, files }: Beside): void {
  const { name, digest } = manifest;
  const directory = store.directoryOf(name);
  placeDirectory(directory);
  // It holds what its tree holds, passwords too: not for every user of this machine.
  chmodSync(file, 0o400);
  store.locked(name, () => {
    const before = textIn(join(directory, manifestFile(digest)), MANIFEST_BYTES_MAX) ?? "";
    const isOther = files.get(manifestFile(digest))?.equals(Buffer.from(before, "latin1")) !== true;
    // Whoever signed what was said before did not sign this.
    if (isOther) rmSync(join(directory, signatureFile(digest)), { force: true });
    for (const [beside, bytes] of files) replaceFile(join(directory, beside), bytes, 0o644);
    renameSync(file, join(directory, versionFile(digest)));
  });
}

function foreign({ directory, file }: BundleEntry): UserError {
  return refused(`${JSON.stringify(`${directory}/${file}`)} does not belong into one`);
}

function refused(why: string): UserError {
  return new UserError(`this is no whole bundle of sidus image export: ${why}`, { exitCode: 1 });
}
