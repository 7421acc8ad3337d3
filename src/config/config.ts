import type { Cidr, Ipv4, Ipv4Range } from "../bytes/ipv4.ts";
import type { MacAddress, MacPattern } from "../bytes/mac.ts";

/** What sidus.yaml says, checked and completed: nothing after this asks whether it makes sense. */
export interface Config {
  /** Where it was read from. */
  readonly file: string;
  readonly interface: string;
  /** The server's own address on that interface. */
  readonly address: Ipv4;
  readonly subnet: Cidr;
  /** Directory of the state database. */
  readonly state: string;
  /** Directory of the sealed images. */
  readonly images: string;
  /** Files of public keys, one of which must have signed what is served of images; undefined: nobody need have. */
  readonly imageKeys: readonly string[] | undefined;
  /** Of the data plane. */
  readonly threads: number;
  /** Bytes of memory for the contents of files. */
  readonly cache: number;
  readonly ports: Ports;
  readonly dhcp: DhcpConfig;
  readonly iscsi: IscsiConfig;
  /** At least one. */
  readonly exports: readonly ExportConfig[];
  readonly boot: BootConfig;
  readonly nodes: readonly NodeConfig[];
  readonly log: { readonly level: LogLevel };
}

export interface Ports {
  readonly dhcp: number;
  /** PXE boot servers (PXE 2.1 §2.2.3). */
  readonly proxy: number;
  readonly tftp: number;
  readonly http: number;
  readonly nfs: number;
  readonly portmap: number;
  readonly iscsi: number;
}

export interface DhcpConfig {
  /** `proxy`: another server gives the addresses. */
  readonly mode: (typeof dhcpModes)[number];
  /** The interface's own network first; the others are reached through relays. */
  readonly subnets: readonly SubnetConfig[];
  readonly denyUnknown: boolean;
  /** Who is answered at all; none: everybody. */
  readonly allow: readonly MacPattern[];
}

export const dhcpModes = ["server", "proxy", "off"] as const;

export interface SubnetConfig {
  readonly network: Cidr;
  readonly ranges: readonly Ipv4Range[];
  readonly leaseSeconds: number | "infinite";
  readonly router: Ipv4 | undefined;
  readonly dns: readonly Ipv4[];
  readonly domain: string | undefined;
}

export interface IscsiConfig {
  /** What the names of targets begin with: `IQN:VOLUME` (RFC 7143 §4.2.7.5). */
  readonly iqn: string;
  /** Of a volume whose node names no size. */
  readonly bytes: number;
  readonly chap: (typeof chaps)[number];
  /** Directory of the volumes. */
  readonly volumes: string;
}

/** Who proves to the other that it knows the volume's secret: nobody, the node, or both. */
export const chaps = ["none", "one-way", "mutual"] as const;

export interface ExportConfig {
  readonly name: string;
  readonly source: ExportSource;
  /** What nodes mount. */
  readonly path: string;
  readonly clients: readonly Cidr[];
  readonly squash: (typeof squashes)[number];
}

/** A directory on this machine, or the current version of a sealed image. */
export type ExportSource =
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "image"; readonly name: string };

/** Whose calls are nobody's: nobody else's, those of a node's superuser, or all. */
export const squashes = ["none", "root", "all"] as const;

export interface BootConfig {
  /** Label of the nodes that name none. */
  readonly default: string;
  /** Label of nodes that are not below `nodes:`; undefined: the default. */
  readonly unknown: string | undefined;
  /** How long the loader's menu is shown; 0: there is none. */
  readonly menuSeconds: number;
  readonly loader: (typeof loaders)[number];
  /** Directory whose files add to and replace those of the tree. */
  readonly overlay: string | undefined;
  readonly labels: ReadonlyMap<string, LabelConfig>;
}

/** The first program that firmware gets; `auto`: what fits it. */
export const loaders = ["auto", "pxelinux", "lpxelinux", "ipxe", "grub", "shim"] as const;

export type LabelConfig =
  | {
      readonly kind: "local";
      /** Counted from 1; undefined: the next device of the firmware's. */
      readonly from: { readonly disk: number; readonly partition: number | undefined } | undefined;
    }
  | { readonly kind: "message"; readonly message: string }
  | {
      readonly kind: "program";
      readonly export: string;
      /** Paths in the tree, or in the overlay. */
      readonly program: string;
      readonly initrds: readonly string[];
      readonly append: string | undefined;
    }
  | {
      readonly kind: "linux";
      readonly export: string;
      readonly layer: (typeof layers)[number];
      /** Of an iSCSI layer: the node's own volume, or the one beside it for administration. */
      readonly volume: "own" | "admin";
      /** Paths in the tree; undefined: the newest kernel that has an initrd and modules. */
      readonly kernel: string | undefined;
      readonly initrd: string | undefined;
      readonly append: string | undefined;
    };

/** Where a node's changes go: its memory, a volume of the server, a partition of its own; `none`: there are no changes. */
export const layers = ["tmpfs", "iscsi", "local", "none"] as const;

/** Has at least one of MAC address, UUID and serial number. */
export interface NodeConfig {
  /** Which entry of `nodes:` names it, counted from 0; with patterns it names others, too. */
  readonly entry: number;
  readonly mac: MacAddress | undefined;
  /** Lower case with dashes. */
  readonly uuid: string | undefined;
  readonly serial: string | undefined;
  readonly name: string | undefined;
  readonly address: Ipv4 | undefined;
  readonly label: string | undefined;
  readonly loader: (typeof loaders)[number] | undefined;
  readonly append: string | undefined;
  readonly volume: VolumeConfig;
}

export interface VolumeConfig {
  /** Undefined: the node's address. */
  readonly name: string | undefined;
  /** Undefined: as `iscsi.size` says. */
  readonly bytes: number | undefined;
}

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];
