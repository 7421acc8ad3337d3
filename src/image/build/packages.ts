import type { Recipe } from "../recipe/recipe.ts";
import type { Settings } from "../settings/settings.ts";
import type { Distribution } from "./distribution.ts";

/** A system that boots from the network, and no more. */
const base = [
  "e2fsprogs",
  "iproute2",
  "kmod",
  "login",
  "open-iscsi",
  "passwd",
  "systemd-sysv",
  "udev",
  "zstd",
];

const initramfs: Readonly<Record<Recipe["initramfs"], readonly string[]>> = {
  "initramfs-tools": ["initramfs-tools"],
  // Of klibc are the DHCP client and the NFS mount that initramfs-tools brings by itself.
  dracut: ["dracut", "klibc-utils"],
};

/** All that is installed by name, each once, sorted. */
export function packagesOf(
  recipe: Recipe,
  settings: Pick<Settings, "packages">,
  { distribution, architecture }: { distribution: Distribution; architecture: string },
): string[] {
  const names = [
    ...base,
    ...initramfs[recipe.initramfs],
    ...(distribution.loaders[architecture] ?? []),
    recipe.kernel ?? distribution.kernel(architecture),
    ...settings.packages,
    ...recipe.include,
  ];
  return [...new Set(names)].filter((name) => !recipe.exclude.includes(name)).sort();
}

/** Nobody reads these on a node; licences stay. */
export const pathExcludes = [
  "/usr/share/doc/*",
  "/usr/share/info/*",
  "/usr/share/locale/*",
  "/usr/share/man/*",
];

export const pathIncludes = ["/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias"];

/** dpkg.cfg(5), in the tree for good; `kept` of what is excluded otherwise. */
export function dpkgOptions(kept: readonly string[]): string[] {
  return [
    ...pathExcludes.map((path) => `path-exclude=${path}`),
    ...[...pathIncludes, ...kept].map((path) => `path-include=${path}`),
  ];
}

/** apt_preferences(5): below 0 a package is never installed. */
export function refusals(names: readonly string[]): string {
  return names.map((name) => `Package: ${name}\nPin: release *\nPin-Priority: -1\n`).join("\n");
}
