import { readlinkSync } from "node:fs";
import { dirname, join } from "node:path";

/** path_resolution(7): the kernel follows no more links than that. */
const LINKS_MAX = 40;

/**
 * Where a path of a tree is on this machine, with the links on the way followed as they lead within the tree: `/var/run`
 * is `/run` of the tree, not ours. The last part is not followed. @throws where links lead in circles.
 */
export function insideTree(tree: string, path: string): string {
  let parts = path.split("/").filter((part) => part !== "");
  let at = "/";
  for (let links = 0; ; ) {
    const [part, ...rest] = parts;
    if (part === undefined) return join(tree, at);
    parts = rest;
    if (part === "..") at = dirname(at);
    else if (part !== ".") {
      const here = join(at, part);
      const target = rest.length === 0 ? undefined : linkAt(join(tree, here));
      if (target === undefined) at = here;
      else {
        links += 1;
        if (links > LINKS_MAX) throw new Error(`${path}: its links lead in circles`);
        if (target.startsWith("/")) at = "/";
        parts = [...target.split("/").filter((one) => one !== ""), ...rest];
      }
    }
  }
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
