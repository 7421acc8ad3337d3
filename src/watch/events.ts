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
    }
  | {
      /** Something that was not answered as asked, counted by a reason from a fixed list. */
      readonly kind: "refused";
      readonly protocol: Protocol;
      readonly reason: string;
      /** How often, where it is told of many at once. */
      readonly times?: number;
    };

export type Tell = (event: BootEvent) => void;
