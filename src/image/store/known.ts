import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isMalformed, type Malformed, malformed } from "../../bytes/malformed.ts";
import { MANIFEST_BYTES_MAX, SBOM_BYTES_MAX } from "../../limits.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";
import { manifestComplaint, textIn } from "./signed.ts";
import { manifestFile, sbomFile } from "./versions.ts";

/** What is written down of a version, or why it cannot be believed: each part names what is in the next. */
export function knownOf(directory: string, name: string, digest: string): Manifest | Malformed {
  const text = textIn(join(directory, manifestFile(digest)), MANIFEST_BYTES_MAX);
  if (text === undefined) return malformed("it has no manifest");
  const complaint = manifestComplaint(text, name, digest);
  const manifest = decodeManifest(Buffer.from(text, "latin1").toString());
  if (complaint !== undefined || isMalformed(manifest)) return malformed(complaint ?? "");
  const fault = sbomFault(manifest, bytesIn(join(directory, sbomFile(digest))));
  return fault === undefined ? manifest : malformed(fault);
}

/** Undefined where the bill of materials is the one that the manifest names; older manifests name none. */
export function sbomFault({ sbom }: Manifest, bytes: Uint8Array | undefined): string | undefined {
  if (sbom === undefined) return undefined;
  if (bytes === undefined) return "its bill of materials is missing";
  return sbomDigest(bytes) === sbom ? undefined : "its bill of materials was changed or damaged";
}

/** SHA-256, hexadecimal. */
export function sbomDigest(sbom: string | Uint8Array): string {
  return createHash("sha256").update(sbom).digest("hex");
}

function bytesIn(file: string): Uint8Array | undefined {
  try {
    return statSync(file).size > SBOM_BYTES_MAX ? undefined : readFileSync(file);
  } catch {
    return undefined;
  }
}
