import { randomBytes } from "node:crypto";
import { ANY_ADDRESS } from "../../bytes/ipv4.ts";
import { type MacAddress, macFromBytes, macToBytes } from "../../bytes/mac.ts";
import { byteOption, MessageType, Option, textOption } from "../../dhcp/options.ts";
import { BOOTP_BYTES_MIN, encodePacket, FLAG_BROADCAST, Op } from "../../dhcp/packet.ts";

/** RFC 4578 §2.2: UNDI 3.0. */
const NETWORK_INTERFACE = 94;

/** Locally administered (bit 1 of the first byte): no maker's, so no node's. */
export function probeMac(): MacAddress {
  return macFromBytes(Uint8Array.of(0x02, ...randomBytes(5)));
}

/**
 * A DISCOVER as firmware sends it (PXE 2.1 §2.2.1). It asks for broadcasts, and is never followed by a REQUEST: servers hold
 * an address for some seconds at most.
 */
export function probe(mac: MacAddress, architecture: number): Uint8Array {
  const parameters = Uint8Array.of(1, 3, 43, 54, 60, 66, 67, 97);
  const className = `PXEClient:Arch:${String(architecture).padStart(5, "0")}:UNDI:003000`;
  return encodePacket({
    op: Op.REQUEST,
    hardwareType: 1,
    hops: 0,
    xid: randomBytes(4).readUInt32BE(),
    secs: 0,
    flags: FLAG_BROADCAST,
    ciaddr: ANY_ADDRESS,
    yiaddr: ANY_ADDRESS,
    siaddr: ANY_ADDRESS,
    giaddr: ANY_ADDRESS,
    chaddr: macToBytes(mac),
    sname: "",
    file: "",
    options: [
      byteOption(Option.MESSAGE_TYPE, MessageType.DISCOVER),
      { code: Option.PARAMETER_LIST, data: parameters },
      { code: Option.MESSAGE_BYTES_MAX, data: Uint8Array.of(0x05, 0xc0) },
      { code: Option.ARCHITECTURE, data: Uint8Array.of(0, architecture) },
      { code: NETWORK_INTERFACE, data: Uint8Array.of(1, 3, 0) },
      // RFC 4578 §2.3: type 0; a machine without one sends zeros.
      { code: Option.UUID, data: new Uint8Array(17) },
      textOption(Option.VENDOR_CLASS, className),
    ],
    paddedTo: BOOTP_BYTES_MIN,
  });
}
