import { describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";
import { inInitrd } from "./initrd.ts";

const lacking = lackingOf("root", "unshare", "ip");

/** A card whose other end is up has carrier as soon as it is up itself. */
const cabled = (name: string, address: string): string => `
  ip link add ${name} address ${address} type veth peer name far-${name}
  ip link set far-${name} up`;
/** A tap that nobody has opened has none. */
const loose = (name: string, address: string): string => `
  ip tuntap add ${name} mode tap
  ip link set ${name} address ${address}`;

const first = "52:54:00:13:20:01";
const second = "52:54:00:13:20:02";
const cards = cabled("eth0", first) + cabled("eth1", second);
const linkup = "sh $I/linkup; for c in eth0 eth1; do cat /sys/class/net/$c/carrier; done 2>&1";

function carriers(environment: string, before = cards): string[] {
  const run = `${environment} ${linkup}`;
  const { stdout } = inInitrd(directoryOf({}), { commandLine: "", before, run });
  return stdout
    .split("\n")
    .map((line) => (line === "1" ? "up" : "down"))
    .slice(0, 2);
}

describe.skipIf(lacking !== undefined)(title("linkup", lacking), () => {
  test("without BOOTIF every card is brought up", () => {
    expect(carriers("")).toEqual(["up", "up"]);
  });

  test("BOOTIF of PXELINUX names the only card that is brought up", () => {
    expect(carriers("BOOTIF=01-52-54-00-13-20-02")).toEqual(["down", "up"]);
    expect(carriers("BOOTIF=01-52-54-00-13-20-01")).toEqual(["up", "down"]);
  });

  test("BOOTIF of a card that is not there: all are tried", () => {
    expect(carriers("BOOTIF=01-52-54-00-13-20-99")).toEqual(["up", "up"]);
  });

  test("a card whose cable leads nowhere delays the boot by 10 s, and does not stop it", () => {
    const { stdout, status } = inInitrd(directoryOf({}), {
      commandLine: "",
      before: loose("eth0", first) + cabled("eth1", second),
      files: { "stub/sleep": "#!/bin/sh\necho pause $1\n" },
      run: `PATH=/stub:$PATH BOOTIF=01-52-54-00-13-20-01 sh $I/linkup`,
    });
    expect(stdout).toBe("pause 0.2\n".repeat(50));
    expect(status).toBe(0);
  });

  test("any cable is enough where the card is not known", () => {
    const cards = loose("eth0", first) + cabled("eth1", second);
    const started = performance.now();
    expect(carriers("", cards)).toEqual(["down", "up"]);
    expect(performance.now() - started).toBeLessThan(9000);
  });
});
