import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { recordCommand, tracesCommand } from "../../../src/cli/storm/record.ts";
import { readTrace } from "../../../src/storm/trace/file.ts";
import { directoryOf, sidus } from "../../sidus.ts";

const capture = new URL("../../../fixtures/packets/boots/b1-bios-iscsi.pcap.gz", import.meta.url)
  .pathname;

describe("sidus storm record", () => {
  test("makes a trace of a capture, and says what is in it", async () => {
    const output = join(directoryOf({}), "boot.trace.gz");
    const { code, stdout, stderr } = await sidus(
      ...["storm", "record", capture, "--output", output, "--title", "an old PC"],
      ...["--mac", "52-54-00-77-00-01"],
    );
    expect(code).toBe(0);
    expect(stdout).toBe(
      `${output}: an old PC, 2 dhcp, 5 tftp, 4 mount, 129 nfs, 103 iscsi; 20 MB, 66 s of its own\n`,
    );
    // Of its shutdown: no step of a boot.
    expect(stderr).toContain(`${capture}: procedure 3 of mount version 3: left out\n`);
    const { about, steps } = await readTrace(output);
    expect(about).toMatchObject({ title: "an old PC", layer: "iscsi" });
    expect(steps).toHaveLength(243);
  });

  test("what is wrong, in one line", async () => {
    const output = join(directoryOf({}), "boot.trace.gz");
    const wrong = [
      [[join("no", "such.pcap")], "is the path right?"],
      [[capture, "--mac", "me"], "--mac me: expected a MAC address, as 52:54:00:13:20:01"],
    ] as const;
    for (const [args, expected] of wrong) {
      const { code, stdout, stderr } = await sidus("storm", "record", ...args, "--output", output);
      expect(code).not.toBe(0);
      expect(stdout).toBe("");
      expect(stderr).toContain(expected);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    }
  });
});

describe("sidus storm traces", () => {
  test("lists the recorded boots that come with sidus", async () => {
    const { code, stdout } = await sidus("storm", "traces");
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^NAME +BOOT +KERNEL +RECORDED +NFS +ISCSI +DATA +OWN TIME$/);
    expect(lines.slice(1).map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
      ["bios-tmpfs", "BIOS, tmpfs"],
      ["bios-iscsi", "BIOS, iscsi"],
      ["uefi-tmpfs", "UEFI, tmpfs"],
    ]);
  });

  test("as JSON, with figures", async () => {
    const { stdout } = await sidus("storm", "traces", "--json");
    const traces = JSON.parse(stdout);
    expect(traces).toMatchObject([
      { name: "bios-tmpfs", firmware: "bios", calls: { dhcp: 2, http: 3, mount: 3, up: 1 } },
      { name: "bios-iscsi", layer: "iscsi" },
      { name: "uefi-tmpfs", firmware: "uefi" },
    ]);
    for (const { bytes, seconds } of traces) {
      expect(bytes).toBeGreaterThan(30e6);
      expect(seconds).toBeGreaterThan(30);
    }
  });
});

test("both have help, with an example", () => {
  for (const command of [recordCommand(), tracesCommand()]) {
    let help = "";
    const writeOut = (text: string): void => {
      help += text;
    };
    command.configureOutput({ writeOut }).outputHelp();
    expect(help).toContain(`\nExample:\n  sidus storm ${command.name()}`);
  }
});
