/**
 * What one real node did from its first DISCOVER until it was up, as calls that a simulated node can do again against any
 * servers: what was asked, in which order, what each request waited for, and how long the node itself took in between.
 */
export interface Trace {
  readonly about: TraceAbout;
  /** What the calls of NFS name; a FileId is an index. */
  readonly files: readonly TraceFile[];
  /** In the order in which they were sent. */
  readonly steps: readonly Step[];
}

export interface TraceAbout {
  /** `BIOS, tmpfs` */
  readonly title: string;
  readonly firmware: "bios" | "uefi";
  readonly layer: "tmpfs" | "iscsi" | "none";
  /** ISO 8601, of the first packet. */
  readonly recordedAt: string;
  /** Of the kernel that booted: `6.1.0-56-amd64`; empty: unknown. */
  readonly kernel: string;
  readonly mac: string;
  /** Dotted, as its last DHCPACK said. */
  readonly address: string;
}

export interface TraceFile {
  /** Below the exported root, without a slash in front; the root itself is empty. */
  readonly path: string;
  readonly type: "file" | "directory" | "link" | "other" | "missing";
  readonly size: number;
}

export interface Step {
  /** The step whose end made the node send this one: a lower index; -1: it was switched on. */
  readonly after: number;
  /** µs between that end and this request: the node's own time, with what it took for itself while a file came. */
  readonly think: number;
  readonly deed: Deed;
}

export type Deed =
  | DhcpDeed
  | FileDeed
  | PortmapDeed
  | { readonly kind: "mount" }
  | { readonly kind: "nfs"; readonly call: NfsCall }
  | { readonly kind: "login" }
  | { readonly kind: "scsi"; readonly command: ScsiCommand }
  /** It says that it is up: `POST /up`. */
  | { readonly kind: "up" };

/** DISCOVER, OFFER, REQUEST, ACK; done with the ACK. */
export interface DhcpDeed {
  readonly kind: "dhcp";
  readonly client: "pxe" | "ipxe" | "kernel";
  /** RFC 2131 §2, bit 15: replies as broadcasts. */
  readonly flags: number;
  /** Code and value, as they were sent, without 50, 53 and 54; 61 and 97 are made the node's own where they name the recorded one. */
  readonly discover: readonly TraceOption[];
  readonly request: readonly TraceOption[];
  /** µs from the OFFER to the REQUEST. */
  readonly think: number;
}

export interface TraceOption {
  readonly code: number;
  /** Hexadecimal. */
  readonly value: string;
}

export interface FileDeed {
  readonly kind: "tftp" | "http";
  /** loader: what DHCP named, iPXE's script too; kernel, initrd: what a configuration named; config: tells of those. */
  readonly role: "loader" | "config" | "kernel" | "initrd" | "other";
  /** As it was asked for, with `{mac}` (52-54-00-13-20-01), `{mac:}` (with colons), `{ip}` and `{IP-HEX}` (0A0D140B) for the node's: boot-path.ts. */
  readonly path: string;
  /** Of a TFTP request, RFC 2347, in their order; of an HTTP one, `Range`. */
  readonly options: readonly (readonly [name: string, value: string])[];
  /** size: broken off (TFTP ERROR 8) once its size was known; HTTP: HEAD, or broken off. */
  readonly ends: "whole" | "missing" | "size";
  /** Of the content. */
  readonly bytes: number;
}

/** RFC 1833 §3.2, over TCP as klibc's nfsmount asks. */
export interface PortmapDeed {
  readonly kind: "portmap";
  readonly program: number;
  readonly version: number;
}

export type FileId = number;

/** RFC 1813 §3.3; `null` and `getacl` of NFSACL (100227) besides. Every call names its file; the handle is what that node was told. */
export type NfsCall =
  | {
      readonly op:
        | "null"
        | "getattr"
        | "readlink"
        | "fsinfo"
        | "fsstat"
        | "pathconf"
        | "acl-null"
        | "getacl";
      readonly file: FileId;
    }
  | { readonly op: "access"; readonly file: FileId; readonly access: number }
  /** `file`: what was found, or not (type missing), in the directory above it. */
  | { readonly op: "lookup"; readonly file: FileId }
  | {
      readonly op: "read";
      readonly file: FileId;
      readonly offset: number;
      readonly count: number;
    }
  | {
      readonly op: "readdir" | "readdirplus";
      readonly file: FileId;
      /** From where the last reply of this directory ended, instead of from its beginning. */
      readonly continues: boolean;
      readonly dircount: number;
      readonly maxcount: number;
    };

export interface ScsiCommand {
  /** Hexadecimal, as long as the command is. */
  readonly cdb: string;
  /** Expected Data Transfer Length (RFC 7143 §11.3.4), and which way. */
  readonly bytes: number;
  readonly way: "in" | "out" | "none";
}
