import { adminVolumeOf } from "../bytes/admin-volume.ts";
import { httpOrigin } from "../bytes/http-origin.ts";
import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import { unreachable } from "../bytes/unreachable.ts";
import { COMMAND_LINE_BYTES_MAX, LOADER_NAME_BYTES_MAX } from "../limits.ts";
import type { Tree } from "../tree/tree.ts";
import type { KnownNode } from "./inventory.ts";
import { type IscsiSettings, iscsiWords } from "./iscsi.ts";
import { findKernel } from "./kernel.ts";

/** What one label boots, ready to be rendered for any loader. */
export type Plan =
  | { readonly kind: "local"; readonly label: string; readonly from: LocalDisk | undefined }
  | {
      readonly kind: "linux";
      readonly label: string;
      /** Names to ask the server for, without a leading slash. */
      readonly kernel: string;
      readonly initrd: string;
      readonly commandLine: string;
    }
  | {
      /** Anything else that a loader can start: a kernel of any kind, or an EFI program (`….efi`). */
      readonly kind: "program";
      readonly label: string;
      readonly program: string;
      readonly initrds: readonly string[];
      readonly commandLine: string;
    }
  | {
      /** The label cannot boot: the loader shows why. */
      readonly kind: "message";
      readonly label: string;
      readonly message: string;
    };

/** A partition's own boot sector, or on UEFI the loader below its `/EFI`; undefined: the next device of the firmware's. Counted from 1. */
export interface LocalDisk {
  readonly disk: number;
  readonly partition: number | undefined;
}

/** What a loader is told: the first plan boots, after so many seconds in which another can be chosen. */
export interface Menu {
  readonly plans: readonly Plan[];
  /** 0: at once, and no menu is shown. */
  readonly seconds: number;
}

/** Where a loader's files are, besides where it has its own from. */
export interface Origin {
  readonly server: Ipv4;
  readonly httpPort: number;
  /** Whether the loader that asks can fetch by HTTP: kernel and initrd then come by it. */
  readonly http: boolean;
}

export interface BootExport {
  readonly name: string;
  /** What nodes mount. */
  readonly path: string;
  readonly tree: Tree;
  /**
   * Follows name and path where the tree is one version of several (`@0123456789abcdef`), so that kernel, initrd and
   * root of one boot are of one version, whatever becomes current meanwhile. Else empty.
   */
  readonly pin: string;
  /** `NAME@DIGEST` of a sealed version, for the node to say what it runs; undefined: the tree is a directory. */
  readonly image: string | undefined;
}

export type Label =
  | { readonly kind: "local"; readonly from: LocalDisk | undefined }
  | { readonly kind: "message"; readonly message: string }
  | {
      readonly kind: "program";
      readonly export: BootExport;
      /** Paths in the tree of `export`, or in the overlay. */
      readonly program: string;
      readonly initrds: readonly string[];
      readonly append: string | undefined;
    }
  | {
      readonly kind: "linux";
      readonly export: BootExport;
      readonly layer: Layer;
      readonly volume: LayerVolume;
      readonly kernel: string | undefined;
      readonly initrd: string | undefined;
      readonly append: string | undefined;
    };

/** Where a node's changes go; `none`: it has no changes. */
export type Layer = "tmpfs" | "iscsi" | "local" | "none";

/** Which volume an iSCSI layer is: the node's own, or the one that keeps apart what is changed for all. */
export type LayerVolume = "own" | "admin";

export interface BootSettings {
  readonly serverAddress: Ipv4;
  readonly httpPort: number;
  readonly nfsPort: number;
  readonly iscsi: IscsiSettings;
  readonly default: string;
  /** Label of nodes that the inventory does not have; undefined: the default. */
  readonly unknown: string | undefined;
  /** How long the menu is shown; 0: there is none. */
  readonly menuSeconds: number;
  readonly labels: ReadonlyMap<string, Label>;
}

/** Whom plans are for. */
export interface PlannedNode {
  readonly known: KnownNode | undefined;
  /** What it boots with; undefined where somebody else asks for its plans, who learns no secrets by that. */
  readonly address: Ipv4 | undefined;
}

/**
 * What a node's loader is told: its own label first, which boots; then the others, in the order of the configuration,
 * but for those that are for administration: who stands before a node is not to get into what the next version is made of.
 */
export async function menuFor(node: PlannedNode, settings: BootSettings): Promise<Menu> {
  const first = firstLabel(node.known, settings);
  const others = [...settings.labels].filter(
    ([name, label]) => name !== first && !isForAdmin(label),
  );
  const names = [first, ...others.map(([name]) => name)];
  const plans = await Promise.all(names.map((name) => planLabel(name, node, settings)));
  return { plans, seconds: settings.menuSeconds };
}

/** The label that a node boots. */
export function firstLabel(
  known: KnownNode | undefined,
  settings: Pick<BootSettings, "default" | "unknown">,
): string {
  if (known === undefined) return settings.unknown ?? settings.default;
  return known.label ?? settings.default;
}

/** Whether what is changed there may become the next version of the tree. */
export function isForAdmin(label: Label | undefined): boolean {
  return label?.kind === "linux" && label.layer === "iscsi" && label.volume === "admin";
}

