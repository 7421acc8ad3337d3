import { type Dirent, readdirSync, statSync } from "node:fs";
import { STORM_EXPLORED_MAX } from "../../limits.ts";
import type { TreeEntry } from "../../storm/trace/mapping.ts";
import { UserError } from "../../user-error.ts";

const SLASH = Buffer.from("/");

/** All of a tree, for a trace's files to be found in it; paths are a byte a character, as there. @throws UserError */
export function entriesOf(tree: string): TreeEntry[] {
  const found: TreeEntry[] = [{ path: "", type: "directory", size: 0 }];
  const root = Buffer.from(`${tree}/`);
  const open = [root];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true, encoding: "buffer" })) {
      const path = Buffer.concat([folder, entry.name]);
      const type = typeOf(entry);
      if (type === "directory") open.push(Buffer.concat([path, SLASH]));
      const size = type === "file" ? statSync(path).size : 0;
      found.push({ path: path.toString("latin1", root.length), type, size });
    }
    if (found.length > STORM_EXPLORED_MAX)
      throw new UserError(
        `--tree ${tree}: more than ${STORM_EXPLORED_MAX} files; expected one system`,
      );
  }
  return found;
}

function typeOf(entry: Dirent<Buffer>): TreeEntry["type"] {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  return entry.isSymbolicLink() ? "link" : "other";
}
