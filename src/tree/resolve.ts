import type { Answer, Attributes, FileId, Tree, TreeError } from "./tree.ts";

/** Linux follows as many before ELOOP. */
const SYMLINKS_MAX = 40;

/**
 * Walks a path inside a tree, one component at a time, following symbolic links as a node would whose root this is:
 * an absolute target starts at the tree's root, and nothing leads out of it.
 */
export async function resolve(
  tree: Tree,
  path: string,
  from: FileId = tree.root,
): Promise<Attributes | TreeError> {
  let here = await tree.attributes(path.startsWith("/") ? tree.root : from);
  let directory = path.startsWith("/") ? tree.root : from;
  const pending = components(path).reverse();
  for (let links = 0, name = pending.pop(); name !== undefined; name = pending.pop()) {
    here = await tree.lookup(directory, name);
    if (typeof here === "string") return here;
    if (here.type === "symlink") {
      links += 1;
      if (links > SYMLINKS_MAX) return "not-found";
      const link = await tree.readlink(here.id);
      if (typeof link === "string") return link;
      if (link.target.startsWith("/")) directory = tree.root;
      pending.push(...components(link.target).reverse());
      here = await tree.attributes(directory);
    } else directory = here.id;
  }
  return here;
}

/** All entries of a directory but `.` and `..`. */
export async function list(tree: Tree, directory: FileId): Promise<string[] | TreeError> {
  const names: string[] = [];
  for (let cookie = 0n; ; ) {
    const page: Awaited<
      Answer<{ entries: readonly { name: string; cookie: bigint }[]; end: boolean }>
    > = await tree.readdir(directory, cookie, 1000);
    if (typeof page === "string") return page;
    for (const entry of page.entries) {
      if (entry.name !== "." && entry.name !== "..") names.push(entry.name);
      cookie = entry.cookie;
    }
    if (page.end || page.entries.length === 0) return names;
  }
}

function components(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}