async function planLabel(name: string, node: PlannedNode, settings: BootSettings): Promise<Plan> {
  const label = settings.labels.get(name);
  if (label === undefined) {
    return refusal(name, `no label "${name}" in the server's configuration`);
  }
  switch (label.kind) {
    case "local":
      return { kind: "local", label: name, from: label.from };
    case "message":
      return { kind: "message", label: name, message: oneLine(label.message) };
    case "program":
      return planProgram(name, label, node.known);
    case "linux":
      return planLinux(name, label, node, settings);
    default:
      return unreachable(label);
  }
}

function planProgram(
  name: string,
  label: Extract<Label, { kind: "program" }>,
  known: KnownNode | undefined,
): Plan {
  const program = nameIn(label.export, label.program);
  const initrds = label.initrds.map((path) => nameIn(label.export, path));
  const odd = [program, ...initrds].find((file) => !isAskable(file));
  if (odd !== undefined) return unaskable(name, odd);
  const append = isEfiProgram(program) ? [label.append] : [label.append, known?.append];
  return { kind: "program", label: name, program, initrds, commandLine: words(append) };
}

async function planLinux(
  name: string,
  label: Extract<Label, { kind: "linux" }>,
  node: PlannedNode,
  settings: BootSettings,
): Promise<Plan> {
  const found =
    label.kernel !== undefined && label.initrd !== undefined
      ? { kernel: label.kernel, initrd: label.initrd }
      : await findKernel(label.export.tree);
  if ("missing" in found) {
    return refusal(name, `the tree ${label.export.name} ${found.missing}`);
  }
  const layer = layerWords(label, node, settings);
  if (layer === undefined) {
    return refusal(name, "a volume is for the node that asks by itself, from its own address");
  }
  const kernel = nameIn(label.export, found.kernel);
  const initrd = nameIn(label.export, found.initrd);
  const odd = [kernel, initrd].find((file) => !isAskable(file));
  if (odd !== undefined) return unaskable(name, odd);
  const own = ownWords(label.export, settings, layer);
  const commandLine = words([...own, label.append, node.known?.append]);
  const bytes = Buffer.byteLength(commandLine);
  if (bytes > COMMAND_LINE_BYTES_MAX) {
    const expected = `at most ${COMMAND_LINE_BYTES_MAX} bytes`;
    return refusal(name, `the kernel's arguments take ${bytes} bytes: expected ${expected}`);
  }
  return { kind: "linux", label: name, kernel, initrd, commandLine };
}

/** Whether only UEFI can start it: such a program takes no arguments meant for kernels. */
export function isEfiProgram(name: string): boolean {
  return name.toLowerCase().endsWith(".efi");
}

/** What loaders are to ask for. */
function nameIn(from: BootExport, path: string): string {
  return `${from.name}${from.pin}/${path.replace(/^\/+/, "")}`;
}

/** Such a name means itself in PXELINUX's file, in GRUB's and iPXE's scripts and in URLs alike. */
function isAskable(name: string): boolean {
  return /^[\w.~+@/-]+$/.test(name) && name.length <= LOADER_NAME_BYTES_MAX;
}

function unaskable(label: string, name: string): Plan {
  const wanted = `letters, digits and ._~+@-, at most ${LOADER_NAME_BYTES_MAX}`;
  return refusal(label, oneLine(`loaders cannot ask for ${name}: expected a path of ${wanted}`));
}

function refusal(label: string, message: string): Plan {
  return { kind: "message", label, message };
}

/** What the hook in the initrd reads; undefined where the layer needs an address and there is none. */
function layerWords(
  { layer, volume }: Extract<Label, { kind: "linux" }>,
  { known, address }: PlannedNode,
  settings: BootSettings,
): readonly string[] | undefined {
  if (layer === "none") return [];
  if (layer !== "iscsi") return [`aufs=${layer}`];
  if (address === undefined) return undefined;
  const own = known?.volume ?? formatIpv4(address);
  const name = volume === "admin" ? adminVolumeOf(own) : own;
  return ["aufs=iscsi", ...iscsiWords(name, settings.serverAddress, settings.iscsi)];
}

function ownWords(
  from: BootExport,
  settings: BootSettings,
  layer: readonly string[],
): readonly string[] {
  const server = formatIpv4(settings.serverAddress);
  return [
    "root=/dev/nfs",
    `nfsroot=${server}:${from.path}${from.pin},${nfsOptions(settings.nfsPort)}`,
    "ip=dhcp",
    "ro",
    ...layer,
    ...(from.image === undefined ? [] : [`sidus.image=${from.image}`]),
    `sidus.up=${httpOrigin(settings.serverAddress, settings.httpPort)}/up`,
  ];
}

function words(texts: readonly (string | undefined)[]): string {
  return oneLine(texts.filter((text) => text !== undefined && text !== "").join(" "));
}

/** A line break would end a loader's directive, and what stands after it begin another. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
}

/**
 * What klibc's nfsmount understands; an unknown word would keep a node from booting. 128 KiB is as far as
 * the client reads ahead. With noacl, overlayfs would let nobody but a file's owner to it (EOPNOTSUPP).
 */
function nfsOptions(port: number): string {
  const options = "tcp,rsize=131072";
  return port === 2049 ? options : `${options},port=${port}`;
}
