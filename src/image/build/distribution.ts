import { existsSync } from "node:fs";
import { UserError } from "../../user-error.ts";

/** What differs between those that trees are built of. Architectures by Debian's names. */
export interface Distribution {
  readonly name: "debian" | "ubuntu";
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** The key of its archive, at the same place on the machine that builds and in the tree. */
  readonly keyring: { readonly file: string; readonly package: string };
  kernel(architecture: string): string;
  readonly loaders: Readonly<Record<string, readonly string[]>>;
}

/** They have neither updates nor security updates apart from themselves. */
const rolling: readonly string[] = ["sid", "unstable", "testing"];

const kernelFlavours: Readonly<Record<string, string>> = { i386: "686-pae", armhf: "armmp" };

/** For BIOS and UEFI, signed ones too. */
const amd64Loaders = [
  "grub-efi-amd64-bin",
  "grub-efi-amd64-signed",
  "ipxe",
  "pxelinux",
  "shim-signed",
  "syslinux-common",
];

const debian: Distribution = {
  name: "debian",
  suites: ["bullseye", "bookworm", "trixie", "forky", "duke", "stable", ...rolling],
  components: ["main"],
  keyring: {
    file: "/usr/share/keyrings/debian-archive-keyring.gpg",
    package: "debian-archive-keyring",
  },
  kernel: (architecture) => `linux-image-${kernelFlavours[architecture] ?? architecture}`,
  loaders: {
    amd64: amd64Loaders,
    i386: ["grub-efi-ia32-bin", "ipxe", "pxelinux", "syslinux-common"],
    arm64: ["grub-efi-arm64-bin", "grub-efi-arm64-signed", "shim-signed"],
  },
};

const ubuntu: Distribution = {
  name: "ubuntu",
  suites: ["focal", "jammy", "noble", "oracular", "plucky", "questing", "resolute"],
  components: ["main", "universe"],
  keyring: {
    file: "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    package: "ubuntu-keyring",
  },
  kernel: () => "linux-image-generic",
  loaders: {
    amd64: amd64Loaders,
    arm64: ["grub-efi-arm64-bin", "grub-efi-arm64-signed", "shim-signed"],
  },
};

/** A suite that nobody here knows is Debian's, or a derivative's that keeps its names, if mirrors are written. @throws UserError */
export function distributionOf(suite: string, mirrors: readonly string[]): Distribution {
  const known = [debian, ubuntu].find(({ suites }) => suites.includes(suite));
  if (known !== undefined) return known;
  if (mirrors.length > 0) return mirrors.join().includes("ubuntu") ? ubuntu : debian;
  const names = [debian, ubuntu].flatMap(({ suites }) => suites).join(", ");
  throw new UserError(
    `suite ${suite} is not known (${names}): say where it is by mirrors (--mirror)`,
  );
}

/**
 * Whether its /usr is merged only by a package that wants perl (usrmerge) or that takes for granted that it is
 * (usr-is-merged). Later suites come merged, with base-files; earlier ones need not be.
 */
export function comesUnmerged(suite: string): boolean {
  return suite === "bookworm";
}

export interface Source {
  readonly suite: string;
  readonly components: readonly string[];
  /** URLs, `deb …` lines, or files of either kind that apt reads. */
  readonly mirrors: readonly string[];
}

/**
 * Lines for apt; files stay files. None where no mirror is written: each bootstrap knows its distribution's own archive.
 * @throws UserError where the archive could not be trusted.
 */
export function sourcesOf(distribution: Distribution, source: Source): string[] {
  const { suite, components, mirrors } = source;
  if (mirrors.length === 0) keyringOf(distribution, suite);
  return mirrors.map((mirror) =>
    /^[a-z]+:\S*$/.test(mirror)
      ? `deb [signed-by=${keyringOf(distribution, suite)}] ${mirror} ${suite} ${components.join(" ")}`
      : mirror,
  );
}

/** Updates and security updates beside an archive; Debian has the latter at a path of their own. */
export function updatesOf(
  archive: string,
  { suite, components }: Omit<Source, "mirrors">,
): string[] {
  if (rolling.includes(suite)) return [];
  const among = components.join(" ");
  const security = archive.replace(/\/debian\/?$/, "/debian-security");
  return [`deb ${archive} ${suite}-updates ${among}`, `deb ${security} ${suite}-security ${among}`];
}

function keyringOf({ keyring }: Distribution, suite: string): string {
  if (existsSync(keyring.file)) return keyring.file;
  throw new UserError(
    `${suite}: ${keyring.file} is missing, so nothing of it can be trusted: apt-get install ${keyring.package} (of that distribution, where this one has none), or write the key into mirrors: "deb [signed-by=FILE] URL ${suite} main"`,
  );
}
