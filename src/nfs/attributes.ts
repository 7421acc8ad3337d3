import { Writer } from "../bytes/writer.ts";
import type { Attributes, FileType, Timestamp } from "../tree/tree.ts";

/** RFC 1813 §2.5: fattr3. */
export const ATTRIBUTES_BYTES = 84;

/** RFC 1813 §2.5: ftype3. */
const typeNumbers = {
  file: 1,
  directory: 2,
  block: 3,
  character: 4,
  symlink: 5,
  socket: 6,
  fifo: 7,
} as const satisfies Record<FileType, number>;

/** `fsid` tells one file system from another, and stays as long as the handles do. */
export function encodeAttributes(attributes: Attributes, fsid: bigint): Uint8Array {
  const writer = new Writer(ATTRIBUTES_BYTES);
  writer.u32(typeNumbers[attributes.type]).u32(attributes.mode).u32(attributes.links);
  writer.u32(attributes.uid).u32(attributes.gid);
  writer.size64(attributes.size).size64(attributes.used);
  writer.u32(attributes.device.major).u32(attributes.device.minor);
  writer.u64(fsid).u64(attributes.id);
  for (const time of [attributes.accessed, attributes.modified, attributes.changed]) {
    writeTime(writer, time);
  }
  return writer.finish();
}

/** RFC 1813 §2.5: nfstime3 has 32 bits without a sign: 1970 to 2106. What is outside shows as its nearest end. */
function writeTime(writer: Writer, { seconds, nanoseconds }: Timestamp): void {
  if (seconds < 0) writer.u32(0).u32(0);
  else if (seconds > 0xffff_ffff) writer.u32(0xffff_ffff).u32(0);
  else writer.u32(seconds).u32(nanoseconds);
}
