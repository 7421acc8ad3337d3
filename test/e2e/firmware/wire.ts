import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Room } from "../served-room.ts";

/** What nodes asked for, and how, judged by tshark; not by what the server says of itself. */
export interface Wire extends AsyncDisposable {
  /** `tftp NAME`, without leading slashes, or `http PATH`, in the order asked, by one node; each once. */
  fetchedBy(mac: string): string[];
  /** What the server sent and tshark finds malformed. */
  malformed(): string;
  /** Of DHCP messages of the type, who sent them. */
  dhcpSenders(type: number): string[];
  /** That one server gave. */
  addressesFrom(server: string): string[];
}

/** DHCP, PXE, and the requests of TFTP and HTTP: their data would be hundreds of MB. */
const FILTER = "udp port 67 or udp port 68 or udp port 4011 or udp dst port 69 or tcp dst port 80";

export async function watchWire(room: Room): Promise<Wire> {
  const file = join(room.work, "wire.pcap");
  const flags = ["-i", "room0", "--immediate-mode", "-U", "-Z", "root", "-w", file];
  const tcpdump = room.namespace.spawn("tcpdump", [...flags, FILTER], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  await once(tcpdump.stderr ?? tcpdump, "data");
  const tshark = (filter: string, ...fields: readonly string[]): string[][] =>
    execFileSync(
      "tshark",
      [
        ...["-r", file, "-Y", filter, "-T", "fields", "-E", "separator=/t"],
        ...fields.flatMap((field) => ["-e", field]),
      ],
      { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    )
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split("\t"));
  return {
    fetchedBy(mac) {
      const asked = "(tftp.opcode == 1 or http.request)";
      const rows = tshark(`eth.src == ${mac} and ${asked}`, "tftp.source_file", "http.request.uri");
      const names = rows.map(([tftp = "", http = ""]) =>
        tftp === "" ? `http ${http}` : `tftp ${tftp.replace(/^\/+/, "")}`,
      );
      return [...new Set(names)];
    },
    malformed: () => tshark(`ip.src == ${room.server} and _ws.malformed`, "frame.number").join(),
    dhcpSenders: (type) => [
      ...new Set(tshark(`dhcp.option.dhcp == ${type}`, "ip.src").map(([source = ""]) => source)),
    ],
    addressesFrom: (server) => [
      ...new Set(
        tshark(`ip.src == ${server} and dhcp.ip.your != 0.0.0.0`, "dhcp.ip.your").map(
          ([address = ""]) => address,
        ),
      ),
    ],
    async [Symbol.asyncDispose]() {
      const exit = once(tcpdump, "exit");
      tcpdump.kill("SIGKILL");
      await exit;
    },
  };
}
