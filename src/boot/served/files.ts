import { PATH_BYTES_MAX } from "../../limits.ts";
import { resolve } from "../../tree/resolve.ts";
import type { FileSlice, Tree, TreeError } from "../../tree/tree.ts";
import type { BootFile } from "../files.ts";

/** Without leading slashes, empty and `.` components; undefined where a name could not be meant so. */
export function cleanPath(path: string): string | undefined {
  if (path.length > PATH_BYTES_MAX || path.includes("\0")) return undefined;
  const names = path
    .replaceAll("\\", "/")
    .split("/")
    .filter((name) => name !== "" && name !== ".");
  if (names.length === 0 || names.includes("..")) return undefined;
  return names.join("/");
}

export function renderedFile(text: string): BootFile {
  const bytes = new TextEncoder().encode(text);
  return {
    size: bytes.length,
    version: `${bytes.length}-${hash(bytes)}`,
    read(offset, into) {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
  };
}

/** FNV-1a: enough to tell one rendering from the next. */
function hash(bytes: Uint8Array): string {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193);
  return (value >>> 0).toString(16);
}

/** `path` is text, as loaders write it in UTF-8; a tree's names are bytes. */
export async function openInTree(tree: Tree, path: string): Promise<BootFile | "missing"> {
  const found = await resolve(tree, Buffer.from(path, "utf8").toString("latin1"));
  if (typeof found === "string" || found.type !== "file") return "missing";
  const { id, size, modified } = found;
  return {
    size,
    version: `${id}-${size}-${modified.seconds}.${modified.nanoseconds}`,
    read(offset, into) {
      const slice = tree.read(id, offset, into.length);
      return slice instanceof Promise
        ? slice.then((later) => copied(later, into, path))
        : copied(slice, into, path);
    },
  };
}

/** All of it. */
export async function contentOf(file: BootFile, path: string): Promise<Uint8Array> {
  const content = new Uint8Array(file.size);
  for (let at = 0; at < content.length; ) {
    const count = await file.read(at, content.subarray(at));
    if (count === 0) throw new Error(`${path}: became shorter while it was read`);
    at += count;
  }
  return content;
}

function copied(slice: FileSlice | TreeError, into: Uint8Array, path: string): number {
  if (typeof slice === "string") throw new Error(`${path}: ${slice}`);
  let at = 0;
  for (const part of slice.parts) {
    into.set(part, at);
    at += part.length;
  }
  slice.release();
  return at;
}
