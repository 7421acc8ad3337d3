import type { Attributes, FileType, Timestamp } from "../../tree/tree.ts";

/**
 * Archives as POSIX has them (pax: IEEE 1003.1, `pax`, "ustar" and "pax Interchange Format"), and as GNU tar, star and
 * bsdtar read them: what ustar's fields cannot hold is in a header before: long names, large numbers, nanoseconds,
 * extended attributes (SCHILY.xattr.*). Names are bytes (latin1).
 */
const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
const OCTAL_7 = 0o7777777;
const OCTAL_11 = 0o77777777777;

export interface TarEntry
  extends Pick<Attributes, "type" | "mode" | "uid" | "gid" | "modified" | "device"> {
  /** From where the archive is unpacked; "." is that place itself. */
  readonly path: string;
  /** Bytes that follow the header; 0 unless it is a file of its own. */
  readonly size: number;
  /** A symlink's target. */
  readonly target: string | undefined;
  /** Another name of what came before under this path. */
  readonly linked: string | undefined;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

const typeFlags: Readonly<Record<Exclude<FileType, "socket">, string>> = {
  file: "0",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};
const HARD_LINK = "1";
const PAX = "x";

/** Two blocks of zeros. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK_BYTES);

/** What comes before an entry's content. There are no sockets in archives. */
export function tarHeader(entry: TarEntry & { type: Exclude<FileType, "socket"> }): Uint8Array {
  const records = Buffer.concat(recordsOf(entry));
  const flag = entry.linked === undefined ? typeFlags[entry.type] : HARD_LINK;
  const own = ustar(entry, flag);
  const pax = ustar({ ...unnamed, size: records.length }, PAX);
  return Buffer.concat([pax, records, new Uint8Array(tarPadding(records.length)), own]);
}

/** Zeros that follow so many bytes of content. */
export function tarPadding(bytes: number): number {
  return (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

type Fields = Omit<TarEntry, "type" | "xattrs">;

const unnamed: Fields = {
  path: "pax",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  modified: { seconds: 0, nanoseconds: 0 },
  device: { major: 0, minor: 0 },
  target: undefined,
  linked: undefined,
};

/** What does not fit is cut here, and whole in the records. */
function ustar(fields: Fields, flag: string): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(fields.path.slice(0, NAME_BYTES), 0, "latin1");
  writeOctal(header, 100, 7, fields.mode);
  writeOctal(header, 108, 7, fields.uid);
  writeOctal(header, 116, 7, fields.gid);
  writeOctal(header, 124, 11, fields.size);
  writeOctal(header, 136, 11, fields.modified.seconds);
  header.write(flag, 156, "latin1");
  header.write(linkOf(fields).slice(0, NAME_BYTES), 157, "latin1");
  header.write("ustar\0" + "00", 257, "latin1");
  writeOctal(header, 329, 7, fields.device.major);
  writeOctal(header, 337, 7, fields.device.minor);
  // The sum is made with blanks in its own place.
  header.fill(" ", 148, 156);
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

function linkOf({ linked, target }: Fields): string {
  return linked ?? target ?? "";
}

function writeOctal(header: Buffer, at: number, digits: number, value: number): void {
  const fitting = Math.min(Math.max(value, 0), 8 ** digits - 1);
  header.write(fitting.toString(8).padStart(digits, "0"), at, "latin1");
}

function recordsOf(entry: TarEntry): Buffer[] {
  const link = linkOf(entry);
  const records = [record("mtime", timeText(entry.modified))];
  if (entry.path.length > NAME_BYTES) records.push(record("path", entry.path));
  if (link.length > NAME_BYTES) records.push(record("linkpath", link));
  if (entry.size > OCTAL_11) records.push(record("size", String(entry.size)));
  for (const owner of ["uid", "gid"] as const) {
    if (entry[owner] > OCTAL_7) records.push(record(owner, String(entry[owner])));
  }
  for (const [name, value] of entry.xattrs) {
    records.push(record(`SCHILY.xattr.${keyword(name)}`, value));
  }
  return records;
}

/** As GNU tar writes a name that has a record's own `=` in it. */
function keyword(name: string): string {
  return name.replaceAll("%", "%25").replaceAll("=", "%3D");
}

/** `-1.25`: a quarter of a second before -1, though nanoseconds count upwards. */
function timeText({ seconds, nanoseconds }: Timestamp): string {
  const isBefore = seconds < 0 && nanoseconds > 0;
  const whole = isBefore ? `-${-(seconds + 1)}` : String(seconds);
  const part = isBefore ? 1_000_000_000 - nanoseconds : nanoseconds;
  return `${whole}.${String(part).padStart(9, "0")}`;
}

/** `LENGTH KEY=VALUE\n`, the length being that of all of it, its own digits too. */
function record(key: string, value: string | Uint8Array): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value, "latin1") : value;
  const rest = Buffer.concat([Buffer.from(` ${key}=`, "latin1"), bytes, Buffer.from("\n")]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return Buffer.concat([Buffer.from(String(length)), rest]);
}
