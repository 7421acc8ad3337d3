import {
  chmodSync,
  lchownSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { UserError } from "../../user-error.ts";
import { insideTree } from "../inside.ts";
import { placeDirectory, placeFile, placeLink } from "../place.ts";
import type { FileRecipe } from "../recipe/recipe.ts";

/** Puts the files of a recipe into a tree, whatever links lead out of it. @throws UserError */
export function placeFiles(files: readonly FileRecipe[], tree: string): void {
  for (const file of files) {
    const owner = ownerIn(tree, file);
    const { path, content } = file;
    try {
      place(file, owner, tree);
    } catch (cause) {
      const what = content.kind === "text" ? "write it" : `copy ${content.source}`;
      throw new UserError(`files: ${path}: cannot ${what}: ${cause}`, { cause });
    }
  }
}

function place({ path, content, mode }: FileRecipe, owner: Owner, tree: string): void {
  if (content.kind === "text") {
    const at = insideTree(tree, path);
    placeFile(at, content.text, mode ?? 0o644);
    give(at, owner, mode ?? 0o644);
  } else {
    // What the recipe names may be a link; what is in it stays what it is.
    copy({ source: content.source, mode, owner, tree }, path, statSync(content.source));
  }
}

interface Copy {
  readonly source: string;
  readonly mode: number | undefined;
  readonly owner: Owner;
  readonly tree: string;
}

function copy(from: Copy, path: string, stats = lstatSync(from.source)): void {
  const at = insideTree(from.tree, path);
  if (stats.isDirectory()) {
    // Into the directory that a link of the tree leads to.
    const inside = insideTree(from.tree, `${path}/.`);
    const isNew = lstatSync(inside, { throwIfNoEntry: false }) === undefined;
    placeDirectory(inside);
    if (isNew) {
      chmodSync(inside, stats.mode & 0o7777);
      lchownSync(inside, from.owner.uid, from.owner.gid);
    }
    for (const name of readdirSync(from.source)) {
      copy({ ...from, source: join(from.source, name) }, join(path, name));
    }
    return;
  }
  if (stats.isSymbolicLink()) {
    placeLink(at, readlinkSync(from.source));
    lchownSync(at, from.owner.uid, from.owner.gid);
  } else if (stats.isFile()) {
    // setuid bits are asked for by `mode`.
    const mode = from.mode ?? stats.mode & 0o777;
    placeFile(at, readFileSync(from.source), mode);
    give(at, from.owner, mode);
  } else throw new Error(`${from.source} is neither a file, a directory nor a link`);
}

/** The kernel takes away setuid bits with the owner. */
function give(file: string, { uid, gid }: Owner, mode: number): void {
  lchownSync(file, uid, gid);
  chmodSync(file, mode);
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** passwd(5), group(5). */
function ownerIn(tree: string, { path, owner }: FileRecipe): Owner {
  const [user = "", group = user] = owner.split(":");
  return { uid: idIn("etc/passwd", user), gid: idIn("etc/group", group) };

  function idIn(file: string, name: string): number {
    if (/^\d{1,10}$/.test(name)) return Number(name);
    const lines = readFileSync(insideTree(tree, file), "utf8").split("\n");
    const id = lines.map((line) => line.split(":")).find(([one]) => one === name)?.[2];
    if (id !== undefined) return Number(id);
    throw new UserError(`files: ${path}: the tree's /${file} has no "${name}" (owner: ${owner})`);
  }
}
