import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { traceOf } from "../../../src/storm/record/record.ts";
import type { Trace } from "../../../src/storm/trace/trace.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { tracedCalls } from "./calls.ts";
import {
  bootCapture,
  type CapturedFrame,
  datagramFrame,
  framesOf,
  pcapOf,
  segmentFrame,
} from "./made-capture.ts";

/** Captures as people have them: through Wireshark's tools, of tcpdump's other forms, and not quite of the whole boot. */

function recorded(file: Uint8Array): { trace: Trace; notes: string[] } {
  const notes: string[] = [];
  return { trace: traceOf(file, { note: (line) => notes.push(line) }), notes };
}

const lacking = lackingOf("tshark", "editcap", "mergecap", "text2pcap");

describe.skipIf(lacking !== undefined)(title("a boot through Wireshark's tools", lacking), () => {
  const work = directoryOf({});
  const at = (name: string): string => join(work, name);
  const boot = at("boot.pcap");
  writeFileSync(boot, bootCapture("k-fast"));
  const { trace: expected } = recorded(readFileSync(boot));

  function made(name: string, tool: string, ...args: readonly string[]): Uint8Array {
    execFileSync(tool, args, { stdio: "pipe" });
    return readFileSync(at(name));
  }

  test.each(["nsecpcap", "pcapng"])("editcap -F %s: the same trace", (form) => {
    const file = made("form", "editcap", "-F", form, boot, at("form"));
    expect(recorded(file).trace).toEqual(expected);
    expect(recorded(gzipSync(file)).trace).toEqual(expected);
  });

  test("what each side sent, put together by mergecap: the same calls", () => {
    const node = "eth.src == 52:54:00:77:00:01";
    const sides = [
      ["answered.pcap", `!(${node})`],
      ["asked.pcap", node],
    ] as const;
    for (const [name, filter] of sides)
      made(name, "tshark", "-r", boot, "-Y", filter, "-w", at(name));
    // One after the other, and as of two interfaces.
    for (const how of [["-a"], ["-I", "none"]]) {
      const args = [...how, "-w", at("merged"), ...sides.map(([name]) => at(name))];
      const { trace } = recorded(made("merged", "mergecap", ...args));
      expect(tracedCalls(trace)).toEqual(tracedCalls(expected));
    }
  });

  test("frames of another kind of link in between are passed over, and told of", () => {
    writeFileSync(at("radio.txt"), "0000 00 00 08 00 00 00 00 00\n".repeat(3));
    made("radio.pcap", "text2pcap", "-l", "127", at("radio.txt"), at("radio.pcap"));
    const args = ["-w", at("mixed"), boot, at("radio.pcap")];
    const { trace, notes } = recorded(made("mixed", "mergecap", ...args));
    expect(trace.steps).toEqual(expected.steps);
    expect(notes).toContain("3 frames of link type 127 are passed over: no Ethernet or IP");
    expect(() => recorded(readFileSync(at("radio.pcap")))).toThrow(
      "the capture has frames of link type 127: expected Ethernet (1), Linux cooked (113, 276) or raw IP (101): capture on the server's network card",
    );
  });

  test("IPv6 in between changes nothing; of IPv6 alone nothing is recorded", () => {
    writeFileSync(at("six.txt"), "0000 01 00 00 00\n".repeat(3));
    const six = ["-6", "fe80::1,ff02::1:2", "-u", "546,547", at("six.txt"), at("six.pcap")];
    const alone = made("six.pcap", "text2pcap", ...six);
    const file = made("both", "mergecap", "-w", at("both"), boot, at("six.pcap"));
    expect(recorded(file).trace.steps).toEqual(expected.steps);
    expect(() => recorded(alone)).toThrow("no DHCP (IPv4) in this capture: begin it before");
  });

  test("cut lengths are told of", () => {
    const file = made("short", "editcap", "-s", "400", boot, at("short"));
    expect(recorded(file).notes.join()).toMatch(
      /\d+ packets are not whole: capture with tcpdump -s 0/,
    );
  });

  test("begun when the kernel asks for its address: recorded from there, and told of", () => {
    const [first = ""] = execFileSync(
      "tshark",
      ["-r", boot, "-Y", "tftp", "-T", "fields", "-e", "frame.number"],
      { encoding: "utf8", stdio: "pipe" },
    )
      .trim()
      .split("\n")
      .slice(-1);
    const range = `${Number(first) + 1}-99999`;
    const { trace, notes } = recorded(made("late", "editcap", "-r", boot, at("late"), range));
    expect(trace.steps[0]?.deed).toMatchObject({ kind: "dhcp", client: "kernel" });
    expect(notes).toContain(
      "the node's kernel asks first: what loaded it came before the capture, or from a disk",
    );
  });
});

