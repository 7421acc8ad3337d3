import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import type { Report } from "./foreign-room.ts";

/** Simulated nodes' clients, and servers that others wrote: see foreign-room.ts. */

const lacking = lackingOf("busybox", "dnsmasq", "in.tftpd", "ip", "unshare", "/usr/sbin/kea-dhcp4");
const unshare = process.getuid?.() === 0 ? ["--net"] : ["--map-root-user", "--net"];

describe.skipIf(lacking)(title("against servers that others wrote", lacking), () => {
  let work: string;
  let report: Report;

  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), "sidus-storm-"));
    const room = fileURLToPath(new URL("foreign-room.ts", import.meta.url));
    const said = execFileSync("unshare", [...unshare, process.execPath, room, work], {
      encoding: "utf8",
      timeout: 60_000,
    });
    report = JSON.parse(said);
  }, 70_000);

  afterAll(() => rmSync(work, { recursive: true, force: true }));

  test.each(["dnsmasq", "kea", "sidus"])(
    "DHCP through a relay: %s gives each node its own address",
    (name) => {
      const given = report.dhcp[name] ?? [];
      expect(new Set(given).size).toBe(20);
      expect(given.filter((text) => !/^10\.13\.(?:12[89]|1[3-9]\d|2\d\d)\./.test(text))).toEqual(
        [],
      );
    },
  );

  const outcomes = (name: string) => ({
    [`${name} big`]: "300000",
    [`${name} even`]: "20480",
    [`${name} empty`]: "0",
    [`${name} missing`]: "0",
    [`${name} size`]: "300000",
    [`${name} 20 at once`]: "300000",
  });

  test.each([
    "dnsmasq plain",
    "dnsmasq lock-step",
    "dnsmasq windows",
    "tftpd-hpa plain",
    "tftpd-hpa lock-step",
    "tftpd-hpa windows",
  ])("TFTP: %s", (name) => {
    expect(report.tftp).toMatchObject(outcomes(name));
  });

  test.each(["kept", "each"])("HTTP by busybox, connections %s", (name) => {
    expect(report.http).toMatchObject(outcomes(name));
  });

  test("all content was the files', and nothing was to be complained of", () => {
    expect(report.differences).toEqual([]);
    expect(report.complaints).toEqual([]);
    expect(report.verifiedBytes).toBeGreaterThan(50_000_000);
  });
});
