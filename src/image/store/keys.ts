import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { UserError } from "../../user-error.ts";

/** Keys of Ed25519 (RFC 8032) in PEM: PKCS #8 for those that sign, SubjectPublicKeyInfo for those that are trusted. */

export interface PublicKey {
  readonly key: KeyObject;
  /** SHA-256 of the key as DER, in hexadecimal. */
  readonly fingerprint: string;
}

export interface NewKey {
  /** 0600: whoever has it can sign. */
  readonly file: string;
  readonly publicFile: string;
  readonly fingerprint: string;
}

export function publicFileOf(file: string): string {
  return `${file}.pub`;
}

/** @throws UserError where one is already. */
export function makeKey(file: string): NewKey {
  const publicFile = publicFileOf(file);
  for (const path of [file, publicFile]) {
    if (existsSync(path)) throw new UserError(`${path} is already there: a key is never replaced`);
  }
  const pair = generateKeyPairSync("ed25519");
  const privatePem = pair.privateKey.export({ type: "pkcs8", format: "pem" });
  writeFileSync(file, privatePem, { mode: 0o600, flag: "wx" });
  try {
    writeFileSync(publicFile, pemOf(pair.publicKey), { mode: 0o644, flag: "wx" });
  } catch (error) {
    rmSync(file);
    throw error;
  }
  return { file, publicFile, fingerprint: fingerprintOf(pair.publicKey) };
}

/** @throws UserError */
export function readPrivateKey(file: string): KeyObject {
  const key = keyIn(file, "private", createPrivateKey);
  if (key !== undefined) return key;
  throw new UserError(`${file}: expected a private key of Ed25519: sidus image key makes one`);
}

/** @throws UserError */
export function readPublicKey(file: string): PublicKey {
  return publicKeyOf(readPublicPem(file));
}

/** Checked, and as it was written: for another thread. @throws UserError */
export function readPublicPem(file: string): string {
  const isPublic = (text: string): boolean => text.includes("BEGIN PUBLIC KEY");
  const key = keyIn(file, "public", (text) => {
    if (!isPublic(text)) throw new Error("it is no public key");
    return createPublicKey(text);
  });
  if (key !== undefined) return pemOf(key);
  throw new UserError(
    `${file}: expected a public key of Ed25519, as sidus image key writes it: KEY.pub`,
  );
}

export function publicKeyOf(pem: string): PublicKey {
  const key = createPublicKey(pem);
  return { key, fingerprint: fingerprintOf(key) };
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "spki", format: "pem" }).toString();
}

export function fingerprintOf(key: KeyObject): string {
  const half = key.type === "private" ? createPublicKey(key) : key;
  return createHash("sha256")
    .update(half.export({ type: "spki", format: "der" }))
    .digest("hex");
}

/** Undefined for what is none of Ed25519. */
function keyIn(
  file: string,
  kind: "private" | "public",
  parse: (text: string) => KeyObject,
): KeyObject | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new UserError(`the ${kind} key ${file} cannot be read: ${String(cause)}`, { cause });
  }
  try {
    const key = parse(text);
    return key.asymmetricKeyType === "ed25519" ? key : undefined;
  } catch {
    return undefined;
  }
}
