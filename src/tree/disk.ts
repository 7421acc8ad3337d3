import { type BigIntStats, constants, lstat, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { type FileHandle, open, readdir, readlink, realpath } from "node:fs/promises";
import { TREE_QUESTIONS_AT_ONCE } from "../limits.ts";
import { type Place, pathOf, type Seen } from "./places.ts";
import { attributesOf, generationOf, idOf, mountPoint, treeErrorOf } from "./stats.ts";
import type { Attributes, TreeError } from "./tree.ts";

/** `moved`: the directory that was asked about is not where it was last seen. */
export type Moved = "moved";

/**
 * Asks the kernel. A path is built from what was last seen, so that every answer is checked afterwards: the directory
 * must be the same inode still, reached without any symbolic link, or the answer is worth nothing. So no answer can
 * come from outside of the root, whatever is renamed meanwhile.
 */
export class Disk {
  readonly #root: string;
  readonly #device: bigint;

  /** `root`: absolute, without symbolic links, bytes as latin1. */
  constructor(root: string, device: bigint) {
    this.#root = root === "/" ? "" : root;
    this.#device = device;
  }

  /** What is at these names; undefined where there is nothing. */
  async look(
    directory: Place,
    names: readonly string[],
  ): Promise<readonly (Seen | TreeError | undefined)[] | Moved> {
    const path = this.#path(directory);
    if (path === undefined) return "moved";
    const found: (Seen | TreeError | undefined)[] = [];
    for (let at = 0; at < names.length; at += TREE_QUESTIONS_AT_ONCE) {
      const batch = names.slice(at, at + TREE_QUESTIONS_AT_ONCE);
      found.push(...(await Promise.all(batch.map((name) => this.#at(directory, path, name)))));
    }
    return (await this.#isStill(directory, path)) ? found : "moved";
  }

  /** The same at once: the thread waits for the kernel. */
  glance(
    directory: Place,
    names: readonly string[],
  ): readonly (Seen | undefined)[] | TreeError | Moved {
    const path = this.#path(directory);
    if (path === undefined) return "moved";
    try {
      const found = names.map((name) => {
        const stats = statsNow(`${path}/${name}`);
        return stats === undefined ? undefined : this.#seen(stats, directory, name);
      });
      return this.#isThere(directory, path) ? found : "moved";
    } catch (error) {
      return failed(error);
    }
  }

  /** The names in a directory, without `.` and `..`. */
  async list(directory: Place): Promise<string[] | TreeError | Moved> {
    const path = this.#path(directory);
    if (path === undefined) return "moved";
    try {
      const names = await readdir(bytesOf(path), { encoding: "latin1" });
      return (await this.#isStill(directory, path)) ? names : "moved";
    } catch (error) {
      return failed(error);
    }
  }

  /** The same at once: the thread waits for the kernel. */
  listNow(directory: Place): string[] | TreeError | Moved {
    const path = this.#path(directory);
    if (path === undefined) return "moved";
    try {
      const names = readdirSync(bytesOf(path), { encoding: "latin1" });
      return this.#isThere(directory, path) ? names : "moved";
    } catch (error) {
      return failed(error);
    }
  }

  /** Where a symbolic link points. Not checked: ask again for its attributes afterwards. */
  async readlink(place: Place): Promise<{ readonly target: string } | TreeError | Moved> {
    const path = this.#path(place);
    if (path === undefined) return "moved";
    try {
      return { target: await readlink(bytesOf(path), { encoding: "latin1" }) };
    } catch (error) {
      return isInvalid(error) ? "moved" : failed(error);
    }
  }

  /** The same at once: the thread waits for the kernel. */
  readlinkNow(place: Place): { readonly target: string } | TreeError | Moved {
    const path = this.#path(place);
    if (path === undefined) return "moved";
    try {
      return { target: readlinkSync(bytesOf(path), { encoding: "latin1" }) };
    } catch (error) {
      return isInvalid(error) ? "moved" : failed(error);
    }
  }

  /** Opens a regular file for reading, if it is still what the place says. */
  async open(place: Place): Promise<FileHandle | TreeError | Moved> {
    const path = this.#path(place);
    if (path === undefined) return "moved";
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
    let handle: FileHandle | undefined;
    try {
      handle = await open(bytesOf(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
      const stats = await handle.stat({ bigint: true });
      const isSame =
        stats.isFile() &&
        generationOf(stats) === place.attributes.generation &&
        place.parent !== undefined &&
        idOf(stats, this.#device, place.parent.id, place.name) === place.id;
      if (isSame) return handle;
      await handle.close();
      return "moved";
    } catch (error) {
      await handle?.close();
      return failed(error);
    }
  }

  /** The root's attributes; `moved` where another directory is in its place. */
  async root(place: Place): Promise<Attributes | TreeError | Moved> {
    try {
      return this.#rootIn(await statsAt(this.#root || "/"), place);
    } catch (error) {
      return failed(error);
    }
  }

  /** The same at once: the thread waits for the kernel. */
  glanceAtRoot(place: Place): Attributes | TreeError | Moved {
    try {
      const stats = statsNow(this.#root || "/");
      return stats === undefined ? "moved" : this.#rootIn(stats, place);
    } catch (error) {
      return failed(error);
    }
  }

  #rootIn(stats: BigIntStats, place: Place): Attributes | Moved {
    return isAt(stats, this.#device, place) ? attributesOf(stats, place.id) : "moved";
  }

  async #at(directory: Place, path: string, name: string): Promise<Seen | TreeError | undefined> {
    try {
      return this.#seen(await statsAt(`${path}/${name}`), directory, name);
    } catch (error) {
      const reason = treeErrorOf(error);
      return reason === "not-found" || reason === "not-directory" ? undefined : reason;
    }
  }

  #seen(stats: BigIntStats, directory: Place, name: string): Seen {
    const id = idOf(stats, this.#device, directory.id, name);
    const isMountPoint = stats.dev !== this.#device && stats.isDirectory();
    return { attributes: isMountPoint ? mountPoint(id) : attributesOf(stats, id), isMountPoint };
  }

  /** The directories above it were there lately. */
  #isThere(directory: Place, path: string): boolean {
    const stats = statsNow(path);
    return stats !== undefined && isAt(stats, this.#device, directory);
  }

  async #isStill(directory: Place, path: string): Promise<boolean> {
    try {
      const [stats, real] = await Promise.all([
        statsAt(path),
        realpath(bytesOf(path), { encoding: "latin1" }),
      ]);
      return real === path && isAt(stats, this.#device, directory);
    } catch (error) {
      treeErrorOf(error);
      return false;
    }
  }

  #path(place: Place): string | undefined {
    const path = pathOf(place);
    return path === undefined ? undefined : `${this.#root}${path}` || "/";
  }
}

/** By callback: this is most of what a tree asks, and node:fs/promises takes twice the time for it. */
function statsAt(path: string): Promise<BigIntStats> {
  return new Promise((resolve, reject) => {
    lstat(bytesOf(path), { bigint: true }, (error, stats) => {
      if (error === null) resolve(stats);
      else reject(error);
    });
  });
}

/** Undefined where there is nothing. */
function statsNow(path: string): BigIntStats | undefined {
  return lstatSync(bytesOf(path), { bigint: true, throwIfNoEntry: false });
}

function isAt(stats: BigIntStats, device: bigint, directory: Place): boolean {
  return stats.dev === device && stats.ino === directory.id && stats.isDirectory();
}

/** EINVAL: no symbolic link is there any more. */
function isInvalid(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EINVAL";
}

/** What went may have moved; the rest is an error. */
function failed(error: unknown): TreeError | Moved {
  const reason = treeErrorOf(error);
  return reason === "not-found" || reason === "not-directory" ? "moved" : reason;
}

/** @throws RangeError where a character is no byte: another one would be looked for. */
function bytesOf(path: string): Buffer {
  if (/[^\0-\xff]/.test(path)) throw new RangeError("a path of bytes has characters that are none");
  return Buffer.from(path, "latin1");
}
