import { verify } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isMalformed, type Malformed, malformed } from "../../bytes/malformed.ts";
import { unreachable } from "../../bytes/unreachable.ts";
import { MANIFEST_BYTES_MAX, SIGNATURE_BYTES_MAX } from "../../limits.ts";
import { UserError } from "../../user-error.ts";
import { type PublicKey, publicKeyOf } from "./keys.ts";
import { decodeManifest } from "./manifest.ts";
import { manifestFile, shortOf, signatureFile } from "./versions.ts";

/** Ed25519 (RFC 8032) over the exact bytes of a manifest, which names the digest of the image beside it. */
export interface Signature {
  /** Fingerprint of the key. */
  readonly key: string;
  readonly bytes: Buffer;
}

const SIGNATURE_BYTES = 64;

/** `{"key":"…","ed25519":"…"}` and a line feed, in just one way: a changed bit makes another signature, or none. */
export function encodeSignature({ key, bytes }: Signature): string {
  return `${JSON.stringify({ key, ed25519: bytes.toString("base64") })}\n`;
}

export function decodeSignature(text: string): Signature | Malformed {
  const [, key = "", base64 = ""] =
    /^\{"key":"([0-9a-f]{64})","ed25519":"([A-Za-z0-9+/=]+)"\}\n$/.exec(text) ?? [];
  const signature = { key, bytes: Buffer.from(base64, "base64") };
  const isWhole = signature.bytes.length === SIGNATURE_BYTES && encodeSignature(signature) === text;
  return isWhole ? signature : malformed("is damaged");
}

/** Of one version: who signed it, as far as these keys tell. */
export type SignatureState =
  | { readonly kind: "unsigned" }
  | { readonly kind: "good"; readonly key: string }
  /** Another key than these. */
  | { readonly kind: "unknown"; readonly key: string }
  | { readonly kind: "bad"; readonly why: string };

export function signatureState(
  directory: string,
  digest: string,
  keys: readonly PublicKey[],
): SignatureState {
  const manifest = textIn(join(directory, manifestFile(digest)), MANIFEST_BYTES_MAX);
  return stateOf(signatureIn(directory, digest), manifest, keys);
}

function stateOf(
  signature: Signature | Malformed | undefined,
  manifest: string | undefined,
  keys: readonly PublicKey[],
): SignatureState {
  if (signature === undefined) return { kind: "unsigned" };
  if (isMalformed(signature)) return { kind: "bad", why: `its signature ${signature.malformed}` };
  if (manifest === undefined) return { kind: "bad", why: "it has no manifest" };
  const known = keys.find(({ fingerprint }) => fingerprint === signature.key);
  if (known === undefined) return { kind: "unknown", key: signature.key };
  return verify(null, Buffer.from(manifest, "latin1"), known.key, signature.bytes)
    ? { kind: "good", key: signature.key }
    : { kind: "bad", why: "its signature is not one of its manifest" };
}

/** Fingerprint of the key that a version's signature names, whether it is good or not. */
export function signerOf(directory: string, digest: string): string | undefined {
  const signature = signatureIn(directory, digest);
  return signature === undefined || isMalformed(signature) ? undefined : signature.key;
}

/** Undefined where there is none. */
function signatureIn(directory: string, digest: string): Signature | Malformed | undefined {
  const text = textIn(join(directory, signatureFile(digest)), SIGNATURE_BYTES_MAX);
  return text === undefined ? undefined : decodeSignature(text);
}

/** That one of these keys, as PEM, signed this version of this image. @throws UserError */
export function requireSigned(
  { directory, name, digest }: { directory: string; name: string; digest: string },
  keys: readonly string[],
): void {
  const manifest = textIn(join(directory, manifestFile(digest)), MANIFEST_BYTES_MAX);
  const state = stateOf(signatureIn(directory, digest), manifest, keys.map(publicKeyOf));
  const why = complaintOf(state) ?? manifestComplaint(manifest ?? "", name, digest);
  if (why === undefined) return;
  throw new UserError(`the version ${shortOf(digest)} of the image ${name} is not served: ${why}`);
}

function complaintOf(state: SignatureState): string | undefined {
  switch (state.kind) {
    case "good":
      return undefined;
    case "unsigned":
      return "it is not signed, as image-keys wants it (sidus image sign)";
    case "unknown":
      return `the key that signed it is not one of image-keys: ${shortOf(state.key)}`;
    case "bad":
      return state.why;
    default:
      return unreachable(state);
  }
}

/** What is signed is a manifest: it must be this version's. */
export function manifestComplaint(text: string, name: string, digest: string): string | undefined {
  const manifest = decodeManifest(Buffer.from(text, "latin1").toString());
  if (isMalformed(manifest)) return `its manifest is damaged: ${manifest.malformed}`;
  if (manifest.digest === digest && manifest.name === name) return undefined;
  return `its manifest is that of ${shortOf(manifest.digest)} of ${manifest.name}`;
}

/** Its bytes (latin1); undefined where there is no such file, or one that can be none of ours. */
export function textIn(file: string, bytesMax: number): string | undefined {
  try {
    return statSync(file).size > bytesMax ? undefined : readFileSync(file, "latin1");
  } catch {
    return undefined;
  }
}
