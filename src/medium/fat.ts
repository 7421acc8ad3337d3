/**
 * A file system that UEFI firmware can read, in memory: FAT16 with long names, files one after the other.
 * Microsoft, FAT: General Overview of On-Disk Format 1.03; UEFI 2.10 §13.3.
 */

/** Content by path: `EFI/BOOT/BOOTX64.EFI`. The same files give the same bytes. */
export type FatFiles = Readonly<Record<string, Uint8Array | string>>;

const SECTOR = 512;
const ENTRY = 32;
const ROOT_ENTRIES = 512;
const RESERVED_SECTORS = 1;
const FATS = 2;
/** With fewer clusters it would be read as FAT12, with more as FAT32. */
const CLUSTERS_MIN = 4085;
const CLUSTERS_MAX = 65_524;
const END_OF_CHAIN = 0xffff;
/** 1980-01-01, the first day that there is. */
const FIRST_DAY = 0x0021;

const Attribute = { DIRECTORY: 0x10, ARCHIVE: 0x20, LONG_NAME: 0x0f } as const;
/** Where a name of eight letters and three is written in small ones. */
const Small = { BASE: 0x08, EXTENSION: 0x10 } as const;

interface Directory {
  readonly entries: Map<string, Directory | Uint8Array>;
}

export function fatImage(files: FatFiles): Uint8Array {
  const root = directoriesOf(files);
  const perCluster = sectorsPerCluster(root);
  const clusterBytes = perCluster * SECTOR;
  const clusters = Math.max(CLUSTERS_MIN, clustersBelow(root, clusterBytes));
  const fatSectors = Math.ceil(((clusters + 2) * 2) / SECTOR);
  const rootAt = (RESERVED_SECTORS + FATS * fatSectors) * SECTOR;
  const dataAt = rootAt + ROOT_ENTRIES * ENTRY;
  const image = new Uint8Array(dataAt + clusters * clusterBytes);
  writeBootSector(image, perCluster, fatSectors);

  const fat = new DataView(image.buffer, RESERVED_SECTORS * SECTOR, fatSectors * SECTOR);
  fat.setUint16(0, 0xfff8, true);
  fat.setUint16(2, END_OF_CHAIN, true);
  let free = 2;
  const place = (bytes: Uint8Array): number => {
    const first = free;
    const count = Math.ceil(bytes.length / clusterBytes);
    image.set(bytes, dataAt + (first - 2) * clusterBytes);
    free += count;
    for (let at = first; at < free; at++) {
      fat.setUint16(at * 2, at + 1 < free ? at + 1 : END_OF_CHAIN, true);
    }
    return count === 0 ? 0 : first;
  };
  const placeDirectory = (directory: Directory, parent: number): number => {
    const size = directoryBytes(directory, true);
    // Its place comes before its content's, which must name it.
    const own = place(new Uint8Array(size));
    const bytes = new Uint8Array(size);
    writeEntry(bytes, 0, ".          ", 0, Attribute.DIRECTORY, own, 0);
    writeEntry(bytes, ENTRY, "..         ", 0, Attribute.DIRECTORY, parent, 0);
    fill(directory, bytes, 2 * ENTRY, own);
    image.set(bytes, dataAt + (own - 2) * clusterBytes);
    return own;
  };
  const fill = (directory: Directory, bytes: Uint8Array, from: number, own: number): void => {
    let at = from;
    const taken = new Set<string>();
    for (const [name, entry] of directory.entries) {
      const short = shortName(name, taken);
      at = writeLongName(bytes, at, name, short);
      const cluster = entry instanceof Uint8Array ? place(entry) : placeDirectory(entry, own);
      const attribute = entry instanceof Uint8Array ? Attribute.ARCHIVE : Attribute.DIRECTORY;
      const size = entry instanceof Uint8Array ? entry.length : 0;
      writeEntry(bytes, at, short.name, short.small, attribute, cluster, size);
      at += ENTRY;
    }
  };
  // The root has no cluster: those in it name 0 as their parent.
  fill(root, image.subarray(rootAt, dataAt), 0, 0);
  image.copyWithin(
    (RESERVED_SECTORS + fatSectors) * SECTOR,
    fat.byteOffset,
    fat.byteOffset + fat.byteLength,
  );
  return image;
}

function directoriesOf(files: FatFiles): Directory {
  const root: Directory = { entries: new Map() };
  for (const [path, content] of Object.entries(files)) {
    const names = path.split("/");
    const last = names.pop() ?? "";
    let directory = root;
    for (const name of names) {
      const next = directory.entries.get(name) ?? { entries: new Map() };
      if (next instanceof Uint8Array) throw new Error(`${path}: ${name} is a file`);
      directory.entries.set(name, next);
      directory = next;
    }
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    directory.entries.set(last, bytes);
  }
  if (directoryBytes(root, false) > ROOT_ENTRIES * ENTRY) throw new Error("too many files");
  return root;
}

function sectorsPerCluster(root: Directory): number {
  for (let sectors = 1; sectors <= 64; sectors *= 2) {
    if (clustersBelow(root, sectors * SECTOR) <= CLUSTERS_MAX) return sectors;
  }
  throw new Error("larger than FAT16 can be");
}