describe("tcpdump's other forms", () => {
  const whole = framesOf(bootCapture("p-pxelinux-default"));
  const { trace: expected } = recorded(pcapOf(whole.filter(({ bytes }) => bytes.length <= 700)));

  test.each(["vlan", "any-sll", "any-sll2"])("%s: the same calls", (name) => {
    const file = new URL(`../../../fixtures/packets/odd/${name}.pcap.gz`, import.meta.url);
    const { trace } = recorded(gunzipSync(readFileSync(file)));
    expect(tracedCalls(expected).length).toBeGreaterThan(50);
    expect(tracedCalls(trace)).toEqual(tracedCalls(expected));
  });
});

test("a connection of more calls than a function can have arguments", () => {
  const frames = framesOf(bootCapture("k-fast"));
  const at = (frames.at(-1)?.at ?? 0) + 1;
  const [node, server] = ["10.77.0.11:1000", "10.77.0.1:2049"];
  const [segments, calls] = [100, 1400];
  // RFC 5531 §9: NULL of NFS, without credentials, and the answer to it; each with its mark.
  const talk = Array.from({ length: segments }, (_, segment) => {
    const xids = Array.from({ length: calls }, (__, call) => segment * calls + call);
    const asked = xids.map((xid) => words(0x8000_0028, xid, 0, 2, 100_003, 3, 0, 0, 0, 0, 0));
    const answered = xids.map((xid) => words(0x8000_0018, xid, 1, 0, 0, 0, 0));
    const [asks, answers] = [Buffer.concat(asked), Buffer.concat(answered)];
    return [
      { from: node, to: server, sequence: 1 + segment * asks.length, text: asks },
      { from: server, to: node, sequence: 1 + segment * answers.length, text: answers },
    ].map(({ text, ...ends }) => segmentFrame({ at, ...ends, text: text.toString("latin1") }));
  }).flat();
  const { trace } = recorded(pcapOf([...frames, ...talk]));
  expect(trace.steps.length).toBeGreaterThan(segments * calls);
});

describe("what a trace has no place for", () => {
  const frames = framesOf(bootCapture("k-fast"));
  const notesOf = (...more: readonly CapturedFrame[]): string[] =>
    recorded(pcapOf([...frames, ...more])).notes;
  const at = (frames.at(-1)?.at ?? 0) + 1;
  const [node, server] = ["10.77.0.11:1000", "10.77.0.1"];

  test("connections of other protocols are told of, once a port", () => {
    const hello = [1, 2].map((port) =>
      segmentFrame({
        at,
        from: `${node}${port}`,
        to: `${server}:443`,
        sequence: 1,
        text: "\x16\x03",
      }),
    );
    expect(notesOf(...hello)).toContain(
      "connections to port 443, neither HTTP, NFS nor iSCSI: left out, 2 times",
    );
  });

  test("NFS over UDP, and of other versions", () => {
    // RFC 5531 §9: an NFSv4 COMPOUND without credentials, and the answer to it.
    const call = rpc(0, 2, 100_003, 4, 1, 0, 0, 0, 0);
    const reply = rpc(1, 0, 0, 0, 0, 0);
    const mark = (bytes: Buffer): string =>
      Buffer.concat([words(0x8000_0000 + bytes.length), bytes]).toString("latin1");
    const talk = [
      { from: node, to: `${server}:2049`, text: mark(call) },
      { from: `${server}:2049`, to: node, text: mark(reply) },
    ].map((segment) => segmentFrame({ at, sequence: 1, ...segment }));
    const notes = notesOf(...talk, datagramFrame(at, node, `${server}:2049`, call));
    expect(notes).toContain("calls of NFS of version 4, not 3 (nfsvers=3): left out");
    expect(notes).toContain("calls of RPC over UDP (NFS: proto=tcp): left out");
  });

  test("names that would move the cursor do not", () => {
    const name = "a\x1b[2J\nb";
    const request = Buffer.from(`\x00\x01${name}\x00octet\x00`, "latin1");
    expect(notesOf(datagramFrame(at, node, `${server}:69`, request))).toContain(
      "a?[2J?b: the capture has not the end of it: left out",
    );
  });

  test("a capture whose gzip breaks off says what to do", () => {
    const cut = gzipSync(bootCapture("k-fast")).subarray(0, 100_000);
    expect(() => recorded(cut)).toThrow("unpack it, and cut out the boot (editcap -A, -B)");
  });
});

function rpc(...values: readonly number[]): Buffer {
  return words(7, ...values);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4);
  return bytes;
}
