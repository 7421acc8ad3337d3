import { sign } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { isRootOfMachine } from "../namespace/user-namespace.ts";
import { fingerprintOf, readPrivateKey } from "./keys.ts";
import { replaceFile } from "./replace.ts";
import { encodeSignature } from "./signed.ts";

/** Where the key is that signs unless one says. */
export function defaultKeyFile(): string {
  return isRootOfMachine() ? "/etc/sidus/image.key" : join(homedir(), ".config/sidus/image.key");
}

/** File of the key that signs: this one, or that of this machine where there is one. @throws UserError for a bad one. */
export function signingKey(keyFile: string | undefined): string | undefined {
  const file = keyFile ?? (existsSync(defaultKeyFile()) ? defaultKeyFile() : undefined);
  if (file !== undefined) readPrivateKey(file);
  return file;
}

/**
 * Signs the version of this manifest: with the key in `keyFile`, or the one of this machine where there is one. Answers
 * the key's fingerprint; undefined: it is not signed, and has no signature of what was there before.
 * @throws UserError for a key that cannot be used.
 */
export function signManifest(manifest: string, keyFile?: string): string | undefined {
  const file = manifest.replace(/\.json$/, ".sig");
  const own = signingKey(keyFile);
  if (own === undefined) {
    rmSync(file, { force: true });
    return undefined;
  }
  const key = readPrivateKey(own);
  const signature = {
    key: fingerprintOf(key),
    bytes: sign(null, readFileSync(manifest), key),
  };
  replaceFile(file, encodeSignature(signature), 0o644);
  return signature.key;
}
