/** Where Debian's packages put the files that loaders and firmware ask for by a bare name. */

const pxelinux = "/usr/lib/PXELINUX";
const syslinux = "/usr/lib/syslinux/modules/bios";
const ipxe = "/usr/lib/ipxe";

/** GRUB's platforms, as it names them itself, by what UEFI adds to names of EFI programs (UEFI 2.10 §3.5.1.1). */
const grubPlatforms = [
  ["x64", "x86_64-efi"],
  ["ia32", "i386-efi"],
  ["aa64", "arm64-efi"],
  ["arm", "arm-efi"],
] as const;

/** What firmware is told to fetch: name → path in a tree. */
const first: ReadonlyMap<string, string> = new Map([
  ...["pxelinux.0", "lpxelinux.0"].map((name) => [name, `${pxelinux}/${name}`] as const),
  ...["undionly.kpxe", "ipxe.pxe", "snponly.efi", "ipxe.efi"].map(
    (name) => [name, `${ipxe}/${name}`] as const,
  ),
  ...grubPlatforms.flatMap(([suffix, platform]) => {
    const grubnet = `grubnet${suffix}.efi`;
    return [
      [grubnet, `/usr/lib/grub/${platform}/monolithic/${grubnet}`],
      [`shim${suffix}.efi`, `/usr/lib/shim/shim${suffix}.efi.signed`],
    ] as const;
  }),
]);

/** What these fetch themselves, by names that are compiled into them. */
const second: ReadonlyMap<string, string> = new Map([
  ["ldlinux.c32", `${syslinux}/ldlinux.c32`],
  ...grubPlatforms.flatMap(
    ([suffix, platform]) =>
      [
        // Of the signed ones that Debian has, shim is to start the one that is made for the network.
        [`grub${suffix}.efi`, `/usr/lib/grub/${platform}-signed/grubnet${suffix}.efi.signed`],
        [`mm${suffix}.efi`, `/usr/lib/shim/mm${suffix}.efi.signed`],
      ] as const,
  ),
]);

/** Whoever fetches one of these is it from then on. */
export function isFirstLoader(name: string): boolean {
  return first.has(name);
}

export const loaderNames: readonly string[] = [...first.keys(), ...second.keys()];

/** Where in a tree the file of this name is, as a loader asks for it; undefined: no loader's file is called so. */
export function loaderPath(name: string): string | undefined {
  const module = name.endsWith(".c32") && !name.includes("/") ? `${syslinux}/${name}` : undefined;
  return first.get(name) ?? second.get(name) ?? module ?? grubPath(name);
}

/** `grub/x86_64-efi/tftp.mod`: what GRUB looks for below its prefix, `/grub`. */
function grubPath(name: string): string | undefined {
  const [, platform, file] = /^grub\/([^/]+)\/([^/]+)$/.exec(name) ?? [];
  const isKnown = grubPlatforms.some(([, known]) => known === platform);
  return isKnown ? `/usr/lib/grub/${platform}/${file}` : undefined;
}
