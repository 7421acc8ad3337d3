import { existsSync } from "node:fs";
import process from "node:process";
import type { Command } from "commander";
import { type PublicKey, publicFileOf, readPublicKey } from "../../image/store/keys.ts";
import { defaultKeyFile } from "../../image/store/signature.ts";
import type { ImageStore } from "../../image/store/store.ts";
import { linkFault, type Verified, verifyVersion } from "../../image/store/verify.ts";
import { digestsIn, shortOf } from "../../image/store/versions.ts";
import { checkName } from "../check.ts";
import { mendable } from "../mendable.ts";
import { openReading, type Reading } from "./reading.ts";
import { type ImageArguments, print, remedies, storeOf, subcommand } from "./shared.ts";

interface VerifyArguments extends ImageArguments {
  readonly key?: readonly string[];
}

export function verifyCommand(): Command {
  const append = (value: string, before: readonly string[] = []) => [...before, value];
  const help = `
Reads every byte of the images and compares it with their digests, and judges their manifests and signatures. Exit code
1 where anything is wrong. With --key one of these keys must have signed every version; without, signatures are judged
by the public half of this machine's own key, where it has one.

Example:
  sidus image verify room
  sidus image verify room 3f9a6c02 --key /etc/sidus/image.key.pub`;
  return subcommand("verify", help)
    .description("Find what was changed or damaged in images.")
    .argument("[name]", "only this image")
    .argument("[version]", "only the version whose digest begins so")
    .option("--key <file>", "a public key; repeatable", append)
    .action((name: string | undefined, prefix: string | undefined, given: VerifyArguments) =>
      mendable(remedies, () => verify(name, prefix, given)),
    );
}

async function verify(
  name: string | undefined,
  prefix: string | undefined,
  given: VerifyArguments,
): Promise<void> {
  if (name !== undefined) checkName(name);
  const store = storeOf(given);
  const keys = given.key?.map(readPublicKey) ?? ownKeys();
  const names = name === undefined ? await store.names() : [name];
  const verified: Verified[] = [];
  const links: { readonly name: string; readonly fault: string }[] = [];
  for (const each of names) {
    for (const digest of await digestsOf(store, each, prefix)) {
      using reading: Reading = openReading("verifying", `${each} ${shortOf(digest)}`);
      const mustBeSigned = given.key !== undefined;
      verified.push(
        await verifyVersion({ store, name: each, digest, keys, mustBeSigned, ...reading }),
      );
    }
    const fault = prefix === undefined ? await linkFault(store, each) : undefined;
    if (fault !== undefined) links.push({ name: each, fault });
  }
  const isWrong = links.length > 0 || verified.some(({ faults }) => faults.length > 0);
  if (isWrong) process.exitCode = 1;
  const lines = [
    ...verified.map(renderVerified),
    ...links.map((link) => `${link.name}: ${link.fault}\n`),
  ];
  print(given, { versions: verified, images: links }, lines.join("") || "there are no images\n");
}

async function digestsOf(
  store: ImageStore,
  name: string,
  prefix: string | undefined,
): Promise<readonly string[]> {
  if (prefix !== undefined) return [await store.find(name, prefix)];
  const digests = await digestsIn(store.directoryOf(name));
  if (digests.length === 0) throw store.noImage(name);
  return digests.sort();
}

/** Of this machine: the public half of what signs here. */
function ownKeys(): readonly PublicKey[] {
  const file = publicFileOf(defaultKeyFile());
  return existsSync(file) ? [readPublicKey(file)] : [];
}

function renderVerified({ name, digest, faults, signature }: Verified): string {
  const version = `${name}: ${shortOf(digest)}`;
  if (faults.length > 0) return faults.map((fault) => `${version} is bad: ${fault}\n`).join("");
  switch (signature.kind) {
    case "good":
      return `${version} is good, signed by ${shortOf(signature.key)}\n`;
    case "unknown":
      return `${version} is good; whether ${shortOf(signature.key)} signed it is not known: give --key\n`;
    default:
      return `${version} is good\n`;
  }
}
