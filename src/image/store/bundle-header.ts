import { type Malformed, malformed } from "../../bytes/malformed.ts";

/**
 * One file in a bundle, which is a tar archive (IEEE 1003.1, `pax`, "ustar"): plain files only, their path in two
 * parts. Sizes beyond eleven octal digits are binary, as GNU tar has them.
 */
export interface BundleEntry {
  /** The image's name. */
  readonly directory: string;
  /** `0123…cdef.erofs` */
  readonly file: string;
  readonly size: number;
}

export const BUNDLE_HEADER_BYTES = 512;

const Field = { NAME: 0, MODE: 100, UID: 108, GID: 116, SIZE: 124, TIME: 136, SUM: 148 } as const;
const FLAG = 156;
const MAGIC = 257;
const PREFIX = 345;
const OCTAL_11_MAX = 8 ** 11 - 1;
/** Of a binary size; the rest of its 12 bytes is a number, the highest first. */
const BINARY = 0x80;

export function encodeHeader({ directory, file, size }: BundleEntry, timeSeconds: number): Buffer {
  const header = Buffer.alloc(BUNDLE_HEADER_BYTES);
  header.write(file, Field.NAME, 100, "latin1");
  header.write(octal(0o644, 7), Field.MODE, "latin1");
  header.write(octal(0, 7), Field.UID, "latin1");
  header.write(octal(0, 7), Field.GID, "latin1");
  if (size <= OCTAL_11_MAX) header.write(octal(size, 11), Field.SIZE, "latin1");
  else {
    header[Field.SIZE] = BINARY;
    header.writeBigUInt64BE(BigInt(size), Field.TIME - 8);
  }
  header.write(octal(timeSeconds, 11), Field.TIME, "latin1");
  header.write("0", FLAG, "latin1");
  header.write("ustar\0" + "00", MAGIC, "latin1");
  header.write(directory, PREFIX, 155, "latin1");
  header.write(`${octal(sumOf(header), 6)}\0 `, Field.SUM, "latin1");
  return header;
}

/** "end": the block of zeros that follows the last entry. */
export function decodeHeader(header: Uint8Array): BundleEntry | "end" | Malformed {
  const block = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  if (block.length < BUNDLE_HEADER_BYTES) return malformed("it was cut short");
  if (block.every((byte) => byte === 0)) return "end";
  if (octalAt(block, Field.SUM, 8) !== sumOf(block)) return malformed("it is no tar archive");
  const flag = block.toString("latin1", FLAG, FLAG + 1);
  const file = textAt(block, Field.NAME, 100);
  if (flag !== "0" && flag !== "\0") return malformed(`${JSON.stringify(file)} is no plain file`);
  const size = sizeIn(block);
  if (size === undefined) return malformed(`${JSON.stringify(file)} has no size`);
  return { ...placeOf(textAt(block, PREFIX, 155), file), size };
}

/** Other programs put a path that fits into the first part. */
function placeOf(prefix: string, name: string): { directory: string; file: string } {
  const path = prefix === "" ? name : `${prefix}/${name}`;
  const slash = path.lastIndexOf("/");
  return { directory: path.slice(0, Math.max(slash, 0)), file: path.slice(slash + 1) };
}

function sizeIn(block: Buffer): number | undefined {
  if (block[Field.SIZE] !== BINARY) return octalAt(block, Field.SIZE, 12);
  const isLarger = block.subarray(Field.SIZE + 1, Field.TIME - 8).some((byte) => byte !== 0);
  const size = Number(block.readBigUInt64BE(Field.TIME - 8));
  return isLarger || !Number.isSafeInteger(size) ? undefined : size;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function octalAt(block: Buffer, at: number, length: number): number | undefined {
  const [, digits] = /^ *([0-7]+)[ \0]*$/.exec(block.toString("latin1", at, at + length)) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

function textAt(block: Buffer, at: number, length: number): string {
  const [text = ""] = block.toString("latin1", at, at + length).split("\0");
  return text;
}

/** Of all bytes, with blanks in place of the sum. */
function sumOf(block: Uint8Array): number {
  return block.reduce(
    (sum, byte, at) => sum + (at >= Field.SUM && at < Field.SUM + 8 ? 0x20 : byte),
    0,
  );
}
