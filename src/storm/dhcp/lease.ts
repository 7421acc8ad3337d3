import { type Ipv4, parseIpv4 } from "../../bytes/ipv4.ts";
import { Option, readAddress, readNumber, readText } from "../../dhcp/options.ts";
import { type DhcpPacket, findOption } from "../../dhcp/packet.ts";

/** What a node learnt from its DHCPACK. */
export interface Lease {
  readonly address: Ipv4;
  readonly mask: Ipv4 | undefined;
  readonly router: Ipv4 | undefined;
  /** Option 54. */
  readonly server: Ipv4;
  /** Where the boot file is (PXE 2.1 §2.2.4): siaddr, or option 66 where that is an address; else the server. */
  readonly nextServer: Ipv4;
  /** The field `file`, or option 67; empty: none. */
  readonly bootFile: string;
  /** Option 17; empty: none. */
  readonly rootPath: string;
  /** Option 12; empty: none. */
  readonly hostName: string;
  readonly seconds: number | undefined;
}

export function leaseOf(ack: DhcpPacket, server: Ipv4): Lease {
  const text = (code: number): string => readText(findOption(ack, code) ?? new Uint8Array());
  const address = (code: number): Ipv4 | undefined =>
    readAddress((findOption(ack, code) ?? new Uint8Array()).subarray(0, 4));
  const named = parseIpv4(text(Option.TFTP_SERVER));
  return {
    address: ack.yiaddr,
    mask: address(Option.SUBNET_MASK),
    router: address(Option.ROUTER),
    server,
    nextServer: ack.siaddr === 0 ? (named ?? server) : ack.siaddr,
    bootFile: ack.file === "" ? text(Option.BOOT_FILE) : ack.file,
    rootPath: text(Option.ROOT_PATH),
    hostName: text(Option.HOST_NAME),
    seconds: readNumber(findOption(ack, Option.LEASE_SECONDS) ?? new Uint8Array(), 4),
  };
}
