import type { Frame } from "./frame.ts";

/**
 * pcapng (draft-ietf-opsawg-pcapng): blocks, each with its type and its length at both ends. Read are section headers
 * (the byte order), interface descriptions (link type and unit of time) and enhanced packets; others hold no frames, or
 * frames without a time.
 *
 *   block:             type (4) | length (4) | body … | length (4)
 *   section header:    byte-order magic (4) | …
 *   interface:         link type (2) | reserved (2) | snapshot length (4) | options
 *   enhanced packet:   interface (4) | time high (4) | time low (4) | captured (4) | original length (4) | bytes, padded
 */
const Block = { SECTION: 0x0a0d_0d0a, INTERFACE: 1, ENHANCED_PACKET: 6 } as const;
const BYTE_ORDER = 0x1a2b_3c4d;
const BLOCK_BYTES_MIN = 12;
const PACKET_BYTES_MIN = 32;
const OPTION_TIME_UNIT = 9;

interface Interface {
  readonly link: number;
  /** Units of its times a second. */
  readonly perSecond: bigint;
}

/** Times are those in the file, µs since 1970. Answers where the file was cut. */
export function* pcapngFrames(file: Uint8Array): Generator<Frame, number | undefined> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let interfaces: Interface[] = [];
  let little = true;
  let at = 0;
  while (at < file.length) {
    if (at + BLOCK_BYTES_MIN > file.length) return at;
    const isSection = view.getUint32(at, little) === Block.SECTION;
    if (isSection) {
      little = view.getUint32(at + 8, true) === BYTE_ORDER;
      interfaces = [];
    }
    const type = view.getUint32(at, little);
    const bytes = view.getUint32(at + 4, little);
    if (bytes < BLOCK_BYTES_MIN || bytes % 4 !== 0 || at + bytes > file.length) return at;
    const block = new DataView(file.buffer, file.byteOffset + at, bytes);
    if (type === Block.INTERFACE && bytes >= 20) interfaces.push(interfaceOf(block, little));
    if (type === Block.ENHANCED_PACKET && bytes >= PACKET_BYTES_MIN) {
      const frame = frameOf(block, little, interfaces);
      if (frame !== undefined) yield frame;
    }
    at += bytes;
  }
  return undefined;
}

function interfaceOf(block: DataView, little: boolean): Interface {
  const link = block.getUint16(8, little);
  let perSecond = 1_000_000n;
  for (let at = 16; at + 8 <= block.byteLength; ) {
    const code = block.getUint16(at, little);
    const length = block.getUint16(at + 2, little);
    if (code === 0) break;
    if (code === OPTION_TIME_UNIT && length === 1) perSecond = unitsOf(block.getUint8(at + 4));
    at += 4 + ((length + 3) & ~3);
  }
  return { link, perSecond };
}

/** if_tsresol: a power of ten, or of two where the high bit is set. */
function unitsOf(resolution: number): bigint {
  const exponent = BigInt(resolution & 127);
  return resolution >= 128 ? 2n ** exponent : 10n ** exponent;
}

function frameOf(
  block: DataView,
  little: boolean,
  interfaces: readonly Interface[],
): Frame | undefined {
  const known = interfaces[block.getUint32(8, little)];
  if (known === undefined) return undefined;
  const high = BigInt(block.getUint32(12, little));
  const units = (high << 32n) | BigInt(block.getUint32(16, little));
  const captured = block.getUint32(20, little);
  const length = block.getUint32(24, little);
  if (captured > block.byteLength - PACKET_BYTES_MIN) return undefined;
  const bytes = new Uint8Array(block.buffer, block.byteOffset + 28, captured);
  // In tenths, so that nanoseconds keep some of what they say.
  const at = Number((units * 10_000_000n) / known.perSecond) / 10;
  return { at, link: known.link, bytes, length };
}
