import { describe, expect, test } from "vitest";
import { figuresOf } from "../../../src/storm/trace/figures.ts";
import { readTrace } from "../../../src/storm/trace/file.ts";
import { phasesOf } from "../../../src/storm/trace/phases.ts";
import { shippedTraceFile, shippedTraces } from "../../../src/storm/trace/shipped.ts";
import type { Deed, Step, Trace } from "../../../src/storm/trace/trace.ts";

const about: Trace["about"] = {
  title: "by hand",
  firmware: "bios",
  layer: "tmpfs",
  recordedAt: "2026-11-21T20:00:00.000Z",
  kernel: "",
  mac: "52:54:00:13:20:01",
  address: "10.13.20.11",
};

const dhcp: Deed = {
  kind: "dhcp",
  client: "ipxe",
  flags: 0,
  discover: [],
  request: [],
  think: 500_000,
};

function fetched(role: "config" | "kernel", bytes: number): Deed {
  return { kind: "http", role, path: `/${role}`, options: [], ends: "whole", bytes };
}

function read(offset: number): Deed {
  return { kind: "nfs", call: { op: "read", file: 0, offset, count: 1000 } };
}

function step(after: number, think: number, deed: Deed): Step {
  return { after, think, deed };
}

function traceOf(...steps: readonly Step[]): Trace {
  return { about, files: [{ path: "bin/sh", type: "file", size: 1500 }], steps };
}

test("a boot is cut where a stage is reached, and pauses and bulk are pieces of their own", () => {
  const trace = traceOf(
    step(-1, 0, dhcp),
    step(0, 2_000_000, fetched("config", 100)),
    step(1, 0, fetched("kernel", 8_000_000)),
    step(2, 1_000_000, { kind: "mount" }),
    // Both at once: one answer after another is waited for no more than once.
    step(3, 0, read(0)),
    step(3, 0, read(1000)),
    step(5, 0, { kind: "up" }),
  );
  const pieces = phasesOf(trace, 1).filter(
    ({ own, rounds, calls }) => own > 0 || rounds > 0 || Object.keys(calls).length > 0,
  );
  expect(pieces).toEqual([
    { until: "dhcp", own: 0, rounds: 2, calls: { dhcp: 2 }, received: {} },
    // Half a second from the OFFER to the REQUEST, and two from the ACK on.
    { until: "loader", own: 2.5, rounds: 0, calls: {}, received: {} },
    { until: "kernel", own: 0, rounds: 1, calls: { http: 1 }, received: { http: 100 } },
    { until: "root", own: 0, rounds: 1, calls: { http: 1 }, received: { http: 8_000_000 } },
    { until: "root", own: 1, rounds: 0, calls: {}, received: {} },
    { until: "root", own: 0, rounds: 1, calls: { mount: 1 }, received: {} },
    { until: "up", own: 0, rounds: 1, calls: { nfs: 1 }, received: { nfs: 1000 } },
    // What is behind the file's end is not there.
    { until: "up", own: 0, rounds: 0, calls: { nfs: 1 }, received: { nfs: 500 } },
    { until: "up", own: 0, rounds: 1, calls: { http: 1 }, received: {} },
  ]);
});

test("of TFTP each window is waited for (RFC 7440)", () => {
  const tftp = (options: readonly (readonly [string, string])[]): Trace =>
    traceOf(
      step(-1, 0, {
        kind: "tftp",
        role: "kernel",
        path: "vmlinuz",
        options,
        ends: "whole",
        bytes: 14_680_000,
      }),
    );
  const roundsOf = (trace: Trace): number =>
    phasesOf(trace, 0).reduce((total, { rounds }) => total + rounds, 0);
  expect(roundsOf(tftp([]))).toBe(1 + 28_672);
  expect(roundsOf(tftp([["blksize", "1468"]]))).toBe(1 + 10_000);
  expect(
    roundsOf(
      tftp([
        ["BLKSIZE", "1468"],
        ["windowsize", "16"],
      ]),
    ),
  ).toBe(1 + 625);
  // A trace has them as they were asked for, whatever that was.
  for (const none of ["0", "-1", "many", "", "1e9"])
    expect(
      roundsOf(
        tftp([
          ["blksize", none],
          ["windowsize", none],
        ]),
      ),
    ).toBe(1 + 28_672);
});

describe.each(shippedTraces)("%s", (name) => {
  test("its pieces are all of it, in as many as a projection needs", async () => {
    const trace = await readTrace(shippedTraceFile(name));
    const { calls, bytes, seconds } = figuresOf(trace);
    const pieces = phasesOf(trace, 1);
    const sum = (value: (piece: (typeof pieces)[number]) => number): number =>
      pieces.reduce((total, piece) => total + value(piece), 0);
    expect(sum((piece) => piece.own)).toBeCloseTo(seconds, 6);
    expect(sum((piece) => Object.values(piece.received).reduce((a, b) => a + b, 0))).toBe(bytes);
    expect(sum((piece) => piece.calls.nfs ?? 0)).toBe(calls.nfs);
    expect(sum((piece) => piece.calls.dhcp ?? 0)).toBe(2 * (calls.dhcp ?? 0));
    expect(pieces.length).toBeGreaterThan(15);
    expect(pieces.length).toBeLessThan(50);
    expect(phasesOf(trace, 0).every((piece) => piece.own === 0)).toBe(true);
  });
});
