import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseMac } from "../../../src/bytes/mac.ts";
import { traceOf } from "../../../src/storm/record/record.ts";
import type { FileDeed, Trace } from "../../../src/storm/trace/trace.ts";
import { UserError } from "../../../src/user-error.ts";
import { lackingOf, title } from "../../needs.ts";
import { judgedCalls, judgedPackets, tracedCalls } from "./calls.ts";
import { bootCapture, type CapturedFrame, framesOf, pcapngOf, pcapOf } from "./made-capture.ts";

/** Boots of the captures below fixtures/packets/boots: of foreign servers' nodes, with holes. */

const script = new URL("../../../fixtures/traces/calls.sh", import.meta.url).pathname;
const capture = (name: string): string =>
  new URL(`../../../fixtures/packets/boots/${name}.pcap.gz`, import.meta.url).pathname;

function recorded(file: Uint8Array): { trace: Trace; notes: string[] } {
  const notes: string[] = [];
  return { trace: traceOf(file, { note: (line) => notes.push(line) }), notes };
}

function filesIn({ steps }: Trace): FileDeed[] {
  return steps.flatMap(({ deed }) => (deed.kind === "tftp" || deed.kind === "http" ? deed : []));
}

const lacking = lackingOf("tshark");
const boots = ["a2-bios-lpxelinux-virtio", "b1-bios-iscsi", "c-uefi-grub", "d1-bios-ipxe-http"];

describe.skipIf(lacking)(title("a trace and tshark's decoding of the capture", lacking), () => {
  test.each(boots)("%s: the same calls in the same order", (name) => {
    const tsv = execFileSync("sh", [script, capture(name)], { encoding: "utf8", stdio: "pipe" });
    const judged = judgedCalls(judgedPackets(tsv));
    const { trace } = recorded(bootCapture(name));
    const traced = tracedCalls(trace);
    for (const kind of ["tftp", "portmap", "100005 1", "nfs", "100227", "login", "scsi"]) {
      const of = (calls: readonly string[]): string[] =>
        calls.filter((call) => call.startsWith(kind));
      // Where the capture was trimmed, the last call has no answer: what it came to is not known.
      const [expected, found] = [of(judged).map(withTemplate), of(traced)];
      expect(found).toEqual(expected.slice(0, found.length));
      expect(expected.length - found.length).toBeLessThanOrEqual(1);
    }
  });
});

function withTemplate(call: string): string {
  return call.replace("52-54-00-77-00-01", "{mac}");
}

describe("recording", () => {
  test("who booted, what, and when", () => {
    expect(recorded(bootCapture("b1-bios-iscsi")).trace.about).toEqual({
      title: "BIOS, iscsi",
      firmware: "bios",
      layer: "iscsi",
      recordedAt: "2026-11-20T23:57:54.463Z",
      kernel: "",
      mac: "52:54:00:77:00:01",
      address: "10.77.0.11",
    });
    const { about } = recorded(bootCapture("c-uefi-grub")).trace;
    expect(about).toMatchObject({ title: "UEFI, tmpfs", firmware: "uefi", layer: "tmpfs" });
  });

  test("DHCP: iPXE, which asks twice and waits for a ProxyDHCP server, then the kernel, which requests twice", () => {
    const { trace } = recorded(bootCapture("b1-bios-iscsi"));
    const dhcp = trace.steps.flatMap(({ deed }) => (deed.kind === "dhcp" ? deed : []));
    expect(dhcp.map(({ client, think }) => ({ client, think }))).toEqual([
      { client: "ipxe", think: 3_049_019 },
      { client: "kernel", think: 1_002_962 },
    ]);
    expect(dhcp[1]?.discover.map(({ code }) => code)).toEqual([55, 60]);
    expect(dhcp[0]?.discover.map(({ code }) => code)).not.toContain(53);
    const uuid = dhcp[0]?.discover.find(({ code }) => code === 97);
    expect(uuid?.value).toMatch(/^00[0-9a-f]{32}$/);
  });

  test("PXELINUX: what DHCP named, what it loads, its configuration, kernel and initrd", () => {
    const { trace } = recorded(bootCapture("b1-bios-iscsi"));
    const options = [
      ["tsize", "0"],
      ["blksize", "1408"],
    ];
    const whole = { kind: "tftp", ends: "whole", options };
    expect(filesIn(trace)).toMatchObject([
      {
        role: "loader",
        path: "pxelinux.0",
        bytes: 42_430,
        options: [
          ["blksize", "1432"],
          ["tsize", "0"],
        ],
      },
      { role: "other", path: "ldlinux.c32", bytes: 119_524, ...whole },
      { role: "config", path: "pxelinux.cfg/01-{mac}", bytes: 352, ...whole },
      { role: "kernel", path: "vmlinuz", bytes: 8_247_232, ...whole },
      { role: "initrd", path: "initrd.img", bytes: 9_947_879, ...whole },
    ]);
  });

  test("PXELINUX without a file of its own: nine misses, as templates of what the node is", () => {
    const { trace } = recorded(bootCapture("p-pxelinux-default"));
    const configs = filesIn(trace).filter(({ role }) => role === "config");
    expect(configs.map(({ path, ends }) => `${ends} ${path}`)).toEqual([
      "missing pxelinux.cfg/01-{mac}",
      "missing pxelinux.cfg/{IP-HEX}",
      ...[7, 6, 5, 4, 3, 2, 1].map((digits) => `missing pxelinux.cfg/{IP-HEX:${digits}}`),
      "whole pxelinux.cfg/default",
    ]);
  });

  test("OVMF asks for a size first and breaks off; GRUB finds its configuration", () => {
    const { trace } = recorded(bootCapture("c-uefi-grub"));
    expect(filesIn(trace).map(({ role, ends }) => `${role} ${ends}`)).toEqual([
      "loader size",
      "loader whole",
      "config whole",
      "config whole",
      "kernel whole",
      "initrd whole",
    ]);
  });

  test("what the capture has not is noted, in a line each", () => {
    const { trace, notes } = recorded(bootCapture("d1-bios-ipxe-http"));
    expect(notes).toContain("/vmlinuz: the capture has not the end of it: left out");
    expect(filesIn(trace).map(({ path }) => path)).not.toContain("/vmlinuz");
    expect(notes).toContain(
      "the node does not say that it is up (POST /up): recorded as far as the capture goes (editcap -B ends it sooner)",
    );
    const short = framesOf(bootCapture("k-fast")).map(({ at, bytes }) => ({
      at,
      bytes: bytes.subarray(0, 500),
      length: bytes.length,
    }));
    expect(recorded(pcapOf(short)).notes).toContain(
      `${short.filter(({ length }) => length > 500).length} packets are not whole: capture with tcpdump -s 0`,
    );
    expect(recorded(bootCapture("g2-uefi-iscsi-2boots")).notes).toContain(
      "the node boots 2 times: the first is recorded",
    );
  });

  test("every step waits for one before it, or for the power switch", () => {
    for (const name of boots) {
      const { steps } = recorded(bootCapture(name)).trace;
      expect(steps.filter(({ after, think }, index) => after >= index || think < 0)).toEqual([]);
      expect(steps.filter(({ after }) => after < 0)).toHaveLength(1);
    }
  });

  test("the form of the capture, gzip, and frames that come twice make no difference", () => {
    const file = bootCapture("b1-bios-iscsi");
    const { trace } = recorded(file);
    const frames = framesOf(file);
    const twice = frames.flatMap((frame) => [frame, frame]);
    for (const form of [gzipSync(file), pcapngOf(frames), pcapOf(twice)]) {
      expect(recorded(form).trace).toEqual(trace);
    }
  });
});

