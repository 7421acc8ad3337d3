import { Architecture, type NodeFacts } from "./facts.ts";
import { isRaspberryPi, RASPBERRY_LOADER } from "./raspberry.ts";

/** What the administrator wants firmware to start with; `auto`: what fits the firmware best. */
export const loaderChoices = ["auto", "pxelinux", "lpxelinux", "ipxe", "grub", "shim"] as const;
export type LoaderChoice = (typeof loaderChoices)[number];

/** What iPXE is told to fetch: always there, as it is rendered. */
export const IPXE_SCRIPT = "boot.ipxe";

/** For each choice, the loaders that this firmware can start, best first; none: the choice does not fit it. */
type Choices = Readonly<Record<LoaderChoice, readonly string[]>> & {
  /** Those that look for their files only where the firmware's own DHCP exchange said. */
  readonly misled: readonly string[];
  /** What HTTP boot starts instead of those. */
  readonly disks: readonly string[];
};

const biosIpxe = ["undionly.kpxe", "ipxe.pxe"];
const bios: Choices = {
  auto: ["lpxelinux.0", "pxelinux.0", ...biosIpxe],
  pxelinux: ["pxelinux.0"],
  lpxelinux: ["lpxelinux.0"],
  ipxe: biosIpxe,
  grub: [],
  shim: [],
  misled: [],
  disks: [],
};

/** The suffix is UEFI's for the names of programs; Debian has EFI programs of iPXE for x64 alone. */
function uefi(suffix: string, ipxe: readonly string[] = []): Choices {
  const shim = [`shim${suffix}.efi`];
  const grub = [`grubnet${suffix}.efi`];
  const misled = [...shim, ...grub];
  const auto = [...misled, ...ipxe];
  return { auto, pxelinux: [], lpxelinux: [], ipxe, grub, shim, misled, disks: [diskOf(suffix)] };
}

/** `uefi-x64.img`: a disk with shim and GRUB, which HTTP boot takes as well as a program. */
function diskOf(suffix: string): string {
  return `uefi-${suffix}.img`;
}

/** `x64`; undefined: no disk is called so. */
export function diskSuffix(name: string): string | undefined {
  return /^uefi-(x64|ia32|aa64|arm)\.img$/.exec(name)?.[1];
}

const ia32 = uefi("ia32");
// The one that works with any driver of the firmware's goes before the one that brings its own.
const x64 = uefi("x64", ["snponly.efi", "ipxe.efi"]);
const arm32 = uefi("arm");
const arm64 = uefi("aa64");

const choicesOf: ReadonlyMap<number, Choices> = new Map([
  [Architecture.BIOS, bios],
  [Architecture.BIOS_HTTP, bios],
  [Architecture.UEFI_IA32, ia32],
  [Architecture.UEFI_IA32_HTTP, ia32],
  [Architecture.UEFI_X64, x64],
  [Architecture.UEFI_X64_EBC, x64],
  [Architecture.UEFI_X64_HTTP, x64],
  [Architecture.UEFI_ARM32, arm32],
  [Architecture.UEFI_ARM32_HTTP, arm32],
  [Architecture.UEFI_ARM64, arm64],
  [Architecture.UEFI_ARM64_HTTP, arm64],
] as const);

const httpArchitectures: readonly number[] = [
  Architecture.BIOS_HTTP,
  Architecture.UEFI_IA32_HTTP,
  Architecture.UEFI_X64_HTTP,
  Architecture.UEFI_ARM32_HTTP,
  Architecture.UEFI_ARM64_HTTP,
];

/**
 * The loader that was chosen, where it fits, then what fits besides; iPXE wants its script unless it is to start another.
 * GRUB looks for its files where the firmware's PXE stack has its address from. Where that is another server (`proxied`),
 * it finds none (rhboot/grub2#56): iPXE goes first.
 */
export function loadersFor(
  facts: NodeFacts,
  choice: LoaderChoice,
  proxied: boolean,
): readonly string[] {
  const choices = choicesOf.get(facts.architecture ?? Number.NaN);
  const wanted = choice === "auto" ? [] : (choices?.[choice] ?? []);
  if (facts.isIpxe) {
    const isMisled = (name: string): boolean => choices?.misled.includes(name) === true;
    const others = wantsUrl(facts) ? wanted.filter((name) => !isMisled(name)) : wanted;
    return [...(choice === "ipxe" ? [] : others), IPXE_SCRIPT];
  }
  if (choices === undefined) return [];
  if (wantsUrl(facts)) return byHttp(choices, wanted);
  const misled = proxied ? choices.misled : [];
  const fitting = choices.auto.filter((name) => !misled.includes(name));
  return [...new Set([...wanted, ...fitting, ...misled])];
}

/**
 * HTTP boot leaves the PXE stack without a server, and GRUB stands still at its prompt: it is started from a disk instead.
 * iPXE goes first, as it fetches all by HTTP; where Secure Boot refuses it, the node comes back and gets the disk.
 */
function byHttp({ auto, misled, disks }: Choices, wanted: readonly string[]): readonly string[] {
  const [first, ...others] = auto.filter((name) => !misled.includes(name));
  const chosen = wanted.flatMap((name) => (misled.includes(name) ? disks : [name]));
  return [...new Set([...chosen, ...(first === undefined ? [] : [first]), ...disks, ...others])];
}

/** UEFI HTTP boot takes URLs only, and iPXE its script by HTTP; all else is fetched by TFTP. */
export function isFetchedByHttp(facts: NodeFacts, file: string): boolean {
  return wantsUrl(facts) || file === IPXE_SCRIPT;
}

function wantsUrl({ isHttpClient, architecture }: NodeFacts): boolean {
  return isHttpClient || httpArchitectures.includes(architecture ?? Number.NaN);
}

/** What a tree must have for a loader to be of use: the file itself and what it starts, or what a disk is made of. */
export function partsOf(loader: string): readonly string[] {
  if (loader === IPXE_SCRIPT) return [];
  if (loader.endsWith("pxelinux.0")) return [loader, "ldlinux.c32"];
  const suffix = diskSuffix(loader) ?? /^shim(.+)\.efi$/.exec(loader)?.[1];
  return suffix === undefined ? [loader] : [`shim${suffix}.efi`, `grub${suffix}.efi`];
}

/** Why firmware gets no loader, as the end of a sentence on it. */
export function whyNoLoader(facts: NodeFacts): string {
  const { architecture } = facts;
  if (architecture === undefined) {
    return "does not say what it is (DHCP option 93): it is no firmware that netboots";
  }
  if (isRaspberryPi(facts)) {
    return `is a Raspberry Pi and needs ${RASPBERRY_LOADER}: no tree has it, nor the overlay (package raspi-firmware, in a tree for arm64)`;
  }
  const candidates = loadersFor(facts, "auto", false);
  if (candidates.length === 0) {
    return `is of PXE architecture ${architecture}, which no loader here is made for: BIOS (0) and UEFI on x86 (6, 7, 9) and ARM (10, 11), or these by HTTP, have one`;
  }
  const needed = new Set(candidates.map((name) => partsOf(name).join(" + ")));
  return `is of PXE architecture ${architecture} and needs one of ${[...needed].join(", ")}: no tree has it, nor the overlay (sidus build puts them into trees of that architecture)`;
}
