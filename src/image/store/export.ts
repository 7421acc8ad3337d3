import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { isMalformed } from "../../bytes/malformed.ts";
import { BUNDLE_PIECE_BYTES } from "../../limits.ts";
import { UserError } from "../../user-error.ts";
import { TAR_END, tarPadding } from "../change/tar.ts";
import { encodeHeader } from "./bundle-header.ts";
import { knownOf } from "./known.ts";
import type { Manifest } from "./manifest.ts";
import { manifestFile, sbomFile, shortOf, signatureFile, versionFile } from "./versions.ts";

export interface ExportOptions {
  /** Of the image. */
  readonly directory: string;
  readonly name: string;
  readonly digest: string;
  /** Bytes of the image that were read. */
  readonly progress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * A version as one file: a tar archive of its manifest, its signature and its bill of materials where it has them, and
 * then its image. The same version gives the same bytes.
 * @throws UserError where it is damaged; what came until then is of no use.
 */
export async function* exportVersion(options: ExportOptions): AsyncGenerator<Uint8Array> {
  const { directory, name, digest } = options;
  const manifest = manifestIn(options);
  const seconds = Math.floor(Date.parse(manifest.sealed) / 1000);
  const header = (file: string, size: number): Buffer =>
    encodeHeader({ directory: name, file, size }, seconds);
  for (const fileOf of [manifestFile, signatureFile, sbomFile]) {
    const path = join(directory, fileOf(digest));
    if (!existsSync(path)) continue;
    const bytes = readFileSync(path);
    yield header(fileOf(digest), bytes.length);
    yield bytes;
    yield new Uint8Array(tarPadding(bytes.length));
  }
  yield header(versionFile(digest), manifest.bytes);
  yield* imageOf(options, manifest);
  yield new Uint8Array(tarPadding(manifest.bytes));
  yield TAR_END;
}

function manifestIn({ directory, name, digest }: ExportOptions): Manifest {
  const known = knownOf(directory, name, digest);
  if (!isMalformed(known)) return known;
  const message = `${shortOf(digest)} of ${name} cannot be exported: ${known.malformed}`;
  throw new UserError(message, { exitCode: 1 });
}

async function* imageOf(
  { directory, name, digest, progress, signal }: ExportOptions,
  { bytes }: Manifest,
): AsyncGenerator<Uint8Array> {
  await using handle = await open(join(directory, versionFile(digest)));
  const hash = createHash("sha256");
  let done = 0;
  const stream = handle.createReadStream({
    autoClose: false,
    highWaterMark: BUNDLE_PIECE_BYTES,
    signal,
  });
  for await (const piece of stream) {
    hash.update(piece);
    done += piece.length;
    if (done > bytes) break;
    progress?.(done, bytes);
    yield piece;
  }
  if (done === bytes && hash.digest("hex") === digest) return;
  const message = `${shortOf(digest)} of ${name} was changed or damaged: sidus image verify ${name}`;
  throw new UserError(message, { exitCode: 1 });
}
