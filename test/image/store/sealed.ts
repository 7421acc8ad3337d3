import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeKey, type NewKey } from "../../../src/image/store/keys.ts";
import type { Manifest } from "../../../src/image/store/manifest.ts";
import { sealTree } from "../../../src/image/store/seal.ts";
import { ImageStore } from "../../../src/image/store/store.ts";
import { directoryOf } from "../../sidus.ts";

/** Small sealed images, as tests of what is done with them need. */

export function newStore(): ImageStore {
  return new ImageStore(join(directoryOf({}), "images"));
}

/** Answers its manifest. `minute` tells which is the newer one. */
export function seal(
  store: ImageStore,
  files: Readonly<Record<string, string>>,
  {
    name = "room",
    key,
    minute = 0,
    tree = directoryOf(files),
  }: { name?: string; key?: string; minute?: number; tree?: string } = {},
): Promise<Manifest> {
  return sealTree({
    name,
    tree,
    store,
    version: "0.1.0",
    sealedAt: new Date(minute * 60_000),
    origin: { made: "seal of a test", parent: undefined, recipe: undefined },
    key,
  });
}

export function newKey(): NewKey {
  const directory = directoryOf({});
  return makeKey(join(directory, "image.key"));
}

/** A key that is none of Ed25519. */
export function otherKey(): string {
  const file = join(directoryOf({}), "rsa.key");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }));
  return file;
}

/** Changes one bit of a file, and back with the next call of the same. */
export function flipBit(file: string, bit: number): void {
  const bytes = readFileSync(file);
  const at = Math.floor(bit / 8) % bytes.length;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8));
  writeFileSync(file, bytes);
}
