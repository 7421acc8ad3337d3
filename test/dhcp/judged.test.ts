import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { lackingOf, title } from "../needs.ts";
import {
  address,
  ascii,
  type ClientMessage,
  clientMessage,
  numberedMac,
  octets,
  SERVER,
  settingsWith,
} from "./messages.ts";
import { Room } from "./room.ts";

/** Replies of every kind, as tshark reads them. interop.test.ts has those that foreign clients asked for. */

const lacking = lackingOf("tshark", "text2pcap");
const me = numberedMac(1);
const RELAY = address("10.77.0.9");
const url = `http://10.77.0.1/${"u".repeat(130)}`;
const firmware = (
  vendorClass: string,
  architecture: number,
): NonNullable<ClientMessage["more"]> => [
  [60, ascii(vendorClass)],
  [93, [0, architecture]],
  [97, [0, ...Array.from({ length: 16 }, (_, at) => at)]],
  [55, [1, 3, 6, 15, 28, 43, 60, 66, 67]],
];
const agent = [82, [1, 4, ...ascii("eth0"), 11, 4, ...octets(RELAY)]] as const;

/** What is asked, and what tshark must find in the answer, by the names of its fields. */
const kinds: Record<string, [Partial<ClientMessage>, Record<string, string>]> = {
  OFFER: [{}, { "dhcp.option.dhcp": "2", "dhcp.option.domain_name": "d".repeat(100) }],
  "options in file": [
    { giaddr: RELAY, more: [agent, [61, ascii("i".repeat(80))]] },
    {
      "dhcp.option.dhcp": "2",
      "dhcp.option.option_overload": "1",
      "dhcp.option.domain_name": "d".repeat(100),
      "dhcp.option.broadcast_address": "10.77.0.255",
    },
  ],
  "a relay that is the server": [
    { giaddr: RELAY, more: [agent] },
    { "dhcp.option.dhcp_server_id": "10.77.0.9" },
  ],
  "another subnet": [
    { more: [[118, octets(address("10.77.0.0"))]] },
    { "dhcp.option.subnet_selection_option": "10.77.0.0" },
  ],
  "PXE firmware": [
    { more: firmware("PXEClient:Arch:00000:UNDI:002001", 0) },
    { "dhcp.option.vendor_class_id": "PXEClient", "dhcp.file": "pxelinux.0" },
  ],
  "HTTP firmware": [
    { more: firmware("HTTPClient:Arch:00016:UNDI:003001", 16) },
    { "dhcp.option.vendor_class_id": "HTTPClient", "dhcp.option.bootfile_name": url },
  ],
  NAK: [
    { type: 3, giaddr: RELAY, requested: address("10.99.0.1") },
    { "dhcp.option.dhcp": "6", "dhcp.option.message": "wrong network" },
  ],
  "the ACK to an INFORM": [{ type: 8, ciaddr: address("10.77.0.70") }, { "dhcp.option.dhcp": "5" }],
};

describe.skipIf(lacking)(title("what tshark finds in replies", lacking), () => {
  let work: string;

  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), "sidus-judged-"));
  });

  afterAll(() => rmSync(work, { recursive: true, force: true }));

  function judged(bytes: Uint8Array, fields: readonly string[]): string[] {
    const file = join(work, "reply.pcap");
    const hex = Buffer.from(bytes).toString("hex").replaceAll(/../g, " $&");
    execFileSync("text2pcap", ["-q", "-u", "67,68", "-", file], { input: `0000${hex}\n` });
    const found = ["_ws.malformed", "_ws.expert.severity", ...fields].flatMap((name) => [
      "-e",
      name,
    ]);
    const said = execFileSync("tshark", ["-r", file, "-T", "fields", ...found], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return said.replace(/\n$/, "").split("\t");
  }

  test.each(Object.entries(kinds))("%s", (_, [message, expected]) => {
    const settings = settingsWith({
      router: SERVER,
      dns: Array.from({ length: 20 }, (_, at) => ipv4(SERVER + at)),
      domain: "d".repeat(100),
      bootFile: ({ isHttpClient }) => (isHttpClient ? url : "pxelinux.0"),
    });
    const bytes = new Room(settings).encoded(clientMessage({ type: 1, mac: me, ...message }));
    const [malformed, severity, ...found] = judged(bytes, Object.keys(expected));
    expect(malformed).toBe("");
    // Notes it has of much that is right; no warnings.
    expect(Number(severity)).toBeLessThan(0x60_0000);
    expect(found).toEqual(Object.values(expected));
  });
});
