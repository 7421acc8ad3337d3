import type { Cidr, Ipv4, Ipv4Range } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";

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
  readonly tftp: number;
  readonly http: number;
  readonly nfs: number;
  readonly portmap: number;
  readonly iscsi: number;
}

export interface DhcpConfig {
  readonly mode: "server" | "off";
  readonly ranges: readonly Ipv4Range[];
  readonly leaseSeconds: number | "infinite";
  readonly router: Ipv4 | undefined;
  readonly dns: readonly Ipv4[];
  readonly domain: string | undefined;
  readonly denyUnknown: boolean;
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
  /** Directory whose files add to and replace those of the tree. */
  readonly overlay: string | undefined;
  readonly labels: ReadonlyMap<string, LabelConfig>;
}

export type LabelConfig =
  | { readonly kind: "local" }
  | {
      readonly kind: "linux";
      readonly export: string;
      readonly layer: (typeof layers)[number];
      /** Paths in the tree; undefined: the newest kernel that has an initrd and modules. */
      readonly kernel: string | undefined;
      readonly initrd: string | undefined;
      readonly append: string | undefined;
    };

/** Where a node's changes go: its memory, a volume of the server, a partition of its own; `none`: there are no changes. */
export const layers = ["tmpfs", "iscsi", "local", "none"] as const;

export interface NodeConfig {
  readonly mac: MacAddress;
  readonly name: string | undefined;
  readonly address: Ipv4 | undefined;
  readonly label: string | undefined;
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
