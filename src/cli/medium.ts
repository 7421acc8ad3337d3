import { extname, resolve } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { parseIpv4 } from "../bytes/ipv4.ts";
import { loadConfig } from "../config/load.ts";
import { writeMedium } from "../medium/medium.ts";
import { type MediumServer, urlOf } from "../medium/scripts.ts";
import { interfaceAddresses } from "../net/interfaces.ts";
import { UserError } from "../user-error.ts";
import { findMediumLoaders } from "./medium/loaders.ts";
import { mendable } from "./mendable.ts";
import { requirePackages } from "./packages.ts";

interface MediumArguments {
  readonly out: string;
  readonly config?: string;
  readonly url?: string;
}

export function mediumCommand(): Command {
  return new Command("medium")
    .description("Write a CD or USB stick that boots nodes where sidus may not answer DHCP.")
    .requiredOption("--out <file>", "boot.iso or boot.img: the same, for CDs and USB sticks alike")
    .option(
      "--config <file>",
      "goes to the server of this sidus.yaml, with the loaders of its trees",
    )
    .option("--url <url>", "goes to this server: http://ADDRESS[:PORT]/")
    .addHelpText(
      "after",
      `
A node that starts from it gets its address from whatever DHCP server there is, on any of its network cards, and what it
boots from sidus: BIOS by iPXE, UEFI by GRUB, with Secure Boot where signed loaders are found. BIOS needs HTTP; UEFI
needs TFTP under Secure Boot, or where HTTP has another port than 80, and else HTTP.

Needs no root. Loaders come from the trees of --config; those that they lack, and all for --url, from this machine's
packages. \`sidus doctor medium --fix\` installs what writes the image.

Example:
  sidus medium --out boot.iso --config /etc/sidus/sidus.yaml
  sidus medium --out boot.img --url http://10.13.20.1/`,
    )
    .action((given: MediumArguments) => mendable(remedies, () => medium(given)));
}

const remedies = {
  EACCES: "choose a directory that you may write to",
  ENOENT: "the directory must be there",
  ENOSPC: "make room, or choose another directory",
};

async function medium(given: MediumArguments): Promise<void> {
  const output = checkedOutput(given.out);
  const { url } = given;
  if ((given.config === undefined) === (url === undefined)) {
    throw new UserError("expected either --config FILE or --url http://ADDRESS[:PORT]/");
  }
  requirePackages("medium");
  const config =
    given.config === undefined ? undefined : loadConfig(given.config, interfaceAddresses());
  const server =
    config === undefined
      ? parseServer(url ?? "")
      : { address: config.address, httpPort: config.ports.http };
  const loaders = await findMediumLoaders(config);
  await writeMedium(output, loaders, server);
  const platforms = loaders.uefi.map(
    ({ suffix, shim }) => `UEFI ${suffix}${shim === undefined ? " without" : " and"} Secure Boot`,
  );
  process.stdout.write(`${given.out}: BIOS, ${platforms.join(", ")}; goes to ${urlOf(server)}\n`);
}

function checkedOutput(out: string): string {
  if ([".iso", ".img"].includes(extname(out))) return resolve(out);
  throw new UserError(`--out: expected a name that ends in .iso or .img, found "${out}"`);
}

/** By its address, as a node may have nobody to ask for names. */
function parseServer(url: string): MediumServer {
  const [, host = "", port = "80"] = /^http:\/\/([\d.]+)(?::(\d{1,5}))?\/?$/.exec(url) ?? [];
  const address = parseIpv4(host);
  const httpPort = Number(port);
  if (address === undefined || httpPort < 1 || httpPort > 65_535) {
    throw new UserError(
      `--url: expected http://ADDRESS[:PORT]/ with an IPv4 address, found "${url}"`,
    );
  }
  return { address, httpPort };
}
