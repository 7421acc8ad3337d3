import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";

/** Who spoke DHCP: firmware's PXE stack, iPXE, the kernel's early user space, or anything else. */
export type DhcpClient = "pxe" | "ipxe" | "kernel" | "other";

export type Protocol = "dhcp" | "tftp" | "http" | "portmap" | "mount" | "nfs" | "iscsi";

/** What the protocols tell: facts, in the order in which they happened. Nothing is asked back. */
export type BootEvent =
  | {
      readonly kind: "dhcp";
      readonly mac: MacAddress;
      readonly client: DhcpClient;
      /** RFC 2131 message names: DISCOVER, REQUEST, … */
      readonly message: string;
      /** OFFER, ACK, NAK, or undefined where nothing was sent. */
      readonly reply: string | undefined;
      readonly address: Ipv4 | undefined;
      readonly name: string | undefined;
      /** Option 93. */
      readonly architecture?: number | undefined;
      /** The server whose offer the node takes, where it is not us. */
      readonly elsewhere?: Ipv4 | undefined;
      /** What firmware was told to fetch: a path or a URL. */
      readonly bootFile?: string | undefined;
      /** RFC 1542 §4.1: giaddr, where a relay is in between. */
      readonly relay?: Ipv4 | undefined;
    }
  | {
      readonly kind: "file";
      readonly protocol: "tftp" | "http";
      readonly address: Ipv4;
      readonly path: string;
      readonly outcome: "started" | "done" | "missing" | "aborted";
      readonly bytes: number;
    }
  | {
      readonly kind: "mount";
      readonly address: Ipv4;
      readonly path: string;
      readonly outcome: "granted" | "denied" | "missing" | "unmounted";
    }
  | {
      /** Where a program is, as the portmapper was asked: klibc's nfsmount does before it mounts. */
      readonly kind: "portmap";
      readonly address: Ipv4;
      readonly program: number;
      /** 0: not here. */
      readonly port: number;
    }
  | {
      /** An initiator's session with a target. */
      readonly kind: "session";
      readonly address: Ipv4;
      readonly initiator: string;
      readonly target: string;
      readonly outcome: "began" | "ended";
    }
  | {
      /** The node itself says that it reached multi-user. */
      readonly kind: "up";
      readonly address: Ipv4;
      readonly tree: string;
      /** SHA-256, hexadecimal, of the sealed version that it runs; undefined: it runs a directory, or said nothing of it. */
      readonly digest?: string | undefined;
      /** Of the version on which the layer was begun that it writes to. */
      readonly base?: string | undefined;
    }
  | {
      /** Something that was not answered as asked, counted by a reason from a fixed list. */
      readonly kind: "refused";
      readonly protocol: Protocol;
      readonly reason: string;
      /** How often, where it is told of many at once. */
      readonly times?: number;
      /** Whose it was, where that is known. */
      readonly mac?: MacAddress;
      readonly address?: Ipv4;
      /** Of the file that was not given. */
      readonly path?: string;
    };

export type Tell = (event: BootEvent) => void;
