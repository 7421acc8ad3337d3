import { loaderPath } from "../../boot/loader-files.ts";
import { contentOf, openInTree } from "../../boot/served/files.ts";
import type { Config } from "../../config/config.ts";
import { CACHE_BYTES_MIN } from "../../limits.ts";
import type { BiosLoader, MediumLoaders } from "../../medium/medium.ts";
import type { UefiLoader } from "../../medium/uefi-disk.ts";
import { systemClock } from "../../net/clock.ts";
import { Trees } from "../../plane/trees.ts";
import { BlockCache } from "../../tree/cache/cache.ts";
import { Parents } from "../../tree/parents.ts";
import { UserError } from "../../user-error.ts";
import { currentOf } from "../current.ts";
import { installCommand } from "../packages.ts";

/** UEFI's and GRUB's names of what nodes are. */
const platforms = [
  { suffix: "x64", platform: "x86_64-efi" },
  { suffix: "aa64", platform: "arm64-efi" },
] as const;

/** The first place that has a file of this path. */
type Find = (path: string) => Promise<Uint8Array | undefined>;

/** In the trees of the configuration, then on this machine. @throws UserError where something is in neither. */
export async function findMediumLoaders(config: Config | undefined): Promise<MediumLoaders> {
  const cache = BlockCache.create(CACHE_BYTES_MIN);
  await using trees = new Trees({
    clock: systemClock,
    cache,
    parents: Parents.create(),
    warn() {},
  });
  const machine = await trees.open({ kind: "directory", path: "/" });
  const ofConfig =
    config === undefined ? [] : (await currentOf(config, trees, () => undefined)).exports;
  const sources = [...ofConfig.map(({ tree }) => tree), machine];
  const find: Find = async (path) => {
    for (const tree of sources) {
      const file = await openInTree(tree, path);
      if (file !== "missing") return contentOf(file, path);
    }
    return undefined;
  };
  const uefi = await Promise.all(platforms.map((each) => uefiLoader(each, find)));
  const found = uefi.filter((loader) => loader !== undefined);
  if (found.length === 0) throw lacking("GRUB for UEFI", "grub-efi-amd64-bin", config);
  return { bios: await biosLoader(find, config), uefi: found };
}

async function biosLoader(find: Find, config: Config | undefined): Promise<BiosLoader> {
  const need = async (path: string, debian: string): Promise<Uint8Array> => {
    const content = await find(path);
    if (content === undefined) throw lacking(path, debian, config);
    return content;
  };
  return {
    isolinux: await need("/usr/lib/ISOLINUX/isolinux.bin", "isolinux"),
    diskSector: await need("/usr/lib/ISOLINUX/isohdpfx.bin", "isolinux"),
    ldlinux: await need(loaderPath("ldlinux.c32") ?? "", "syslinux-common"),
    ipxe: await need("/usr/lib/ipxe/ipxe.lkrn", "ipxe"),
  };
}

/** Signed ones where both are found: one of them alone starts nothing under Secure Boot. */
async function uefiLoader(
  { suffix, platform }: (typeof platforms)[number],
  find: Find,
): Promise<UefiLoader | undefined> {
  const named = async (name: string) => find(loaderPath(name) ?? "");
  const shim = await named(`shim${suffix}.efi`);
  const signed = shim === undefined ? undefined : await named(`grub${suffix}.efi`);
  const grub = signed ?? (await named(`grubnet${suffix}.efi`));
  if (grub === undefined) return undefined;
  return {
    suffix,
    platform,
    grub,
    shim: signed === undefined ? undefined : shim,
    httpModule: await named(`grub/${platform}/http.mod`),
  };
}

function lacking(what: string, debian: string, config: Config | undefined): UserError {
  const nor = config === undefined ? "" : `in no tree of ${config.file}, and `;
  return new UserError(
    `no ${what}: it is ${nor}not on this machine: \`${installCommand([debian])}\``,
  );
}
