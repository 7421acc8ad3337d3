import type { Attributes, DirectoryEntry, FileId, FileType, Tree } from "../../src/tree/tree.ts";

/** A tree written as an object: text is a file, `{ link }` a symbolic link, anything else a directory. */
export type Sketch = { readonly [name: string]: string | { readonly link: string } | Sketch };

interface Entry {
  readonly type: FileType;
  readonly parent: FileId;
  readonly content: Uint8Array;
  readonly children: Map<string, FileId>;
  readonly target: string;
}

const midnight = { seconds: 1_767_225_600, nanoseconds: 0 };

export function sketchedTree(sketch: Sketch): Tree {
  const entries = new Map<FileId, Entry>();
  const root = add(sketch, 1n as FileId);

  function add(what: Sketch[string], parent: FileId): FileId {
    const id = BigInt(entries.size + 1) as FileId;
    const isLink = typeof what === "object" && "link" in what && typeof what.link === "string";
    const type = typeof what === "string" ? "file" : isLink ? "symlink" : "directory";
    const entry: Entry = {
      type,
      parent,
      content: new TextEncoder().encode(typeof what === "string" ? what : ""),
      children: new Map(),
      target: isLink ? String(what.link) : "",
    };
    entries.set(id, entry);
    if (typeof what === "object" && !isLink) {
      for (const [name, child] of Object.entries(what as Sketch))
        entry.children.set(name, add(child, id));
    }
    return id;
  }

  function attributes(id: FileId): Attributes | "stale" {
    const entry = entries.get(id);
    if (entry === undefined) return "stale";
    return {
      id,
      type: entry.type,
      mode: 0o755,
      links: 1,
      uid: 0,
      gid: 0,
      size: entry.content.length,
      used: 4096,
      device: { major: 0, minor: 0 },
      accessed: midnight,
      modified: midnight,
      changed: midnight,
      generation: 1,
    };
  }

  return {
    root,
    identity: 1n,
    attributes,
    lookup(directory, name) {
      const entry = entries.get(directory);
      if (entry?.type !== "directory") return "not-directory";
      if (name === "." || name === "..") return attributes(name === "." ? directory : entry.parent);
      const id = entry.children.get(name);
      return id === undefined ? "not-found" : attributes(id);
    },
    readlink(id) {
      const entry = entries.get(id);
      return entry?.type === "symlink" ? { target: entry.target } : "not-symlink";
    },
    readdir(directory, cookie, entriesMax) {
      const children = [...(entries.get(directory)?.children ?? [])];
      const listed = children.flatMap(([name, id], index): DirectoryEntry[] => {
        const found = attributes(id);
        return found === "stale" ? [] : [{ name, cookie: BigInt(index + 1), attributes: found }];
      });
      const page = listed.slice(Number(cookie), Number(cookie) + entriesMax);
      return { entries: page, end: Number(cookie) + page.length >= listed.length };
    },
    read(id, offset, length) {
      const content = entries.get(id)?.content;
      if (content === undefined) return "stale";
      const bytes = content.subarray(offset, offset + length);
      const end = offset + length >= content.length;
      return { parts: [bytes], length: bytes.length, end, release() {} };
    },
    usage: () => ({ totalBytes: 0, freeBytes: 0, availableBytes: 0, totalFiles: 0, freeFiles: 0 }),
    async [Symbol.asyncDispose]() {},
  };
}