function clustersBelow({ entries }: Directory, clusterBytes: number): number {
  let clusters = 0;
  for (const entry of entries.values()) {
    const isFile = entry instanceof Uint8Array;
    const bytes = isFile ? entry.length : directoryBytes(entry, true);
    clusters += Math.ceil(bytes / clusterBytes) + (isFile ? 0 : clustersBelow(entry, clusterBytes));
  }
  return clusters;
}

function directoryBytes({ entries }: Directory, hasDots: boolean): number {
  const taken = new Set<string>();
  let count = hasDots ? 2 : 0;
  for (const name of entries.keys()) {
    count += 1 + (shortName(name, taken).isWhole ? 0 : Math.ceil(name.length / 13));
  }
  return count * ENTRY;
}

function writeBootSector(image: Uint8Array, perCluster: number, fatSectors: number): void {
  const view = new DataView(image.buffer);
  const sectors = image.length / SECTOR;
  image.set([0xeb, 0x3c, 0x90]);
  putText(image, 3, "SIDUS   ");
  view.setUint16(11, SECTOR, true);
  view.setUint8(13, perCluster);
  view.setUint16(14, RESERVED_SECTORS, true);
  view.setUint8(16, FATS);
  view.setUint16(17, ROOT_ENTRIES, true);
  view.setUint16(19, sectors < 65_536 ? sectors : 0, true);
  // A disk that stays in its drive.
  view.setUint8(21, 0xf8);
  view.setUint16(22, fatSectors, true);
  view.setUint16(24, 32, true);
  view.setUint16(26, 64, true);
  view.setUint32(32, sectors < 65_536 ? 0 : sectors, true);
  view.setUint8(36, 0x80);
  view.setUint8(38, 0x29);
  view.setUint32(39, 0x51d05000, true);
  putText(image, 43, "NO NAME    FAT16   ");
  view.setUint16(510, 0xaa55, true);
}

interface ShortName {
  /** Eleven characters, without the dot. */
  readonly name: string;
  readonly small: number;
  /** It says all that the name does. */
  readonly isWhole: boolean;
}

function shortName(name: string, taken: Set<string>): ShortName {
  const [, base = "", extension = ""] = /^([\w$~-]{1,8})(?:\.([\w$~-]{1,3}))?$/.exec(name) ?? [];
  const isOneCase = (part: string): boolean =>
    part === part.toLowerCase() || part === part.toUpperCase();
  const upper = padded(base, extension);
  if (base !== "" && isOneCase(base) && isOneCase(extension) && !taken.has(upper)) {
    taken.add(upper);
    const isSmall = (part: string): boolean => part !== part.toUpperCase();
    const small = (isSmall(base) ? Small.BASE : 0) | (isSmall(extension) ? Small.EXTENSION : 0);
    return { name: upper, small, isWhole: true };
  }
  const [stem = "", end = ""] = name.toUpperCase().split(/\.(?=[^.]*$)/);
  for (let number = 1; ; number++) {
    const tail = `~${number}`;
    const cut = padded(plain(stem).slice(0, 8 - tail.length) + tail, plain(end).slice(0, 3));
    if (taken.has(cut)) continue;
    taken.add(cut);
    return { name: cut, small: 0, isWhole: false };
  }
}

function padded(base: string, extension: string): string {
  return base.toUpperCase().padEnd(8) + extension.toUpperCase().padEnd(3);
}

function plain(part: string): string {
  return part.replaceAll(/[^A-Z0-9]/g, "_");
}

/** The last piece of a long name comes first; all bear the checksum of the short name that follows. Answers where that goes. */
function writeLongName(bytes: Uint8Array, from: number, name: string, short: ShortName): number {
  if (short.isWhole) return from;
  const pieces = Math.ceil(name.length / 13);
  let sum = 0;
  for (const byte of latin1(short.name)) sum = (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff;
  for (let piece = pieces; piece >= 1; piece--) {
    const at = from + (pieces - piece) * ENTRY;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, ENTRY);
    view.setUint8(0, piece | (piece === pieces ? 0x40 : 0));
    view.setUint8(11, Attribute.LONG_NAME);
    view.setUint8(13, sum);
    for (let index = 0; index < 13; index++) {
      const position = (piece - 1) * 13 + index;
      // One zero ends the name, and ones fill the rest.
      const code = position === name.length ? 0 : name.charCodeAt(position);
      view.setUint16(characterAt(index), Number.isNaN(code) ? 0xffff : code, true);
    }
  }
  return from + pieces * ENTRY;
}

function characterAt(index: number): number {
  if (index < 5) return 1 + index * 2;
  return index < 11 ? 14 + (index - 5) * 2 : 28 + (index - 11) * 2;
}

function writeEntry(
  bytes: Uint8Array,
  at: number,
  name: string,
  small: number,
  attribute: number,
  cluster: number,
  size: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, ENTRY);
  putText(bytes, at, name);
  view.setUint8(11, attribute);
  view.setUint8(12, small);
  for (const offset of [16, 18, 24]) view.setUint16(offset, FIRST_DAY, true);
  view.setUint16(26, cluster, true);
  view.setUint32(28, size, true);
}

function putText(bytes: Uint8Array, at: number, text: string): void {
  bytes.set(latin1(text), at);
}

function latin1(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}
