import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firmwareArguments, romArguments } from "../../src/cli/demo/firmware.ts";
import { stormResult } from "../../src/storm/result.ts";
import { figuresOf } from "../../src/storm/trace/figures.ts";
import { readTrace } from "../../src/storm/trace/file.ts";
import { shippedTraceFile } from "../../src/storm/trace/shipped.ts";
import type { Trace } from "../../src/storm/trace/trace.ts";
import { lackingOf, title } from "../needs.ts";
import { sidus } from "../sidus.ts";
import {
  type JudgedPacket,
  judgedCalls,
  judgedPackets,
  tracedCalls,
} from "../storm/record/calls.ts";
import { BUILD_MS, debianTree } from "./debian.ts";
import { networkCard, startQemu } from "./qemu.ts";
import { openRoom, type Room } from "./served-room.ts";

/** What `sidus serve --record` writes while real nodes boot, judged by tshark, made a trace of, and stormed with. */

const lacking =
  lackingOf("root", "mmdebstrap", "qemu-system-x86_64", "ip", "nsenter", "tshark") ??
  (process.env["SIDUS_E2E"] === "all" ? undefined : "npm run e2e runs it");

/** Two emulated nodes share the processors with whatever else is tested. */
const BOOT_MS = 15 * 60_000;
/** tshark reads 80 MB again and again. */
const JUDGED_MS = 5 * 60_000;
const script = fileURLToPath(new URL("../../fixtures/traces/calls.sh", import.meta.url));

const nodes = [
  { firmware: "bios", mac: "52:54:00:13:20:01", tap: "tap1", like: "bios-tmpfs" },
  { firmware: "uefi", mac: "52:54:00:13:20:02", tap: "tap2", like: "uefi-tmpfs" },
] as const;
type Node = (typeof nodes)[number];

const recording = title("boots recorded as they are served", lacking);
describe.skipIf(lacking !== undefined)(recording, { timeout: JUDGED_MS }, () => {
  const stack = new AsyncDisposableStack();
  let room: Room;
  let recorded = "";

  beforeAll(async () => {
    room = stack.use(
      await openRoom({
        exports: { room: { source: await debianTree() } },
        boot: {
          default: "tmpfs",
          labels: { tmpfs: { append: "console=ttyS0,115200 mitigations=off" } },
        },
        nodes: nodes.map(({ mac, firmware }) => ({ mac, name: firmware })),
      }),
    );
    recorded = join(room.work, "room.pcap");
    await room.start("--record", recorded);
  }, BUILD_MS);
  afterAll(() => stack.disposeAsync());

  /** Until they say that they are up. */
  async function bootAll({ work, namespace, addPort, served }: Room): Promise<void> {
    await using machines = new AsyncDisposableStack();
    const started = nodes.map(({ firmware, mac, tap }) => {
      addPort(tap);
      const card = networkCard(tap, mac, undefined, `,bootindex=1${romArguments(firmware)}`);
      const machine = firmwareArguments(firmware, join(work, `${tap}.variables`));
      return machines.use(startQemu(namespace, ["-m", "1024", ...card], machine));
    });
    const isUp = ({ mac }: Node): boolean =>
      served()
        .log()
        .split("\n")
        .some((line) => line.includes("reached up") && line.includes(mac));
    await expect
      .poll(() => nodes.every(isUp) || started.some((qemu) => qemu.hasEnded()), {
        timeout: BOOT_MS,
        interval: 500,
      })
      .toBe(true);
    expect(nodes.filter(isUp), started.map((qemu) => qemu.console().slice(-2000)).join()).toEqual(
      nodes,
    );
  }

  test("no frame is missing, cut or joined to others", { timeout: BOOT_MS }, async () => {
    await bootAll(room);
    expect(await room.served().stop()).toBe(0);
    const said = room
      .served()
      .log()
      .split("\n")
      .find((line) => line.includes('"recorded"'));
    expect(JSON.parse(said ?? "")).toMatchObject({ bytes: statSync(recorded).size, dropped: 0 });
    const odd = "_ws.malformed || frame.cap_len < frame.len || (udp && frame.len > 1514)";
    expect(fieldsOf(recorded, odd, "frame.number")).toEqual([]);
  });

  describe.each(nodes)("$firmware", (node) => {
    let own = "";
    let made = "";
    let trace: Trace;
    let packets: readonly JudgedPacket[];
    let upAt = 0;

    beforeAll(async () => {
      own = join(room.work, `${node.firmware}.pcap`);
      made = join(room.work, `${node.firmware}.trace.gz`);
      tshark("-r", recorded, "-Y", `eth.addr == ${node.mac}`, "-w", own);
      const judged = execFileSync("sh", [script, own], { encoding: "utf8", maxBuffer: 64 << 20 });
      // tshark tells of a request when it is whole, a trace when it began.
      upAt = Number(fieldsOf(own, 'tcp contains "POST /up "', "frame.time_relative")[0]);
      packets = judgedPackets(judged).filter(({ seconds }) => seconds < upAt);
      const { code, stderr } = await sidus(
        ...["storm", "record", recorded, "--mac", node.mac, "--output", made],
      );
      expect(code, stderr).toBe(0);
      trace = await readTrace(made);
    }, JUDGED_MS);

    test("the trace has tshark's calls, all of them, in their order", () => {
      expect(trace.about).toMatchObject({ firmware: node.firmware, layer: "tmpfs", mac: node.mac });
      expect(packets.length).toBeGreaterThan(1000);
      const judged = withoutRepeats(judgedCalls(packets));
      expect(withoutRepeats(tracedCalls(trace))).toEqual([...judged, "http POST /up"]);
    });

    test("and its files' lengths, and its bytes", () => {
      expect(sizesOf(trace, "tftp")).toEqual(exported(own, "tftp"));
      // Others are what POST /up says and is answered.
      expect(exported(own, "http")).toEqual(expect.arrayContaining(sizesOf(trace, "http")));
      const counts = fieldsOf(
        own,
        `rpc.msgtyp == 1 && nfs.procedure_v3 == 6 && frame.time_relative <= ${upAt}`,
        "nfs.count3",
      );
      const read = sum(counts.flatMap((line) => line.split(",").map(Number)));
      const fetched = sum([...sizesOf(trace, "tftp"), ...sizesOf(trace, "http")]);
      // Few are on their way while it says that it is up.
      expect((figuresOf(trace).bytes - fetched) / read).toBeCloseTo(1, 1);
    });

    test(`it boots as the trace that ships, ${node.like}`, async () => {
      const shipped = await readTrace(shippedTraceFile(node.like));
      expect(pathOf(trace)).toEqual(pathOf(shipped));
      const [ours, theirs] = [operationsOf(trace), operationsOf(shipped)];
      expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
      for (const [name, count] of theirs) {
        // What the node knows of a file it asks again after some seconds: the slower, the more often (nfs(5), acregmin).
        const most = name === "nfs getattr" ? 2 : 1.2;
        expect(ours.get(name), name).toBeGreaterThan(count * 0.8 - 5);
        expect(ours.get(name), name).toBeLessThan(count * most + 5);
      }
    });

    test("and three nodes that do the same come up, with nothing that differs", async () => {
      const args = ["--trace", made, "--nodes", "3", "--think", "0", "--json", "-"];
      const { code, stdout, stderr } = await sidus("storm", ...args);
      expect(code, stderr).toBe(0);
      const result = stormResult.parse(JSON.parse(stdout));
      expect(result).toMatchObject({ up: 3, failed: 0, verified: { differences: 0 } });
    });
  });
});

