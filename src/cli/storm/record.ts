import { readFile, stat } from "node:fs/promises";
import process from "node:process";
import { Command } from "commander";
import { type MacAddress, parseMac } from "../../bytes/mac.ts";
import { CAPTURE_BYTES_MAX } from "../../limits.ts";
import { traceOf } from "../../storm/record/record.ts";
import { figuresOf } from "../../storm/trace/figures.ts";
import { readTrace, writeTrace } from "../../storm/trace/file.ts";
import { shippedTraceFile, shippedTraces } from "../../storm/trace/shipped.ts";
import type { Trace } from "../../storm/trace/trace.ts";
import { UserError } from "../../user-error.ts";
import { mendable, type Remedies } from "../mendable.ts";
import { renderTable } from "../table.ts";

interface RecordArguments {
  readonly output: string;
  readonly mac?: string;
  readonly title?: string;
}

const remedies: Remedies = {
  ENOENT: "is the path right?",
  EACCES: "run it as root, or as who may read and write there",
  EISDIR: "expected a file",
};

export function recordCommand(): Command {
  return new Command("record")
    .description("Make a trace of a real boot, for storms of nodes like it.")
    .argument("<capture>", "pcap or pcapng of the whole boot, also gzip'd")
    .requiredOption("-o, --output <file>", "the trace, as NAME.trace.gz")
    .option("--mac <mac>", "which node's boot, where the capture has several nodes")
    .option("--title <title>", "what reports call it (default: firmware and layer)")
    .addHelpText(
      "after",
      `
The capture begins before the node is switched on and ends when it is up, on the server's interface, with whole packets:
  tcpdump -i br0 -s 0 -w boot.pcap
sidus serve --record FILE writes one, too. Any link of Ethernet's will do, with VLAN tags, also tcpdump -i any; what the
trace lacks is said, a line each: NFS other than version 3 over TCP, say, or connections that are neither HTTP nor iSCSI.

A trace is gzip'd JSON: what the node asked for, in which order, and how long it took for itself; names and lengths, no
contents. zcat boot.trace.gz | jq .about shows what one is of. Its format has a version: a newer one is refused.

Example:
  sidus storm record boot.pcap --output boot.trace.gz
  sidus storm --trace boot.trace.gz --nodes 100`,
    )
    .action((capture: string, given: RecordArguments) =>
      mendable(remedies, () => record(capture, given)),
    );
}

async function record(capture: string, given: RecordArguments): Promise<void> {
  const mac = given.mac === undefined ? undefined : macIn(given.mac);
  const { size } = await stat(capture);
  if (size > CAPTURE_BYTES_MAX) {
    throw new UserError(`${capture}: larger than 2 GiB: cut out the boot (editcap -A, -B)`);
  }
  const note = (line: string): boolean => process.stderr.write(`${capture}: ${line}\n`);
  const trace = traceOf(await readFile(capture), { mac, title: given.title, note });
  await writeTrace(given.output, trace);
  process.stdout.write(`${given.output}: ${trace.about.title}, ${described(trace)}\n`);
}

function macIn(text: string): MacAddress {
  const mac = parseMac(text);
  if (mac !== undefined) return mac;
  throw new UserError(`--mac ${text}: expected a MAC address, as 52:54:00:13:20:01`);
}

export function tracesCommand(): Command {
  return new Command("traces")
    .description("List the recorded boots that come with sidus.")
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  sidus storm traces")
    .action(async (given: { json?: true }) => {
      const traces = await Promise.all(
        shippedTraces.map(async (name) => ({
          name,
          trace: await readTrace(shippedTraceFile(name)),
        })),
      );
      process.stdout.write(given.json ? asJson(traces) : renderTraces(traces));
    });
}

interface Named {
  readonly name: string;
  readonly trace: Trace;
}

function asJson(traces: readonly Named[]): string {
  const shown = traces.map(({ name, trace }) => ({ name, ...trace.about, ...figuresOf(trace) }));
  return `${JSON.stringify(shown, undefined, 2)}\n`;
}

function renderTraces(traces: readonly Named[]): string {
  const rows = traces.map(({ name, trace }) => {
    const { calls, bytes, seconds } = figuresOf(trace);
    return [
      name,
      trace.about.title,
      trace.about.kernel,
      trace.about.recordedAt.slice(0, 10),
      String(calls.nfs ?? 0),
      String(calls.iscsi ?? 0),
      `${Math.round(bytes / 1e6)} MB`,
      `${Math.round(seconds)} s`,
    ];
  });
  const head = ["NAME", "BOOT", "KERNEL", "RECORDED", "NFS", "ISCSI", "DATA", "OWN TIME"];
  return renderTable([head, ...rows]);
}

/** `2 dhcp, 3 http, …` */
function described(trace: Trace): string {
  const { calls, bytes, seconds } = figuresOf(trace);
  const counts = Object.entries(calls).map(([kind, count]) => `${count} ${kind}`);
  return `${counts.join(", ")}; ${Math.round(bytes / 1e6)} MB, ${Math.round(seconds)} s of its own`;
}
