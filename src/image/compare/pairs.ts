import type { Answer, Attributes, FileId, Tree } from "../../tree/tree.ts";
import { UserError } from "../../user-error.ts";

/** What is at one path of two trees; undefined where nothing is. Not both are. */
export interface Pair {
  /** `/etc/motd`, in bytes (latin1). */
  readonly path: string;
  readonly before: Attributes | undefined;
  readonly after: Attributes | undefined;
}

const PAGE_ENTRIES = 1000;

/** All paths of both trees, a directory before what is in it, names in the order of their bytes. */
export async function* pairsOf(before: Tree, after: Tree): AsyncGenerator<Pair> {
  const pending: Pair[] = [
    {
      path: "/",
      before: await answerOf(before.attributes(before.root), "/"),
      after: await answerOf(after.attributes(after.root), "/"),
    },
  ];
  for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
    yield pair;
    const [old, young] = await Promise.all([
      entriesOf(before, pair.before, pair.path),
      entriesOf(after, pair.after, pair.path),
    ]);
    const directory = pair.path === "/" ? "" : pair.path;
    for (const name of [...new Set([...old.keys(), ...young.keys()])].sort(descending)) {
      const path = `${directory}/${name}`;
      pending.push({ path, before: old.get(name), after: young.get(name) });
    }
  }
}

/** By code units, which are bytes. */
function descending(a: string, b: string): number {
  return a < b ? 1 : -1;
}

async function entriesOf(
  tree: Tree,
  of: Attributes | undefined,
  path: string,
): Promise<ReadonlyMap<string, Attributes>> {
  return of?.type === "directory" ? await listed(tree, of.id, path) : new Map();
}

async function listed(
  tree: Tree,
  directory: FileId,
  path: string,
): Promise<ReadonlyMap<string, Attributes>> {
  const found = new Map<string, Attributes>();
  for (let cookie = 0n; ; ) {
    const page = await answerOf(tree.readdir(directory, cookie, PAGE_ENTRIES), path);
    for (const { name, attributes } of page.entries) {
      if (name !== "." && name !== "..") found.set(name, attributes);
    }
    const last = page.entries.at(-1);
    if (page.end || last === undefined) return found;
    cookie = last.cookie;
  }
}

/** @throws UserError */
export async function answerOf<T extends object>(answer: Answer<T>, path: string): Promise<T> {
  const found = await answer;
  if (typeof found !== "string") return found;
  throw new UserError(`${textOf(path)} cannot be compared: ${found}`, { exitCode: 1 });
}

/** Of the bytes of a name or a target, what a terminal may show. */
export function textOf(bytes: string): string {
  const text = Buffer.from(bytes, "latin1").toString();
  return text.replace(/\p{Cc}/gu, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
