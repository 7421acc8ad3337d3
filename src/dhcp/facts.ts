import { Architecture, type NodeFacts } from "../boot/facts.ts";
import { type MacAddress, macFromBytes } from "../bytes/mac.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { DhcpClient } from "../watch/events.ts";
import {
  type MessageType,
  Option,
  readArchitecture,
  readMessageType,
  readText,
  readUserClasses,
  readUuid,
} from "./options.ts";
import { type DhcpPacket, findOption, Op } from "./packet.ts";

/** A client's message with what it says of its sender, extracted once. */
export interface DhcpRequest {
  readonly packet: DhcpPacket;
  readonly type: MessageType;
  readonly mac: MacAddress;
  readonly client: DhcpClient;
  /** Its `address` is ciaddr, where the client has one. */
  readonly facts: NodeFacts;
}

export type NotARequest = "not-a-request" | "not-ethernet" | "no-message-type";

const ETHERNET = 1;

/** Option 60 of firmware that boots by HTTP (UEFI 2.10 §24.7.2), alone in replies, and before an architecture in requests. */
export const HTTP_CLIENT = "HTTPClient";
/** PXE 2.1 §2.2.1. */
export const PXE_CLIENT = "PXEClient";

export function readRequest(packet: DhcpPacket): DhcpRequest | NotARequest {
  if (packet.op !== Op.REQUEST) return "not-a-request";
  if (packet.hardwareType !== ETHERNET || packet.chaddr.length !== 6) return "not-ethernet";
  const type = readMessageType(option(packet, Option.MESSAGE_TYPE));
  if (type === undefined) return "no-message-type";
  const mac = macFromBytes(packet.chaddr);
  const vendorClass = readText(option(packet, Option.VENDOR_CLASS));
  const facts: NodeFacts = {
    mac,
    uuid: readUuid(option(packet, Option.UUID)),
    serial: undefined,
    address: packet.ciaddr === 0 ? undefined : packet.ciaddr,
    architecture:
      readArchitecture(option(packet, Option.ARCHITECTURE)) ?? classArchitecture(vendorClass),
    isIpxe:
      findOption(packet, Option.IPXE) !== undefined ||
      readUserClasses(option(packet, Option.USER_CLASS)).includes("iPXE"),
    isHttpClient: vendorClass.startsWith(HTTP_CLIENT),
  };
  return { packet, type, mac, client: clientOf(facts, vendorClass), facts };
}

/** PXE 2.1 §2.2.1: `PXEClient:Arch:00007:UNDI:003000`: the same number for firmware older than option 93. */
function classArchitecture(vendorClass: string): number | undefined {
  const form = /^(?:PXE|HTTP)Client(?::Arch:(\d{5}))?/.exec(vendorClass);
  if (form === null) return undefined;
  return form[1] === undefined ? Architecture.BIOS : Number(form[1]);
}

function clientOf(facts: NodeFacts, vendorClass: string): DhcpClient {
  if (facts.isIpxe) return "ipxe";
  if (facts.architecture !== undefined) return "pxe";
  // klibc's ipconfig in the initramfs.
  return vendorClass === "Linux ipconfig" ? "kernel" : "other";
}

const absent = new Uint8Array(0);

function option(packet: DhcpPacket, code: number): Uint8Array {
  return findOption(packet, code) ?? absent;
}

/** Ports that on most systems only root has: clients and relays speak from 68 and 67. */
const PRIVILEGED_PORTS_END = 1024;

/**
 * Whether what a message says of its node's UUID is to be remembered: else any program on a node could become another node,
 * and have its volume.
 */
export function isFromSystem(from: Endpoint): boolean {
  return from.port < PRIVILEGED_PORTS_END;
}
