import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readTrace } from "../../../src/storm/trace/file.ts";
import { shippedTraceFile, shippedTraces } from "../../../src/storm/trace/shipped.ts";
import { type JudgedPacket, judgedCalls, judgedPackets, tracedCalls } from "./calls.ts";

/** The traces that ship, against what tshark decoded of the captures that they were made of (fixtures/traces/calls.sh). */

describe.each(shippedTraces)("%s", async (name) => {
  const trace = await readTrace(shippedTraceFile(name));
  const file = new URL(`../../../fixtures/traces/${name}.calls.tsv.gz`, import.meta.url);
  const all = judgedPackets(gunzipSync(readFileSync(file)).toString());
  const up = all.findIndex((packet) => packet.values("http.request.uri").includes("/up"));
  const packets = all.slice(0, up + 1);

  test("has the calls of the boot, all of them, in their order", () => {
    // A write's data can take several packets: tshark counts it with the last. So each connection is compared for itself.
    const isDisk = (call: string): boolean => /^(?:scsi|login)/.test(call);
    const judged = judgedCalls(packets);
    const traced = tracedCalls(trace);
    expect(traced.filter((call) => !isDisk(call))).toEqual(judged.filter((call) => !isDisk(call)));
    const disk = judged.filter(isDisk);
    expect(
      traced.filter(isDisk).map((call, at) => (disk[at]?.includes("?") ? disk[at] : call)),
    ).toEqual(disk);
  });

  test("names the files as tshark found them to be named", () => {
    const calls = trace.steps.flatMap(({ deed }) => (deed.kind === "nfs" ? deed.call : []));
    let at = 0;
    let named = 0;
    for (const packet of packets) {
      const programs = packet.values("rpc.program");
      // NFS, and NFSACL beside it.
      const count = programs.filter((program) => /^100(?:003|227)$/.test(program)).length;
      const path = count === 1 && programs.includes("100003") ? pathIn(packet) : undefined;
      const call = calls[at];
      at += count;
      if (path === undefined || call === undefined) continue;
      expect(trace.files[call.file]?.path).toBe(path);
      named += 1;
    }
    expect(at).toBe(calls.length);
    expect(named).toBeGreaterThan(calls.length / 2);
  });
});

const ROOT = /^[\d.]+:\/srv\/nfsroot\/room\/?/;

/** Below the root. tshark does not know all: handles of READDIRPLUS are not among them. */
function pathIn(packet: JudgedPacket): string | undefined {
  const [full] = packet.values("nfs.full_name");
  const [procedure] = packet.values("rpc.procedure");
  const leaf = packet.values("nfs.name").at(-1);
  if (full === undefined || leaf === undefined) return undefined;
  const path = full.replace(ROOT, "");
  if (procedure !== "3") return path;
  return path === "" ? leaf : `${path}/${leaf}`;
}
