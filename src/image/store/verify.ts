import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { isMalformed } from "../../bytes/malformed.ts";
import { BUNDLE_PIECE_BYTES } from "../../limits.ts";
import type { PublicKey } from "./keys.ts";
import { knownOf } from "./known.ts";
import { type SignatureState, signatureState } from "./signed.ts";
import type { ImageStore } from "./store.ts";
import { currentIn, digestsIn, shortOf, versionFile } from "./versions.ts";

export interface Verified {
  readonly name: string;
  readonly digest: string;
  /** What is wrong; empty where all is right. */
  readonly faults: readonly string[];
  readonly signature: SignatureState;
}

export interface VerifyOptions {
  readonly store: ImageStore;
  readonly name: string;
  readonly digest: string;
  /** Whose signatures are known. */
  readonly keys: readonly PublicKey[];
  /** One of the keys must have signed it. */
  readonly mustBeSigned?: boolean;
  /** It is about to be signed: whatever is wrong with the signature that it has. */
  readonly isToBeSigned?: boolean;
  /** Bytes of `total` that were read. */
  readonly progress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Reads every byte of a version, and all that is known of it. */
export async function verifyVersion(options: VerifyOptions): Promise<Verified> {
  const { store, name, digest, keys, mustBeSigned = false, isToBeSigned = false } = options;
  const directory = store.directoryOf(name);
  const signature = signatureState(directory, digest, keys);
  const bytes = await bytesFault(directory, options);
  const manifest = manifestFault(directory, options, bytes === undefined);
  const signed = isToBeSigned ? undefined : signatureFault(signature, mustBeSigned);
  const faults = new Set([bytes, manifest, signed].flatMap((one) => one ?? []));
  return { name, digest, faults: [...faults], signature };
}

/** What is wrong with an image beside its versions. */
export async function linkFault(store: ImageStore, name: string): Promise<string | undefined> {
  const directory = store.directoryOf(name);
  const current = await currentIn(directory);
  if (current === undefined) return "no version is current: choose one (sidus image use)";
  if ((await digestsIn(directory)).includes(current)) return undefined;
  return `its current version ${shortOf(current)} is not there: choose another (sidus image use)`;
}

async function bytesFault(directory: string, options: VerifyOptions): Promise<string | undefined> {
  const { digest, signal, progress } = options;
  await using handle = await open(join(directory, versionFile(digest)));
  const stats = await handle.stat();
  if (!stats.isFile()) return "it is no file";
  try {
    const found = await digestOf(handle, (done) => {
      signal?.throwIfAborted();
      progress?.(done, stats.size);
    });
    if (found === digest) return undefined;
    return `it was changed or damaged: its bytes have the digest ${shortOf(found)}…`;
  } catch (error) {
    // What a disk cannot read any more is the damage that there is most often.
    if (error instanceof Error && "code" in error && error.code === "EIO") {
      return "it cannot be read: the disk has errors (EIO)";
    }
    throw error;
  }
}

async function digestOf(handle: FileHandle, read: (bytes: number) => void): Promise<string> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafeSlow(BUNDLE_PIECE_BYTES);
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
    read(at);
  }
}

/** `isWhole`: its bytes are those of its digest, so that what says another size of them is wrong. */
function manifestFault(
  directory: string,
  { name, digest }: Pick<VerifyOptions, "name" | "digest">,
  isWhole: boolean,
): string | undefined {
  const known = knownOf(directory, name, digest);
  if (isMalformed(known)) return known.malformed;
  const { size } = statSync(join(directory, versionFile(digest)));
  if (!isWhole || known.bytes === size) return undefined;
  return `its manifest was changed or damaged: it says ${known.bytes} bytes, and there are ${size}`;
}

function signatureFault(signature: SignatureState, mustBeSigned: boolean): string | undefined {
  if (signature.kind === "bad") return signature.why;
  if (!mustBeSigned || signature.kind === "good") return undefined;
  return signature.kind === "unsigned"
    ? "it is not signed"
    : `it is signed by another key: ${shortOf(signature.key)}`;
}
