import { createHmac, randomBytes } from "node:crypto";
import { linkSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../user-error.ts";
import { makeDirectory, NEW_FILE, syncDirectory, withFile } from "./durable.ts";

const KEY_BYTES = 32;
/** Open-iscsi takes more, Windows no more than 16 and no less than 12 (RFC 7143 §12.1.3: 96 bits at least, or IPsec). */
const SECRET_LENGTH = 16;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** What initiators and targets prove to each other that they know (RFC 1994): another secret for each volume. */
export interface ChapSecrets {
  /** The initiator proves that it is the volume's node. */
  readonly secret: string;
  /** The target proves itself; RFC 7143 §9.2.1 forbids that it be the same. */
  readonly mutual: string;
}

export function secretsOf(key: Uint8Array, name: string): ChapSecrets {
  return {
    secret: secretOf(key, `initiator\0${name}`),
    mutual: secretOf(key, `target\0${name}`),
  };
}

/** 16 characters of 62: 95 bits. Of the 256 bits that they come from, enough are left to hide that 62 divides none. */
function secretOf(key: Uint8Array, purpose: string): string {
  const digest = createHmac("sha256", key).update(purpose).digest("hex");
  let rest = BigInt(`0x${digest}`);
  let secret = "";
  while (secret.length < SECRET_LENGTH) {
    secret += alphabet[Number(rest % 62n)];
    rest /= 62n;
  }
  return secret;
}

/** `chap.key` in a directory of volumes; made where it is not there. @throws UserError where it is none. */
export async function chapKey(directory: string): Promise<Uint8Array> {
  const file = join(directory, "chap.key");
  return keyIn(file) ?? (await makeKey(directory, file));
}

async function makeKey(directory: string, file: string): Promise<Uint8Array> {
  await makeDirectory(directory);
  const temporary = `${file}.${randomBytes(8).toString("hex")}`;
  try {
    await withFile(temporary, NEW_FILE, async (made) => {
      await made.write(randomBytes(KEY_BYTES));
      await made.sync();
    });
    // Of two that make one at once, the first is it.
    linkSync(temporary, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  await syncDirectory(directory);
  const key = keyIn(file);
  if (key === undefined) throw new UserError(`${file} was removed as it was made: try again`);
  return key;
}

function keyIn(file: string): Uint8Array | undefined {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if ((stats.mode & 0o077) !== 0) {
    throw new UserError(`${file} may be read by others than its owner: chmod 600 ${file}`);
  }
  const key = readFileSync(file);
  if (key.length === KEY_BYTES) return key;
  throw new UserError(
    `${file} is damaged: put it back from a backup, or remove it and give all nodes their new secrets (sidus volume secret)`,
  );
}
