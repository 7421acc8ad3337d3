import { formatIpv4, type Ipv4 } from "../../src/bytes/ipv4.ts";
import type { MacAddress } from "../../src/bytes/mac.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { answer, type Outcome } from "../../src/dhcp/answer.ts";
import { Conflicts } from "../../src/dhcp/conflicts.ts";
import { readRequest } from "../../src/dhcp/facts.ts";
import { Leases } from "../../src/dhcp/leases.ts";
import { MessageType } from "../../src/dhcp/options.ts";
import { type DhcpPacket, decodePacket, encodePacket, findOption } from "../../src/dhcp/packet.ts";
import type { DhcpSettings } from "../../src/dhcp/settings.ts";
import {
  type ClientMessage,
  clientMessage,
  MemoryStore,
  nobody,
  numberedMac,
  SERVER,
  settingsWith,
} from "./messages.ts";

/** One server in a test: what it said to each message, decoded again from bytes. */
export class Room {
  settings: DhcpSettings;
  leases = new Leases(new MemoryStore());
  conflicts = new Conflicts(nobody);
  readonly foundTaken: string[] = [];
  now = 1_000_000;

  constructor(settings: DhcpSettings = settingsWith()) {
    this.settings = settings;
  }

  outcome(bytes: Uint8Array): Outcome {
    const packet = decodePacket(bytes);
    if (isMalformed(packet)) throw new Error(packet.malformed);
    const request = readRequest(packet);
    if (typeof request === "string") return { kind: "refused", reason: request };
    const { settings, leases, conflicts, now } = this;
    const foundTaken = (at: Ipv4, by: MacAddress) => {
      this.foundTaken.push(`${formatIpv4(at)} ${by}`);
    };
    return answer({ request, settings, leases, conflicts, now, isBusy: false, foundTaken });
  }

  encoded(bytes: Uint8Array): Uint8Array {
    const outcome = this.outcome(bytes);
    if (outcome.kind !== "reply") throw new Error(JSON.stringify(outcome));
    return encodePacket(outcome.packet);
  }

  reply(bytes: Uint8Array): DhcpPacket {
    const packet = decodePacket(this.encoded(bytes));
    if (isMalformed(packet)) throw new Error(packet.malformed);
    return packet;
  }

  /** `OFFER 10.77.0.50`, `NAK`, `silent`, or the reason of a refusal. */
  says(message: ClientMessage): string {
    const outcome = this.outcome(clientMessage(message));
    if (outcome.kind === "refused") return outcome.reason;
    if (outcome.kind === "silent") return "silent";
    const name = { 2: "OFFER", 5: "ACK", 6: "NAK" }[outcome.type as number] ?? "?";
    const { yiaddr } = outcome.packet;
    return yiaddr === 0 ? name : `${name} ${formatIpv4(yiaddr)}`;
  }

  /** Lets the client have an address, the whole way. */
  bind(mac = numberedMac(1), more: Partial<ClientMessage> = {}): Ipv4 {
    const { DISCOVER: type, REQUEST } = MessageType;
    const offer = this.reply(clientMessage({ type, mac, ...more }));
    const request = { type: REQUEST, mac, serverId: SERVER, requested: offer.yiaddr };
    return this.reply(clientMessage({ ...request, ...more })).yiaddr;
  }
}

export function codes(packet: DhcpPacket): number[] {
  return packet.options.map(({ code }) => code);
}

export function text(packet: DhcpPacket, code: number): string | undefined {
  const data = findOption(packet, code);
  return data === undefined ? undefined : Buffer.from(data).toString("latin1");
}

export function data(packet: DhcpPacket, code: number): number[] | undefined {
  const found = findOption(packet, code);
  return found === undefined ? undefined : [...found];
}
