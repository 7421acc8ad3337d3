import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import fc from "fast-check";

/** Trees as fast-check makes them, written to disk. Names and targets are bytes, as latin1 strings. */
export type Item =
  | { readonly kind: "file"; readonly content: Uint8Array; readonly mode: number }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "fifo" }
  | { readonly kind: "hard link" }
  | { readonly kind: "directory"; readonly mode: number; readonly items: Items };
export type Items = readonly { readonly name: string; readonly item: Item }[];

function byteString(least: number, most: number): fc.Arbitrary<string> {
  const byte = fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
    fc.integer({ min: 1, max: 255 }),
  );
  return fc
    .array(byte, { minLength: least, maxLength: most, size: "max" })
    .map((bytes) => Buffer.from(bytes).toString("latin1"));
}

const name = fc
  .oneof({ weight: 5, arbitrary: byteString(1, 12) }, byteString(200, 255))
  .filter((text) => !text.includes("/") && text !== "." && text !== "..");

const content = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.nat(200_000).map((size) => new Uint8Array(size).map((_, at) => (at * 31 + size) & 255)),
);
const mode = fc.nat(0o7777);

const { items } = fc.letrec<{ items: Items; item: Item }>((tie) => ({
  item: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ kind: fc.constant("file" as const), content, mode }),
    fc.record({ kind: fc.constant("symlink" as const), target: byteString(1, 300) }),
    fc.constant({ kind: "fifo" as const }),
    fc.constant({ kind: "hard link" as const }),
    fc.record({ kind: fc.constant("directory" as const), mode, items: tie("items") }),
  ),
  items: fc.uniqueArray(fc.record({ name, item: tie("item") }), {
    maxLength: 9,
    selector: (entry) => entry.name,
  }),
}));
export const randomItems: fc.Arbitrary<Items> = items;

export function bytesOf(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

/** Into a directory, `path` as latin1; `fifo` is a free name on the same file system. */
export function writeItems(path: string, entries: Items, fifo: string): void {
  let firstFile: string | undefined;
  for (const { name, item } of entries) {
    const place = `${path}/${name}`;
    const at = bytesOf(place);
    switch (item.kind) {
      case "file":
        writeFileSync(at, item.content);
        // Readable for its owner, or nobody but root could check it.
        chmodSync(at, item.mode | 0o400);
        firstFile ??= place;
        break;
      case "symlink":
        symlinkSync(bytesOf(item.target), at);
        break;
      case "fifo":
        // Node gives programs text, not bytes, as arguments.
        execFileSync("mkfifo", [fifo]);
        renameSync(fifo, at);
        break;
      case "hard link":
        if (firstFile === undefined) writeFileSync(at, "alone");
        else linkSync(bytesOf(firstFile), at);
        break;
      case "directory":
        mkdirSync(at);
        writeItems(place, item.items, fifo);
        // Last, and so that its owner can still look into it and remove it.
        chmodSync(at, item.mode | 0o700);
        break;
      default:
        throw new Error("no such item");
    }
  }
}

/** What lstat says, in the form of NFS. */
export function statOf(path: string) {
  const stats = lstatSync(bytesOf(path), { bigint: true });
  return {
    fileid: stats.ino,
    mode: Number(stats.mode & 0o7777n),
    nlink: Number(stats.nlink),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: stats.size,
    used: stats.blocks * 512n,
    mtime: [Number(stats.mtimeNs / 1_000_000_000n), Number(stats.mtimeNs % 1_000_000_000n)],
    ctime: [Number(stats.ctimeNs / 1_000_000_000n), Number(stats.ctimeNs % 1_000_000_000n)],
  };
}
