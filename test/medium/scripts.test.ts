import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/bytes/ipv4.ts";
import { grubConfig, ipxeScript, urlOf } from "../../src/medium/scripts.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";

const address = parseIpv4("10.13.20.1");
if (address === undefined) throw new Error("no address");
const server = { address, httpPort: 80 };
const elsewhere = { address, httpPort: 8080 };
const lacking = lackingOf("grub-script-check");

describe("scripts of a medium", () => {
  test("the port is named where it is not HTTP's own", () => {
    expect(urlOf(server)).toBe("http://10.13.20.1/");
    expect(urlOf(elsewhere)).toBe("http://10.13.20.1:8080/");
    expect(ipxeScript(elsewhere)).toContain(
      "imgfetch --name sidus http://10.13.20.1:8080/boot.ipxe ||",
    );
  });

  test("iPXE: every label that is gone to is there", () => {
    const script = ipxeScript(server);
    expect(script).toMatch(/^#!ipxe\n/);
    const labels = [...script.matchAll(/^:(\w+)$/gm)].map(([, name]) => name);
    for (const [, name] of script.matchAll(/goto (\w+)/g)) expect(labels).toContain(name);
  });

  test("GRUB, whose HTTP knows one port only, goes to TFTP where that is another", () => {
    expect(grubConfig(server)).toContain("set sidus='(http,10.13.20.1)'");
    expect(grubConfig(elsewhere)).not.toContain("http");
    expect(grubConfig(elsewhere)).toContain("set sidus='(tftp,10.13.20.1)'");
  });

  test.skipIf(lacking !== undefined)(title("GRUB's own parser takes it", lacking), () => {
    for (const text of [grubConfig(server), grubConfig(elsewhere)]) {
      execFileSync("grub-script-check", [join(directoryOf({ "grub.cfg": text }), "grub.cfg")]);
    }
  });
});
