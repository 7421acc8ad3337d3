import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import type { Report } from "./proxy-room.ts";

/** Foreign firmware beside a foreign DHCP server, and a foreign judge (tshark): see proxy-room.ts. */

const lacking = lackingOf(
  "dnsmasq",
  "dumpcap",
  "ip",
  "nsenter",
  "qemu-system-x86_64",
  "tshark",
  "/dev/net/tun",
  "/usr/share/OVMF/OVMF_CODE_4M.fd",
);
const unshare = process.getuid?.() === 0 ? ["--net"] : ["--map-root-user", "--net"];

describe.skipIf(lacking)(title("beside a dnsmasq that gives the addresses", lacking), () => {
  let work: string;
  let report: Report;

  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), "sidus-proxy-"));
    const room = fileURLToPath(new URL("proxy-room.ts", import.meta.url));
    const said = execFileSync("unshare", [...unshare, process.execPath, room, work], {
      encoding: "utf8",
      timeout: 320_000,
      maxBuffer: 1 << 24,
    });
    report = JSON.parse(said);
  }, 330_000);

  afterAll(() => rmSync(work, { recursive: true, force: true }));

  const fromDnsmasq = (line: string) => /^10\.67\.0\.[5-9]\d (.*)/.exec(line)?.[1];

  test("all of them took the address of dnsmasq and the boot file of the proxy", () => {
    expect(report.reports, report.consoles.join("\n")).toEqual([]);
    expect(new Set(report.asked.map(fromDnsmasq))).toEqual(
      new Set(["http /boot.ipxe", "tftp loader.efi", "http /loader.efi"]),
    );
  });

  test("iPXE's ROM takes the URL of the offer, without a question to port 4011", () => {
    const told = report.events.filter((event) => event.kind === "dhcp" && event.client === "ipxe");
    expect(told.at(-1)).toMatchObject({ message: "REQUEST", elsewhere: 0x0a43_0002 });
    expect(told.some((event) => event.kind === "dhcp" && event.reply === "ACK")).toBe(false);
  });

  test("OVMF's own stack asks port 4011; for HTTP boot it takes the URL of the offer", () => {
    const told = report.events.filter((event) => event.kind === "dhcp" && event.client === "pxe");
    expect(told).toContainEqual(
      expect.objectContaining({ reply: "ACK", bootFile: "loader.efi", architecture: 7 }),
    );
    expect(told).toContainEqual(
      expect.objectContaining({
        reply: "OFFER",
        bootFile: "http://10.67.0.1/loader.efi",
        architecture: 16,
      }),
    );
  });

  test("whoever asks for a file is known by what it said to the other server", () => {
    expect(Object.values(report.nodes)).toContainEqual({ mac: "525400670001", architecture: 0 });
    expect(Object.values(report.nodes)).toContainEqual({ mac: "525400670002", architecture: 16 });
    expect(Object.values(report.nodes)).not.toContain(null);
  });

  test("tshark finds nothing malformed in what we sent, no address and no time", () => {
    const judge = (filter: string) =>
      execFileSync(
        "tshark",
        ["-r", join(work, "served.pcap"), "-Y", filter, "-T", "fields", "-e", "dhcp.option.dhcp"],
        { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
      )
        .split("\n")
        .filter((line) => line !== "");
    const ours = "ip.src == 10.67.0.1 && (udp.srcport == 67 || udp.srcport == 4011)";
    expect(new Set(judge(ours))).toEqual(new Set(["2", "5"]));
    expect(judge(`${ours} && (_ws.malformed || _ws.expert.severity >= 6291456)`)).toEqual([]);
    expect(judge(`${ours} && (dhcp.ip.your != 0.0.0.0 || dhcp.option.type == 51)`)).toEqual([]);
  });
});
