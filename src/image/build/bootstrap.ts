import type { BuildOptions } from "./build.ts";

/** Debian's names of the kernel packages that differ from the architecture's. */
const kernelFlavours: Readonly<Record<string, string>> = { i386: "686-pae", armhf: "armmp" };

export function kernelPackage(architecture: string): string {
  return `linux-image-${kernelFlavours[architecture] ?? architecture}`;
}

/** Loaders for BIOS and UEFI, signed ones too. */
const amd64Loaders = [
  "grub-efi-amd64-bin",
  "grub-efi-amd64-signed",
  "ipxe",
  "pxelinux",
  "shim-signed",
  "syslinux-common",
];

const loaders: Readonly<Record<string, readonly string[]>> = {
  amd64: amd64Loaders,
  i386: ["grub-efi-ia32-bin", "ipxe", "pxelinux", "syslinux-common"],
  arm64: ["grub-efi-arm64-bin", "grub-efi-arm64-signed", "shim-signed"],
};

/** A system that boots from the network, and no more. */
const packages = [
  "e2fsprogs",
  "initramfs-tools",
  "iproute2",
  "kmod",
  "login",
  "open-iscsi",
  "passwd",
  "systemd-sysv",
  "udev",
  "zstd",
];

/** Nobody reads these on a node; licences stay. */
const pathExcludes = [
  "/usr/share/doc/*",
  "/usr/share/info/*",
  "/usr/share/locale/*",
  "/usr/share/man/*",
];
const pathIncludes = ["/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias"];

/** Keeps bookworm from installing perl only to merge /usr, and so from 70 MB. */
export const MERGED_USR_HOOKS = "/usr/share/mmdebstrap/hooks/maybe-merged-usr";

/** What the hooks below find in their environment. */
export interface BootstrapPaths {
  /** Files to lay over the tree before a kernel comes. */
  readonly overlay: string;
  /** `root:PASSWORD`, as chpasswd reads it; undefined leaves root without a password that fits. */
  readonly passwords: string | undefined;
}

export function bootstrapEnvironment(paths: BootstrapPaths): Record<string, string> {
  return {
    SIDUS_OVERLAY: paths.overlay,
    ...(paths.passwords === undefined ? {} : { SIDUS_PASSWORDS: paths.passwords }),
  };
}

/** The command line of mmdebstrap. The kernel comes last and by itself: so its initrd is made once, with our hooks. */
export function bootstrapCommand(
  options: Pick<BuildOptions, "suite" | "include" | "mirrors">,
  machine: { readonly architecture: string; readonly hasMergedUsrHooks: boolean },
  paths: BootstrapPaths,
  target: string,
): string[] {
  const kernel = kernelPackage(machine.architecture);
  return [
    "mmdebstrap",
    "--verbose",
    "--mode=root",
    "--variant=minbase",
    "--format=directory",
    `--include=${[...packages, ...(loaders[machine.architecture] ?? []), ...options.include].join(",")}`,
    '--aptopt=APT::Install-Recommends "false"',
    ...pathExcludes.map((path) => `--dpkgopt=path-exclude=${path}`),
    ...pathIncludes.map((path) => `--dpkgopt=path-include=${path}`),
    ...(machine.hasMergedUsrHooks ? [`--hook-dir=${MERGED_USR_HOOKS}`] : []),
    '--essential-hook=cp -a "$SIDUS_OVERLAY/." "$1/"',
    `--customize-hook=APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes install -oDPkg::Chroot-Directory="$1" ${kernel}`,
    ...(paths.passwords === undefined
      ? []
      : ['--customize-hook=chroot "$1" chpasswd <"$SIDUS_PASSWORDS"']),
    options.suite,
    target,
    ...options.mirrors,
  ];
}
