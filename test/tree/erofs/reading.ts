import { createHash, type Hash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import type {
  Answer,
  Attributes,
  DirectoryEntry,
  FileId,
  Timestamp,
  Tree,
  TreeError,
} from "../../../src/tree/tree.ts";
import { bytesOf } from "../random-tree.ts";

/** Reads trees, and compares them to directories. Names are bytes, as latin1. */

export function good<T extends object>(answer: T | TreeError): T {
  if (typeof answer === "string") throw new Error(answer);
  return answer;
}

/** A path from the root, looked up name by name. */
export async function find(tree: Tree, path: string): Promise<Attributes> {
  let here = good(await tree.attributes(tree.root));
  for (const part of path.split("/")) here = good(await tree.lookup(here.id, part));
  return here;
}

export async function entriesOf(
  tree: Tree,
  id: FileId,
  pageSize: number,
): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  for (let cookie = 0n; ; ) {
    const page = good(await tree.readdir(id, cookie, pageSize));
    entries.push(...page.entries);
    if (page.end) return entries;
    cookie = page.entries.at(-1)?.cookie ?? 0n;
  }
}

export async function bytesAt(
  tree: Tree,
  id: FileId,
  offset: number,
  length: number,
): Promise<Buffer> {
  const slice = good(await tree.read(id, offset, length));
  const bytes = Buffer.concat(slice.parts);
  slice.release();
  if (bytes.length !== slice.length) throw new Error("a slice tells another length");
  return bytes;
}

async function sha256(tree: Tree, { id, size }: Attributes): Promise<string> {
  const hash: Hash = createHash("sha256");
  for (let at = 0; at < size; at += 50_000) hash.update(await bytesAt(tree, id, at, 50_000));
  return hash.digest("hex");
}

/** What an image does not keep of a directory: what its options replaced. */
export interface Replaced {
  readonly uid?: number;
  readonly gid?: number;
  readonly modified?: Timestamp;
}

/** Everything in which a tree differs from a directory, as text. */
export async function differences(
  tree: Tree,
  path: string,
  replaced: Replaced = {},
): Promise<readonly string[]> {
  const found: string[] = [];
  const ids = new Map<bigint, FileId>();
  const compare = (place: string, what: string, actual: unknown, wanted: unknown) => {
    const [is, should] = [actual, wanted].map((value) => JSON.stringify(value));
    if (is !== should) found.push(`${place}: ${what} is ${is}, not ${should}`);
  };
  const visit = async (attributes: Attributes, place: string): Promise<void> => {
    const stats = lstatSync(bytesOf(place), { bigint: true });
    compare(place, "attributes", told(attributes), { ...onDisk(place), ...replaced });
    const known = ids.get(stats.ino) ?? attributes.id;
    ids.set(stats.ino, known);
    if (attributes.id !== known) found.push(`${place}: another id than its other names`);
    if (attributes.type === "symlink") {
      const wanted = readlinkSync(bytesOf(place), { encoding: "latin1" });
      compare(place, "target", await tree.readlink(attributes.id), { target: wanted });
    }
    if (attributes.type === "file") {
      const wanted = createHash("sha256")
        .update(readFileSync(bytesOf(place)))
        .digest("hex");
      compare(place, "content", await sha256(tree, attributes), wanted);
    }
    if (attributes.type === "directory") await visitAll(attributes, place);
  };
  const visitAll = async ({ id }: Attributes, place: string): Promise<void> => {
    const entries = await entriesOf(tree, id, 7);
    const names = entries.map(({ name }) => name).toSorted();
    const wanted = readdirSync(bytesOf(place), { encoding: "latin1" });
    compare(place, "names", names, [".", "..", ...wanted].toSorted());
    for (const { name, attributes } of entries) {
      compare(`${place}/${name}`, "lookup", (await tree.lookup(id, name)) === attributes, true);
      if (name !== "." && name !== "..") await visit(attributes, `${place}/${name}`);
    }
  };
  await visit(good(await tree.attributes(tree.root)), path);
  return found;
}

/** A directory's size is the file system's own affair. */
function told({ type, mode, links, uid, gid, size, device, modified }: Attributes) {
  const ownSize = type === "directory" ? 0 : size;
  return { type, mode, links, size: ownSize, device, uid, gid, modified };
}

function onDisk(place: string) {
  const stats = lstatSync(bytesOf(place), { bigint: true });
  const isDevice = stats.isBlockDevice() || stats.isCharacterDevice();
  const nanoseconds = Number(stats.mtimeNs % 1_000_000_000n);
  return {
    type: typeOf(stats),
    mode: Number(stats.mode & 0o7777n),
    links: stats.isDirectory() ? 2 + directoriesIn(place) : Number(stats.nlink),
    size: stats.isDirectory() ? 0 : Number(stats.size),
    device: isDevice ? { major: majorOf(stats.rdev), minor: minorOf(stats.rdev) } : NO_DEVICE,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    modified: { seconds: Number(stats.mtimeNs / 1_000_000_000n), nanoseconds },
  };
}

/** Not every file system counts links of directories. */
function directoriesIn(place: string): number {
  const names = readdirSync(bytesOf(place), { encoding: "latin1" });
  return names.filter((name) => lstatSync(bytesOf(`${place}/${name}`)).isDirectory()).length;
}

const NO_DEVICE = { major: 0, minor: 0 };

/** gnu_dev_major of glibc, below 2^12. */
function majorOf(device: bigint): number {
  return Number((device >> 8n) & 0xfffn);
}

function minorOf(device: bigint): number {
  return Number((device & 0xffn) | ((device >> 12n) & 0xfff00n));
}

function typeOf(stats: ReturnType<typeof lstatSync>): string {
  if (stats === undefined) return "absent";
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isBlockDevice()) return "block";
  if (stats.isCharacterDevice()) return "character";
  return stats.isFIFO() ? "fifo" : "socket";
}

/** Until it is known at once: what was read is remembered. */
export async function settled<T extends object>(ask: () => Answer<T>): Promise<T | TreeError> {
  await ask();
  const answer = ask();
  if (answer instanceof Promise) throw new Error("not remembered");
  return answer;
}
