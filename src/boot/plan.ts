import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import type { Tree } from "../tree/tree.ts";
import type { KnownNode } from "./inventory.ts";
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
      readonly kernel: string | undefined;
      readonly initrd: string | undefined;
      readonly append: string | undefined;
    };

export interface BootSettings {
  readonly serverAddress: Ipv4;
  readonly httpPort: number;
  readonly nfsPort: number;
  readonly default: string;
  readonly labels: ReadonlyMap<string, Label>;
}

/** The labels in the order of the loader's menu: the node's own first, which is what it boots. */
export async function plansFor(
  node: KnownNode | undefined,
  settings: BootSettings,
): Promise<Plan[]> {
  const first = node?.label ?? settings.default;
  const names = [first, ...[...settings.labels.keys()].filter((name) => name !== first)];
  return Promise.all(names.map((name) => planLabel(name, node, settings)));
}

async function planLabel(
  name: string,
  node: KnownNode | undefined,
  settings: BootSettings,
): Promise<Plan> {
  const label = settings.labels.get(name);
  if (label === undefined) {
    return {
      kind: "message",
      label: name,
      message: `no label "${name}" in the server's configuration`,
    };
  }
  if (label.kind === "local") return { kind: "local", label: name };
  const found =
    label.kernel !== undefined && label.initrd !== undefined
      ? { kernel: label.kernel, initrd: label.initrd }
      : await findKernel(label.export.tree);
  if ("missing" in found) {
    return {
      kind: "message",
      label: name,
      message: `the tree ${label.export.name} ${found.missing}`,
    };
  }
  return {
    kind: "linux",
    label: name,
    kernel: `${label.export.name}${label.export.pin}${found.kernel}`,
    initrd: `${label.export.name}${label.export.pin}${found.initrd}`,
    commandLine: commandLine(label.export, settings, [label.append, node?.append]),
  };
}

function commandLine(
  from: BootExport,
  settings: BootSettings,
  append: readonly (string | undefined)[],
): string {
  const server = formatIpv4(settings.serverAddress);
  const up = settings.httpPort === 80 ? server : `${server}:${settings.httpPort}`;
  return [
    "root=/dev/nfs",
    `nfsroot=${server}:${from.path}${from.pin},${nfsOptions(settings.nfsPort)}`,
    "ip=dhcp",
    "ro",
    "aufs=tmpfs",
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
