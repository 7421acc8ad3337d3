import { resolve } from "node:path";
import { Command } from "commander";
import { makeKey } from "../../image/store/keys.ts";
import { mendable } from "../mendable.ts";
import { print } from "./shared.ts";

export function keyCommand(): Command {
  return new Command("key")
    .description("Make a key that signs images.")
    .argument("<file>", "where it goes; the public half goes to FILE.pub")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      `
Keep FILE to yourself: versions are signed with it (sidus image seal --key, sidus image sign). Without --key it is
/etc/sidus/image.key, or an ordinary user's ~/.config/sidus/image.key, where there is one. Servers get FILE.pub, and in
sidus.yaml image-keys: FILE.pub; from then on they serve no version that it did not sign.

Example:
  sudo sidus image key /etc/sidus/image.key`,
    )
    .action((file: string, given: { readonly json?: true }) =>
      mendable(remedies, async () => key(resolve(file), given)),
    );
}

function key(path: string, given: { readonly json?: true }): void {
  const { file, publicFile, fingerprint } = makeKey(path);
  const text = `${file} signs, ${publicFile} is for image-keys in sidus.yaml; fingerprint ${fingerprint}\n`;
  print(given, { file, publicFile, fingerprint }, text);
}

const remedies = {
  EACCES: "run as root, or choose another FILE",
  EEXIST: "a key is never replaced: choose another FILE",
  ENOENT: "make that directory first, or choose another FILE",
  ENOTDIR: "choose another FILE",
  EROFS: "choose another FILE",
};
