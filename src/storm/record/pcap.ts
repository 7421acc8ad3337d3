import { Reader } from "../../bytes/reader.ts";
import { CAPTURE_FRAMES_MAX } from "../../limits.ts";
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
  /** How many frames of other links it has, by link type: they carry no Ethernet or IP. */
  readonly passedOver: ReadonlyMap<number, number>;
}

const MAGIC_MICROSECONDS = 0xa1b2_c3d4;
const MAGIC_NANOSECONDS = 0xa1b2_3c4d;
const MAGIC_PCAPNG = 0x0a0d_0d0a;
const HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
/** The year 10000: what is later is no time. */
const TIME_MAX = 253_402_300_800e6;

/** @throws {UserError} where it is no capture, or all of it is of links that carry no Ethernet or IP. */
export function readCapture(file: Uint8Array): Capture {
  const magic = new Reader(file).u32();
  const frames: Frame[] = [];
  const passedOver = new Map<number, number>();
  const walk = magic === MAGIC_PCAPNG ? pcapngFrames(file) : pcapFrames(file);
  let step = walk.next();
  for (; step.done !== true; step = walk.next()) {
    const { link, at } = step.value;
    if (!links.includes(link)) passedOver.set(link, (passedOver.get(link) ?? 0) + 1);
    else if (at >= TIME_MAX) throw new UserError("the capture's times are none: capture it again");
    else if (frames.push(step.value) > CAPTURE_FRAMES_MAX) {
      throw new UserError(
        `the capture has more than ${CAPTURE_FRAMES_MAX} frames: cut out the boot (editcap -A, -B)`,
      );
    }
  }
  if (frames.length === 0) refuseLinks([...passedOver.keys()]);
  // Of several interfaces, or put together of several captures, they need not be in order.
  frames.sort((a, b) => a.at - b.at);
  const beganAt = frames[0]?.at ?? 0;
  return {
    beganAt,
    frames: frames.map((frame) => ({ ...frame, at: Math.round(frame.at - beganAt) })),
    cutAt: step.value,
    passedOver,
  };
}

const links = Object.values<number>(LinkType);

function refuseLinks([link]: readonly number[]): void {
  if (link === undefined) return;
  throw new UserError(
    `the capture has frames of link type ${link}: expected Ethernet (1), Linux cooked (113, 276) or raw IP (101): capture on the server's network card`,
  );
}

/** Times are those in the file, µs since 1970. Answers where the file was cut. */
function* pcapFrames(file: Uint8Array): Generator<Frame, number | undefined> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const form = file.length < HEADER_BYTES ? undefined : formOf(view);
  if (form === undefined) {
    throw new UserError(
      "not a capture: expected a file of tcpdump's or Wireshark's, pcap or pcapng (gzip'd, too; unpack what was packed otherwise)",
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