function tshark(...args: readonly string[]): string {
  // Else what NFS clients send from is taken for what others listen at: port 862 for TWAMP's.
  const guess = ["-o", "tcp.try_heuristic_first:true"];
  return execFileSync("tshark", [...guess, ...args], {
    encoding: "utf8",
    stdio: "pipe",
    maxBuffer: 64 << 20,
  });
}

/** One line a frame. */
function fieldsOf(file: string, filter: string, field: string): string[] {
  return tshark("-r", file, "-Y", filter, "-T", "fields", "-e", field).split("\n").slice(0, -1);
}

/** Lengths of what tshark put together of transfers. */
function exported(file: string, protocol: "tftp" | "http"): number[] {
  const objects = `${file}.${protocol}`;
  tshark("-r", file, "-q", "--export-objects", `${protocol},${objects}`);
  return readdirSync(objects)
    .map((name) => readFileSync(join(objects, name)).length)
    .sort((a, b) => a - b);
}

function sizesOf({ steps }: Trace, kind: "tftp" | "http"): number[] {
  return steps
    .flatMap(({ deed }) => (deed.kind === kind && deed.ends === "whole" ? deed.bytes : []))
    .sort((a, b) => a - b);
}

/** What is asked again for want of an answer is one call of a trace, which iPXE's and OVMF's own patience decides. */
function withoutRepeats(calls: readonly string[]): string[] {
  return calls.filter((call, at) => !/^(?:tftp|dhcp)/.test(call) || call !== calls[at - 1]);
}

/** The files, of whatever kernel of Debian's. */
function pathOf({ steps }: Trace): string[] {
  return steps.flatMap(({ deed }) =>
    deed.kind === "tftp" || deed.kind === "http"
      ? `${deed.kind} ${deed.role} ${deed.path} ${deed.ends}`.replace(/\d+\.\d+\.\d+-\d+-amd64/, "")
      : [],
  );
}

function operationsOf({ steps }: Trace): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { deed } of steps) {
    const name = deed.kind === "nfs" ? `nfs ${deed.call.op}` : deed.kind;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
