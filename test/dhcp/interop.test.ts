import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Report } from "./interop/room.ts";

/** Foreign clients and a foreign judge (tshark), in network namespaces: see interop/room.ts. */

const unshare = process.getuid?.() === 0 ? ["--net"] : ["--map-root-user", "--net"];

function whatIsMissing(): string | undefined {
  if (spawnSync("unshare", [...unshare, "true"]).status !== 0) return "no right to unshare -n";
  const commands = ["ip", "nsenter", "busybox", "dhclient", "dhcrelay", "dumpcap", "tshark"];
  const missing = commands.filter((name) => spawnSync("which", [name]).status !== 0);
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

const missing = whatIsMissing();
const isSkipped = missing !== undefined && process.env["CI"] === undefined;

describe.skipIf(isSkipped)(
  `foreign DHCP clients in a network namespace${isSkipped ? ` (skipped: ${missing})` : ""}`,
  () => {
    let work: string;
    let report: Report;

    beforeAll(() => {
      if (missing !== undefined) throw new Error(missing);
      work = mkdtempSync(join(tmpdir(), "sidus-dhcp-"));
      const room = fileURLToPath(new URL("interop/room.ts", import.meta.url));
      const said = execFileSync("unshare", [...unshare, process.execPath, room, work], {
        encoding: "utf8",
        timeout: 60_000,
        maxBuffer: 1 << 24,
      });
      report = JSON.parse(said);
    }, 65_000);

    afterAll(() => rmSync(work, { recursive: true, force: true }));

    test("nothing was reported", () => {
      expect(report.reports).toEqual([]);
    });

    test("busybox udhcpc gets address, network, name, root path and lease time", () => {
      expect(report.udhcpc).toMatchObject({
        ip: "10.67.0.20",
        mask: "24",
        router: "10.67.0.254",
        dns: "10.67.0.2 10.67.0.3",
        hostname: "alpha",
        domain: "room.example",
        rootpath: "10.67.0.1:/srv/nfsroot/sidus",
        lease: "3600",
        serverid: "10.67.0.1",
        siaddr: "10.67.0.1",
      });
    });

    test("ISC dhclient gets the same address, network and name", () => {
      expect(report.dhclient).toMatchObject({
        new_ip_address: "10.67.0.20",
        new_subnet_mask: "255.255.255.0",
        new_broadcast_address: "10.67.0.255",
        new_routers: "10.67.0.254",
        new_domain_name_servers: "10.67.0.2 10.67.0.3",
        new_host_name: "alpha",
        new_domain_name: "room.example",
        new_dhcp_lease_time: "3600",
        new_dhcp_renewal_time: "1800",
        new_dhcp_rebinding_time: "3150",
      });
    });

    test("a client that stays renews by unicast, and releases when it ends", () => {
      expect(report.renewals.slice(0, 3)).toEqual(["DISCOVER OFFER", "REQUEST ACK", "REQUEST ACK"]);
      expect(report.renewals.at(-1)).toBe("RELEASE undefined");
    });

    test("udhcpc behind ISC's relay gets an address of its own subnet", () => {
      expect(report.relayed).toMatchObject({ router: "10.69.0.254", serverid: "10.67.0.1" });
      expect(report.relayed["ip"]).toMatch(/^10\.69\.0\.[5-9]\d$/);
      const relayed = report.events.filter((event) => event.kind === "dhcp" && event.relay);
      expect(relayed).toMatchObject([{ reply: "OFFER" }, { reply: "ACK" }]);
    });

    test("a client on an interface that is not served is not heard", () => {
      expect(report.strangerExit).not.toBe(0);
      const strangers = report.events.filter(
        (event) => event.kind === "dhcp" && event.mac === "525400680001",
      );
      expect(strangers).toEqual([]);
      expect(report.events.filter(({ kind }) => kind === "refused")).toEqual([]);
    });

    test("a thousand random or mutated datagrams are all counted, and the next client is served", () => {
      expect(report.mutated.heard).toBeGreaterThan(950);
      expect(report.mutated.heard).toBeLessThanOrEqual(1000);
      expect(report.mutated.refused["malformed"]).toBeGreaterThan(200);
      expect(report.mutated.refused["failed"]).toBeUndefined();
      expect(report.afterMutated).toMatchObject({ ip: "10.67.0.20" });
    });

    test("tshark finds nothing malformed in what we sent", () => {
      const judge = (filter: string) =>
        execFileSync(
          "tshark",
          ["-r", join(work, "served.pcap"), "-Y", filter, "-T", "fields", "-e", "dhcp.option.dhcp"],
          { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
        )
          .split("\n")
          .filter((line) => line !== "");
      expect(new Set(judge("udp.srcport == 67 && dhcp.type == 2"))).toEqual(new Set(["2", "5"]));
      expect(
        judge("udp.srcport == 67 && (_ws.malformed || _ws.expert.severity >= 6291456)"),
      ).toEqual([]);
    });
  },
);
