import type { Device } from "./device.ts";
import type { FreshEntry, FreshImage } from "./fresh-image.ts";

/** As statx(2) and EROFS number them: S_IFMT of st_mode, and file_type of a directory's entry. */
const types = {
  character: { format: 0o020000, entry: 3 },
  block: { format: 0o060000, entry: 4 },
} as const;

const EXTENDED_BYTES = 64;

/**
 * Makes device nodes of the empty files that are in their places, for who could make no device in the tree.
 * Of an extended inode: i_mode at 4, i_u (the device) at 16, i_uid at 24 and i_gid at 28 (fs/erofs/erofs_fs.h of Linux).
 */
export function writeDevices(image: FreshImage, devices: readonly Device[]): void {
  for (const { path, type, mode, uid, gid, major, minor } of devices) {
    const entry = entryOf(image, path);
    const { format, entry: fileType } = types[type];
    image.write(entry.typeAt, Uint8Array.of(fileType));
    const at = image.placeOf(entry.number);
    const bytes = image.read(at, EXTENDED_BYTES);
    bytes.writeUInt16LE(format | mode, 4);
    bytes.writeUInt32LE(packed(major, minor), 16);
    bytes.writeUInt32LE(uid, 24);
    bytes.writeUInt32LE(gid, 28);
    image.write(at, bytes);
  }
}

/** As new_encode_dev of Linux packs both numbers: the minor's upper bits are above the major's 12. */
function packed(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & 0xf_ff00) << 12)) >>> 0;
}

function entryOf(image: FreshImage, path: string): FreshEntry {
  let entry: FreshEntry | undefined;
  for (const part of path.split("/").filter((one) => one !== "")) {
    const name = Buffer.from(part).toString("latin1");
    entry = image.entries(entry?.number ?? image.root).find((one) => one.name === name);
    if (entry === undefined) break;
  }
  if (entry === undefined) throw new Error(`${path} is not in the image`);
  return entry;
}