describe("several nodes in a capture", () => {
  const both = pcapOf([
    ...framesOf(bootCapture("k-fast")),
    ...framesOf(bootCapture("b1-bios-iscsi")).map(ofAnother),
  ]);

  test("are named, for one to be chosen", () => {
    const note = (): void => {};
    expect(() => traceOf(both, { note })).toThrow(
      "2 nodes are in this capture: choose one with --mac (52:54:00:77:00:01, 52:54:00:77:00:99)",
    );
    expect(() => traceOf(both, { note, mac: parseMac("525400000000") })).toThrow(
      "52:54:00:00:00:00 is not in this capture: expected one of 52:54:00:77:00:01, 52:54:00:77:00:99",
    );
  });

  test("one that only asks for an address is no node", () => {
    const kernel = framesOf(bootCapture("b1-bios-iscsi"))
      .filter(({ bytes }) => Buffer.from(bytes).includes("071e552b", 0, "hex"))
      .map(ofAnother);
    expect(kernel.length).toBeGreaterThan(3);
    const { trace } = recorded(pcapOf([...kernel, ...framesOf(bootCapture("k-fast"))]));
    expect(trace.about.mac).toBe("52:54:00:77:00:01");
  });

  test("and the chosen one is recorded as if it were alone", () => {
    const note = (): void => {};
    const chosen = traceOf(both, { note, mac: parseMac("525400770099") });
    const alone = recorded(bootCapture("b1-bios-iscsi")).trace;
    expect(chosen.about).toMatchObject({ mac: "52:54:00:77:00:99", address: "10.77.0.99" });
    expect(tracedCalls(chosen)).toEqual(tracedCalls(alone));
  });
});

/** The same boot of a node 52:54:00:77:00:99 with 10.77.0.99. */
function ofAnother(frame: CapturedFrame): CapturedFrame {
  const hex = Buffer.from(frame.bytes)
    .toString("hex")
    .replaceAll("525400770001", "525400770099")
    .replaceAll("0a4d000b", "0a4d0063")
    .replaceAll(
      Buffer.from("52-54-00-77-00-01").toString("hex"),
      Buffer.from("52-54-00-77-00-99").toString("hex"),
    );
  return { ...frame, bytes: new Uint8Array(Buffer.from(hex, "hex")) };
}

describe("what cannot be recorded", () => {
  test("hostile captures are recorded or refused, nothing more", () => {
    const file = bootCapture("b1-bios-iscsi");
    const change = fc.record({ at: fc.nat(file.length - 1), value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 200 }), (changes) => {
        const damaged = Uint8Array.from(file);
        // Among the packets' headers, mostly: data is what most bytes are.
        for (const { at, value } of changes) damaged[24 + (at % 40_000)] = value;
        try {
          recorded(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
      { numRuns: 15 },
    );
  });

  test("a capture without DHCP, or without an answer to it", () => {
    const frames = framesOf(bootCapture("k-fast"));
    const note = (): void => {};
    expect(() => traceOf(pcapOf(frames.slice(-20)), { note })).toThrow(
      "no DHCP (IPv4) in this capture: begin it before the node is switched on, on the server's network interface",
    );
    expect(() => traceOf(pcapOf(frames.slice(0, 1)), { note })).toThrow(
      "52:54:00:77:00:01 was given no address in this capture: no boot to record",
    );
    expect(() => traceOf(pcapOf([]), { note })).toThrow("no DHCP");
    expect(() => traceOf(gzipSync(pcapOf(frames)).subarray(0, 99), { note })).toThrow(
      "gzip is broken",
    );
  });
});
