import { Reader } from "../../bytes/reader.ts";
import { UserError } from "../../user-error.ts";
import { type Frame, LinkType } from "./frame.ts";
import { pcapngFrames } from "./pcapng.ts";

/**
 * Captured frames out of a file of tcpdump's or Wireshark's: classic pcap (draft-ietf-opsawg-pcap §4, §5) or pcapng,
 * written on a machine of either byte order.
 *
 *   magic (4) | major (2) | minor (2) | reserved (8) | snapshot length (4) | link type (4)
 *   then each:  seconds (4) | fraction (4) | captured (4) | original length (4) | captured bytes
 */
export interface Capture {
  /** µs since 1970, of the first frame. */
  readonly beganAt: number;
  /** In the order of their times. */
  readonly frames: readonly Frame[];
  /** Undefined: it ends where a frame does. */
  readonly cutAt: number | undefined;
}

const MAGIC_MICROSECONDS = 0xa1b2_c3d4;
const MAGIC_NANOSECONDS = 0xa1b2_3c4d;
const MAGIC_PCAPNG = 0x0a0d_0d0a;
const HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

/** @throws {UserError} where it is no capture, or of a link that carries no Ethernet or IP. */
export function readCapture(file: Uint8Array): Capture {
  const magic = new Reader(file).u32();
  const frames: Frame[] = [];
  const walk = magic === MAGIC_PCAPNG ? pcapngFrames(file) : pcapFrames(file);
  let step = walk.next();
  for (; step.done !== true; step = walk.next()) {
    checkLink(step.value.link);
    frames.push(step.value);
  }
  // Of several interfaces, or put together of several captures, they need not be in order.
  frames.sort((a, b) => a.at - b.at);
  const beganAt = frames[0]?.at ?? 0;
  return {
    beganAt,
    frames: frames.map((frame) => ({ ...frame, at: Math.round(frame.at - beganAt) })),
    cutAt: step.value,
  };
}

function checkLink(link: number): void {
  if (Object.values<number>(LinkType).includes(link)) return;
  throw new UserError(
    `the capture has frames of link type ${link}: expected Ethernet (1), Linux cooked (113, 276) or raw IP (101)`,
  );
}

/** Times are those in the file, µs since 1970. Answers where the file was cut. */
function* pcapFrames(file: Uint8Array): Generator<Frame, number | undefined> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const form = file.length < HEADER_BYTES ? undefined : formOf(view);
  if (form === undefined) {
    throw new UserError(
      "not a capture: expected a file of tcpdump's or Wireshark's (pcap or pcapng, also gzip'd)",
    );
  }
  const { little, perMicrosecond } = form;
  // RFC draft §4: the upper bits say how long the frame check sequence is.
  const link = view.getUint32(20, little) & 0xffff;
  let at = HEADER_BYTES;
  while (at < file.length) {
    if (at + RECORD_HEADER_BYTES > file.length) return at;
    const seconds = view.getUint32(at, little);
    const fraction = view.getUint32(at + 4, little);
    const captured = view.getUint32(at + 8, little);
    const length = view.getUint32(at + 12, little);
    const start = at + RECORD_HEADER_BYTES;
    if (captured > file.length - start) return at;
    const bytes = file.subarray(start, start + captured);
    yield { at: seconds * 1e6 + fraction / perMicrosecond, link, bytes, length };
    at = start + captured;
  }
  return undefined;
}

function formOf(view: DataView): { little: boolean; perMicrosecond: number } | undefined {
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic === MAGIC_MICROSECONDS) return { little, perMicrosecond: 1 };
    if (magic === MAGIC_NANOSECONDS) return { little, perMicrosecond: 1000 };
  }
  return undefined;
}
