import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { readPrivateKey } from "../../image/store/keys.ts";
import { defaultKeyFile, signManifest } from "../../image/store/signature.ts";
import { verifyVersion } from "../../image/store/verify.ts";
import { manifestFile, shortOf } from "../../image/store/versions.ts";
import { UserError } from "../../user-error.ts";
import { checkName } from "../check.ts";
import { mendable } from "../mendable.ts";
import { openReading } from "./reading.ts";
import { type ImageArguments, print, remedies, storeOf, subcommand, versionOf } from "./shared.ts";

interface SignArguments extends ImageArguments {
  readonly key?: string;
}

export function signCommand(): Command {
  const help = `
What is signed is read first: every byte of it. A signature that was there before, good or bad, is replaced.

Example:
  sudo sidus image sign room`;
  return subcommand("sign", help)
    .description("Sign a version.")
    .argument("<name>", "the image")
    .argument("[version]", "the beginning of its digest (default: the current one)")
    .option("--key <file>", "the private key (default: this machine's)")
    .action((name: string, prefix: string | undefined, given: SignArguments) =>
      mendable(remedies, () => sign(name, prefix, given)),
    );
}

async function sign(name: string, prefix: string | undefined, given: SignArguments): Promise<void> {
  checkName(name);
  const key = given.key ?? defaultKeyFile();
  if (!existsSync(key)) throw new UserError(`there is no key ${key}: sidus image key makes one`);
  readPrivateKey(key);
  const store = storeOf(given);
  const digest = await versionOf(store, name, prefix);
  {
    using reading = openReading("verifying");
    const what = { store, name, digest, keys: [], isToBeSigned: true };
    const { faults } = await verifyVersion({ ...what, ...reading });
    const [fault] = faults;
    if (fault !== undefined) {
      throw new UserError(`${shortOf(digest)} of ${name} is not signed: ${fault}`, { exitCode: 1 });
    }
  }
  const signer = store.locked(name, () =>
    signManifest(join(store.directoryOf(name), manifestFile(digest)), key),
  );
  print(given, { name, digest, signer }, `${name}: ${shortOf(digest)} is signed: ${signer}\n`);
}
