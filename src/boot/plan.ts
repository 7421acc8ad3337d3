import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import type { Tree } from "../tree/tree.ts";
import type { KnownNode } from "./inventory.ts";
import { type IscsiSettings, iscsiWords } from "./iscsi.ts";
import { findKernel } from "./kernel.ts";

/** What one label boots, ready to be rendered for any loader. */
export type Plan =
  | { readonly kind: "local"; readonly label: string }
  | {
      readonly kind: "linux";
      readonly label: string;
      /** Names to ask the server for, without a leading slash. */
      readonly kernel: string;
      readonly initrd: string;
      readonly commandLine: string;
    }
  | {
      /** The label cannot boot: the loader shows why. */
      readonly kind: "message";
      readonly label: string;
      readonly message: string;
    };

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
}

export type Label =
  | { readonly kind: "local" }
  | {
      readonly kind: "linux";
      readonly export: BootExport;
      readonly layer: Layer;
      readonly kernel: string | undefined;
      readonly initrd: string | undefined;
      readonly append: string | undefined;
    };

/** Where a node's changes go; `none`: it has no changes. */
export type Layer = "tmpfs" | "iscsi" | "local" | "none";

export interface BootSettings {
  readonly serverAddress: Ipv4;
  readonly httpPort: number;
  readonly nfsPort: number;
  readonly iscsi: IscsiSettings;
  readonly default: string;
  readonly labels: ReadonlyMap<string, Label>;
}

/** Whom plans are for. */
export interface PlannedNode {
  readonly known: KnownNode | undefined;
  /** What it boots with; undefined where somebody else asks for its plans, who learns no secrets by that. */
  readonly address: Ipv4 | undefined;
}

/** The labels in the order of the loader's menu: the node's own first, which is what it boots. */
export async function plansFor(node: PlannedNode, settings: BootSettings): Promise<Plan[]> {
  const first = node.known?.label ?? settings.default;
  const names = [first, ...[...settings.labels.keys()].filter((name) => name !== first)];
  return Promise.all(names.map((name) => planLabel(name, node, settings)));
}

async function planLabel(name: string, node: PlannedNode, settings: BootSettings): Promise<Plan> {
  const label = settings.labels.get(name);
  if (label === undefined) {
    return refusal(name, `no label "${name}" in the server's configuration`);
  }
  if (label.kind === "local") return { kind: "local", label: name };
  const found =
    label.kernel !== undefined && label.initrd !== undefined
      ? { kernel: label.kernel, initrd: label.initrd }
      : await findKernel(label.export.tree);
  if ("missing" in found) {
    return refusal(name, `the tree ${label.export.name} ${found.missing}`);
  }
  const layer = layerWords(label.layer, node, settings);
  if (layer === undefined) {
    return refusal(name, "a volume is for the node that asks by itself, from its own address");
  }
  return {
    kind: "linux",
    label: name,
    kernel: `${label.export.name}${label.export.pin}${found.kernel}`,
    initrd: `${label.export.name}${label.export.pin}${found.initrd}`,
    commandLine: commandLine(label.export, settings, layer, [label.append, node.known?.append]),
  };
}

function refusal(label: string, message: string): Plan {
  return { kind: "message", label, message };
}

/** What the hook in the initrd reads; undefined where the layer needs an address and there is none. */
function layerWords(
  layer: Layer,
  { known, address }: PlannedNode,
  settings: BootSettings,
): readonly string[] | undefined {
  if (layer === "none") return [];
  if (layer !== "iscsi") return [`aufs=${layer}`];
  if (address === undefined) return undefined;
  const volume = known?.volume ?? formatIpv4(address);
  return ["aufs=iscsi", ...iscsiWords(volume, settings.serverAddress, settings.iscsi)];
}

function commandLine(
  from: BootExport,
  settings: BootSettings,
  layer: readonly string[],
  append: readonly (string | undefined)[],
): string {
  const server = formatIpv4(settings.serverAddress);
  const up = settings.httpPort === 80 ? server : `${server}:${settings.httpPort}`;
  return [
    "root=/dev/nfs",
    `nfsroot=${server}:${from.path}${from.pin},${nfsOptions(settings.nfsPort)}`,
    "ip=dhcp",
    "ro",
    ...layer,
    `sidus.up=http://${up}/up`,
    ...append.filter((text) => text !== undefined && text !== ""),
  ].join(" ");
}

/**
 * What klibc's nfsmount understands; an unknown word would keep a node from booting. 128 KiB is as far as
 * the client reads ahead; noacl spares a round trip, as no ACLs are served.
 */
function nfsOptions(port: number): string {
  const options = "tcp,rsize=131072,noacl";
  return port === 2049 ? options : `${options},port=${port}`;
}
