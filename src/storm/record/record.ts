import { gunzipSync } from "node:zlib";
import { formatMac, type MacAddress } from "../../bytes/mac.ts";
import { CAPTURE_BYTES_MAX } from "../../limits.ts";
import { UserError } from "../../user-error.ts";
import type { Trace } from "../trace/trace.ts";
import { aboutOf } from "./about.ts";
import { bootsOf } from "./boots.ts";
import { type DhcpMessage, readDhcpMessage } from "./dhcp.ts";
import { type Datagram, PacketReader } from "./packets.ts";
import { type Capture, readCapture } from "./pcap.ts";
import { Recorder } from "./recorder.ts";
import { stepsOf } from "./steps.ts";
import { StreamTable } from "./streams.ts";

export interface RecordOptions {
  /** Which node's boot; undefined: the only one's. */
  readonly mac?: MacAddress | undefined;
  /** Undefined: firmware and layer. */
  readonly title?: string | undefined;
  /** Told, in a line each, what the capture has not or the trace cannot say. */
  readonly note: (line: string) => void;
}

/**
 * A node's boot out of a capture: the first that is whole, from its DISCOVER until it says that it is up.
 * @throws {UserError} where no such boot is in it, or several nodes' are.
 */
export function traceOf(file: Uint8Array, options: RecordOptions): Trace {
  const capture = readCapture(unpacked(file));
  const { datagrams, streams } = conversationsIn(capture);
  // Names in it are anybody's: none may move the cursor or begin a line.
  const note = (line: string): void => options.note(line.replace(/\p{Cc}/gu, "?"));
  for (const [link, frames] of [...capture.passedOver].slice(0, LINKS_TOLD_MAX)) {
    note(`${frames} frames of link type ${link} are passed over: no Ethernet or IP`);
  }
  if (capture.cutAt !== undefined) note(`the capture is cut off at byte ${capture.cutAt}`);
  const short = capture.frames.filter(({ bytes, length }) => bytes.length < length).length;
  if (short > 0) note(`${short} packets are not whole: capture with tcpdump -s 0`);
  const messages = datagrams.flatMap((datagram) => readDhcpMessage(datagram) ?? []);
  const nodes = Map.groupBy(messages, ({ mac }) => mac);
  const mac = chooseNode(nodes, options.mac);
  const own = nodes.get(mac) ?? [];
  const boots = bootsOf(own);
  const [boot] = boots;
  if (boot === undefined) {
    throw new UserError(
      `${formatMac(mac)} was given no address in this capture: no boot to record`,
    );
  }
  if (boots.length > 1) note(`the node boots ${boots.length} times: the first is recorded`);
  if (boot.exchanges[0]?.deed.client === "kernel") {
    note("the node's kernel asks first: what loaded it came before the capture, or from a disk");
  }
  const { events, files } = new Recorder(boot, own, note).recorded(datagrams, streams);
  return {
    about: aboutOf(boot, capture.beganAt, events, files, options.title),
    files,
    steps: stepsOf(events),
  };
}

const GZIP_MAGIC = [0x1f, 0x8b] as const;

function unpacked(file: Uint8Array): Uint8Array {
  if (file[0] !== GZIP_MAGIC[0] || file[1] !== GZIP_MAGIC[1]) return file;
  try {
    return gunzipSync(file, { maxOutputLength: CAPTURE_BYTES_MAX });
  } catch (cause) {
    throw new UserError(
      "the capture's gzip is broken, or there are more than 2 GiB in it: unpack it, and cut out the boot (editcap -A, -B)",
      { cause },
    );
  }
}

function conversationsIn(capture: Capture): { datagrams: Datagram[]; streams: StreamTable } {
  const reader = new PacketReader();
  const datagrams: Datagram[] = [];
  const streams = new StreamTable();
  for (const frame of capture.frames) {
    const packet = reader.read(frame);
    if (packet?.kind === "udp") datagrams.push(packet);
    else if (packet?.kind === "tcp") streams.push(packet);
  }
  return { datagrams, streams };
}

/** Without being told, of those that boot from the network: others ask for addresses, too. */
function chooseNode(
  nodes: ReadonlyMap<MacAddress, readonly DhcpMessage[]>,
  wanted: MacAddress | undefined,
): MacAddress {
  if (nodes.size === 0) {
    throw new UserError(
      "no DHCP (IPv4) in this capture: begin it before the node is switched on, on the server's network interface",
    );
  }
  const booting = [...nodes].filter(([, messages]) => isNetboot(messages)).map(([mac]) => mac);
  const macs = (booting.length > 0 ? booting : [...nodes.keys()]).sort();
  const [only, ...others] = macs;
  const listed = macs.slice(0, MACS_LISTED_MAX).map((mac) => formatMac(mac));
  if (wanted !== undefined && nodes.has(wanted)) return wanted;
  if (wanted !== undefined) {
    throw new UserError(
      `${formatMac(wanted)} is not in this capture: expected one of ${listed.join(", ")}`,
    );
  }
  if (only === undefined || others.length > 0) {
    throw new UserError(
      `${macs.length} nodes are in this capture: choose one with --mac (${listed.join(", ")})`,
    );
  }
  return only;
}

function isNetboot(messages: readonly DhcpMessage[]): boolean {
  return bootsOf(messages).some(({ exchanges }) =>
    exchanges.some(({ deed }) => deed.client !== "kernel"),
  );
}

/** In a message: a room's nodes fill no screen. */
const MACS_LISTED_MAX = 20;
/** Interfaces of a machine that are of different kinds. */
const LINKS_TOLD_MAX = 5;
