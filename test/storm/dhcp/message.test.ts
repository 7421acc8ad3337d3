import { describe, expect, test } from "vitest";
import { ANY_ADDRESS } from "../../../src/bytes/ipv4.ts";
import { isMalformed } from "../../../src/bytes/malformed.ts";
import { type DhcpPacket, decodePacket, findOption } from "../../../src/dhcp/packet.ts";
import { type Asked, encodeAsked, nodeOfXid, xidOf } from "../../../src/storm/dhcp/message.ts";
import type { TraceOption } from "../../../src/storm/trace/trace.ts";
import { address, mac } from "../../dhcp/messages.ts";
import { SeededRandom } from "../../sim/random.ts";

/** What klibc's ipconfig sent in Debian 12's initrd, as tshark shows it: 300 bytes. */
const klibcDiscover = `01010600b1b9be4700008000${"00".repeat(16)}525400132001${"00".repeat(10 + 192)}63825363${"350101370b0103060c0f111a1c2877793c0e4c696e7578206970636f6e666967ff"}${"00".repeat(27)}`;

const klibc: readonly TraceOption[] = [
  { code: 55, value: "0103060c0f111a1c287779" },
  { code: 60, value: "4c696e7578206970636f6e666967" },
];

const recorded: Asked = {
  identity: {
    index: 0,
    name: "node-1",
    mac: mac("52:54:00:13:20:01"),
    uuid: Uint8Array.from({ length: 16 }, (_, at) => at + 1),
  },
  xid: 0xb1b9be47,
  secs: 0,
  flags: 0x8000,
  relay: ANY_ADDRESS,
  options: klibc,
  offer: undefined,
};

function sent(asked: Partial<Asked>): DhcpPacket {
  const packet = decodePacket(encodeAsked({ ...recorded, ...asked }));
  if (isMalformed(packet)) throw new Error(packet.malformed);
  return packet;
}

function hex(packet: DhcpPacket, code: number): string {
  return Buffer.from(findOption(packet, code) ?? []).toString("hex");
}

describe("a message as its relay passes it on", () => {
  test("is what the recorded node sent, but for one hop and the relay's address (RFC 1542 §4.1.1)", () => {
    const bytes = encodeAsked({ ...recorded, relay: address("10.13.1.1") });
    expect(Buffer.from(bytes.subarray(24, 28)).toString("hex")).toBe("0a0d0101");
    const without = Uint8Array.from(bytes).fill(0, 24, 28);
    expect(without[3]).toBe(1);
    without[3] = 0;
    expect(Buffer.from(without).toString("hex")).toBe(klibcDiscover);
  });

  test("a REQUEST names the server and the address of the OFFER (RFC 2131 §4.3.2)", () => {
    const offer = { address: address("10.13.20.11"), server: address("10.13.20.1") };
    const packet = sent({ offer });
    expect(packet.options.map(({ code }) => code)).toEqual([53, 50, 54, 55, 60]);
    expect([hex(packet, 53), hex(packet, 50), hex(packet, 54)]).toEqual([
      "03",
      "0a0d140b",
      "0a0d1401",
    ]);
  });

  test.each([
    ["firmware's MAC address", "01525400aaaaaa", "01525400132001"],
    ["a UUID", `00${"aa".repeat(16)}`, "000102030405060708090a0b0c0d0e0f10"],
    [
      "DUID-LL (RFC 8415 §11.4)",
      "ff0000000100030001525400aaaaaa",
      "ff0000000100030001525400132001",
    ],
    [
      "DUID-LLT (RFC 8415 §11.2)",
      "ff000000010001000111223344525400aaaaaa",
      "ff000000010001000111223344525400132001",
    ],
    [
      "DUID-UUID (RFC 8415 §11.5)",
      `ff000000010004${"aa".repeat(16)}`,
      "ff0000000100040102030405060708090a0b0c0d0e0f10",
    ],
    ["anything else", "deadbeef", "01525400132001"],
  ])("client identifier: %s becomes the node's own", (_, value, own) => {
    expect(hex(sent({ options: [{ code: 61, value }] }), 61)).toBe(own);
  });

  test("a UUID becomes the node's own, but where the machine had none (QEMU's zeros)", () => {
    const some = sent({ options: [{ code: 97, value: `00${"aa".repeat(16)}` }] });
    expect(hex(some, 97)).toBe("000102030405060708090a0b0c0d0e0f10");
    const none = sent({ options: [{ code: 97, value: "00".repeat(17) }] });
    expect(hex(none, 97)).toBe("00".repeat(17));
  });
});

describe("transaction ids", () => {
  test("are the node's alone, and say whose they are", () => {
    const chance = new SeededRandom(5);
    const random = (): number => chance.u32() / 2 ** 32;
    const xids = new Set<number>();
    for (let index = 0; index < 5000; index += 1) {
      const xid = xidOf(index, random);
      expect(nodeOfXid(xid)).toBe(index);
      xids.add(xid);
    }
    expect(xids.size).toBe(5000);
    expect(() => xidOf(5000, random)).toThrow(RangeError);
  });
});
