import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { traceOf } from "../../src/storm/record/record.ts";
import { type StormResult, stormResult } from "../../src/storm/result.ts";
import type { Deed, NfsCall, Trace } from "../../src/storm/trace/trace.ts";
import { openNamespace } from "../namespace.ts";
import { lackingOf, title } from "../needs.ts";
import { briefTrace } from "./brief-trace.ts";

/** Whole storms against our own server, in a namespace: see storm-process.ts. */

const lacking = lackingOf("dumpcap", "ip", "unshare");
const script = fileURLToPath(new URL("storm-process.ts", import.meta.url));

interface Told {
  readonly alone: StormResult;
  readonly killed: StormResult;
  readonly stopped: StormResult;
}

describe.skipIf(lacking)(title("a storm against our own server", lacking), () => {
  let work: string;
  let trace: Trace;
  let told: Told;

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), "sidus-storm-"));
    trace = await briefTrace();
    await using namespace = await openNamespace();
    namespace.run(process.execPath, script, work);
    told = JSON.parse(readFileSync(join(work, "told.json"), "utf8"));
  }, 90_000);

  afterAll(() => rmSync(work, { recursive: true, force: true }));

  test("a node comes up, all that it got is verified, and nothing is wrong", () => {
    const { alone } = told;
    expect(() => stormResult.parse(alone)).not.toThrow();
    expect(alone.nodes.map(({ failure }) => failure)).toEqual([undefined]);
    expect([alone.up, alone.failed]).toEqual([1, 0]);
    expect(complaintsOf(alone)).toEqual([]);
    expect(alone.verified.differences).toBe(0);
    // With the tree: there is no other node.
    expect(alone.verified.bytes).toBeGreaterThan(0);
    expect(alone.files).toMatchObject({ renamed: 0, replaced: 0 });
    const reached = alone.nodes.flatMap((node) => Object.entries(node.reached));
    expect(reached.map(([stage]) => stage)).toEqual(["dhcp", "loader", "kernel", "root", "up"]);
    const times = reached.map(([, at]) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test("its calls are counted by what they are, as the trace has them", () => {
    const { nfs, http, dhcp, mount } = told.alone.protocols;
    const calls = trace.steps.flatMap(({ deed }) => (deed.kind === "nfs" ? [deed.call] : []));
    const labelOf = (op: string): string => (op === "acl-null" ? "NFSACL NULL" : op.toUpperCase());
    const expected = Object.groupBy(calls, ({ op }) => labelOf(op));
    for (const [operation, recorded] of Object.entries(expected)) {
      expect([operation, nfs?.operations[operation]]).toEqual([operation, recorded?.length]);
    }
    expect(http?.operations).toEqual({ GET: 3, POST: 1 });
    expect(dhcp?.operations).toEqual({ DISCOVER: 2, REQUEST: 2 });
    expect(mount?.operations).toEqual({ GETPORT: 2, MNT: 1 });
  });

  test("what is on the wire is the recorded boot: recorded again, the same calls in the same order with the same bytes", () => {
    const file = readFileSync(join(work, "one.pcap"));
    const again = traceOf(file, { note: () => {} });
    expect(again.about.layer).toBe(trace.about.layer);
    expect(lines(again)).toEqual(lines(trace));
  });

  test("where the server is killed and started again, every node still comes up, with the same content", () => {
    const { killed } = told;
    expect(killed.nodes.map(({ failure }) => failure)).toEqual([undefined, undefined, undefined]);
    expect(killed.incidents.map(({ what }) => what)).toEqual(["killed", "started again"]);
    expect(killed.verified.differences).toBe(0);
    const retransmits = Object.values(killed.protocols).reduce((sum, p) => sum + p.retransmits, 0);
    expect(retransmits).toBeGreaterThan(0);
  });

  test("a node is not faster than its own times allow", () => {
    const ownSeconds = fastest(trace) * 0.02;
    expect(ownSeconds).toBeGreaterThan(0.5);
    for (const { startedAt, reached } of told.killed.nodes) {
      // Times below a timer's grain may be saved up to the end.
      expect((reached.up ?? 0) - startedAt).toBeGreaterThan(ownSeconds - 0.002);
    }
  });

  test("its series adds up to what was counted", () => {
    const { killed } = told;
    const sum = (of: "calls" | "received"): number =>
      killed.series.reduce((total, sample) => total + (sample[of].nfs ?? 0), 0);
    expect(sum("calls")).toBe(killed.protocols.nfs?.calls);
    expect(sum("received")).toBe(killed.protocols.nfs?.received);
    expect(killed.series.at(-1)?.stages).toEqual({ up: 3 });
    const times = killed.series.map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test("a storm that is broken off ends, and says of its nodes why they are not up", () => {
    const { stopped } = told;
    expect(stopped.nodes.map(({ failure }) => failure)).toEqual(["the storm was broken off"]);
    expect([stopped.up, stopped.failed]).toEqual([0, 1]);
  });
});

/** Seconds that the node itself takes, if all answers come at once. */
function fastest({ steps }: Trace): number {
  const sentAt: number[] = [];
  for (const { after, think } of steps) {
    sentAt.push(Math.max((sentAt[after] ?? 0) + think / 1e6, sentAt.at(-1) ?? 0));
  }
  return sentAt.at(-1) ?? 0;
}

function complaintsOf({ protocols }: StormResult): string[] {
  return Object.values(protocols).flatMap(({ complaints }) => Object.keys(complaints));
}

/** The tree of the test has only what the trace names, and so shorter listings; the export has another name. */
function lines({ steps, files }: Trace): string[] {
  return steps.flatMap(({ deed }) => {
    const isMore = deed.kind === "nfs" && "continues" in deed.call && deed.call.continues;
    return isMore ? [] : [lineOf(deed, files)];
  });
}

function lineOf(deed: Deed, files: Trace["files"]): string {
  switch (deed.kind) {
    case "dhcp":
      return `dhcp ${deed.client}`;
    case "http":
    case "tftp": {
      const path = deed.path.replace(/^\/(?:room|storm)\//, "/export/");
      return `${deed.kind} ${deed.role} ${path} ${deed.role === "loader" ? "" : deed.bytes}`;
    }
    case "nfs":
      return `nfs ${nfsLine(deed.call, files)}`;
    default:
      return JSON.stringify(deed);
  }
}

function nfsLine(call: NfsCall, files: Trace["files"]): string {
  return JSON.stringify({ ...call, file: files[call.file]?.path });
}
