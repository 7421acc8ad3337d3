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
    const { content, mode } = file;
    if (content.kind === "text") {
      const at = insideTree(tree, file.path);
      placeFile(at, content.text, mode ?? 0o644);
      lchownSync(at, owner.uid, owner.gid);
    } else {
      try {
        // What the recipe names may be a link; what is in it stays what it is.
        copy({ source: content.source, mode, owner, tree }, file.path, statSync(content.source));
      } catch (cause) {
        throw new UserError(`files: ${file.path}: cannot copy ${content.source}: ${cause}`, {
          cause,
        });
      }
    }
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
  if (stats.isSymbolicLink()) placeLink(at, readlinkSync(from.source));
  else if (stats.isFile()) {
    placeFile(at, readFileSync(from.source), from.mode ?? stats.mode & 0o7777);
  } else throw new Error(`${from.source} is neither a file, a directory nor a link`);
  // It takes away setuid bits, as the kernel wants it: those are asked for by `mode`.
  lchownSync(at, from.owner.uid, from.owner.gid);
  if (stats.isFile()) chmodSync(at, from.mode ?? stats.mode & 0o777);
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
