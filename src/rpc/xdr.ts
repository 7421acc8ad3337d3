import type { Reader } from "../bytes/reader.ts";
import type { Writer } from "../bytes/writer.ts";

/** XDR (RFC 4506) on Reader and Writer: everything is a multiple of four bytes, big-endian. */

/** Bytes of opaque data or a string of `length` without its length word. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}

/** RFC 4506 §4.10, §4.11: variable-length opaque data and strings have their length in front. */
export function opaqueSize(length: number): number {
  return 4 + padded(length);
}

/** A view into the received bytes. Longer than `bytesMax` fails the read. */
export function readOpaque(reader: Reader, bytesMax: number): Uint8Array {
  const length = reader.u32();
  if (length > bytesMax) reader.fail();
  const bytes = reader.take(length);
  reader.skip(padded(length) - length);
  return bytes;
}

/** Bytes as they are: each character stands for one (latin1). */
export function readString(reader: Reader, bytesMax: number): string {
  const length = reader.u32();
  if (length > bytesMax) reader.fail();
  const text = reader.latin1(length);
  reader.skip(padded(length) - length);
  return text;
}

/** RFC 4506 §4.4: 0 or 1, nothing else. */
export function readBool(reader: Reader): boolean {
  const value = reader.u32();
  if (value > 1) reader.fail();
  return value === 1;
}

/** Whether everything was there, and nothing more. */
export function isRead(reader: Reader): boolean {
  return !reader.failed && reader.remaining === 0;
}

/** Each character is one byte (latin1). */
export function writeString(writer: Writer, text: string): void {
  writer.u32(text.length);
  for (let at = 0; at < text.length; at += 1) writer.u8(text.charCodeAt(at) & 255);
  writer.zeros(padded(text.length) - text.length);
}
