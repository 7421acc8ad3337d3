import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { treeErrorOf } from "./stats.ts";
import type { FileId, TreeError } from "./tree.ts";

type Opened = FileHandle | TreeError | "moved";

export interface FileToRead {
  readonly open: () => Promise<Opened>;
  /** Whether what was read is what was wanted. */
  readonly isStill: (stats: BigIntStats) => boolean;
}

interface OpenFile {
  readonly handle: Promise<Opened>;
  users: number;
  isKept: boolean;
}

/** Open descriptors, those not used for longest closed first; none is closed while it is read from. */
export class OpenFiles implements AsyncDisposable {
  readonly #files = new Map<FileId, OpenFile>();
  readonly #filesMax: number;

  constructor(filesMax: number) {
    this.#filesMax = filesMax;
  }

  /**
   * Fills `into` from `offset` as far as the file goes; answers how far, or why the file was not opened. `moved` also
   * where it was another version of the file that was read.
   */
  async read(
    id: FileId,
    { open, isStill }: FileToRead,
    into: Uint8Array,
    offset: number,
  ): Promise<number | TreeError | "moved"> {
    const file = this.#take(id, open);
    try {
      const handle = await file.handle;
      if (typeof handle === "string") {
        if (this.#files.get(id) === file) this.#files.delete(id);
        return handle;
      }
      const { bytesRead } = await handle.read(into, 0, into.length, offset);
      if (isStill(await handle.stat({ bigint: true }))) return bytesRead;
      this.#forget(id, file);
      return "moved";
    } catch (error) {
      this.#forget(id, file);
      return treeErrorOf(error);
    } finally {
      file.users -= 1;
      if (file.users === 0 && !file.isKept) await close(file);
    }
  }

  /** What is open under this id is no longer that file. */
  async forget(id: FileId): Promise<void> {
    const file = this.#files.get(id);
    if (file !== undefined) await this.#drop(id, file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [id, file] of [...this.#files]) await this.#drop(id, file);
  }

  /** It is opened anew when it is asked for again. */
  #forget(id: FileId, file: OpenFile): void {
    if (this.#files.get(id) === file) this.#files.delete(id);
    file.isKept = false;
  }

  #take(id: FileId, open: () => Promise<Opened>): OpenFile {
    const file = this.#files.get(id) ?? { handle: open(), users: 0, isKept: true };
    file.users += 1;
    this.#files.delete(id);
    this.#files.set(id, file);
    const [oldest] = this.#files;
    if (this.#files.size > this.#filesMax && oldest !== undefined) void this.#drop(...oldest);
    return file;
  }

  async #drop(id: FileId, file: OpenFile): Promise<void> {
    this.#files.delete(id);
    file.isKept = false;
    if (file.users === 0) await close(file);
  }
}

/** A file that was only read loses nothing if this fails. */
async function close(file: OpenFile): Promise<void> {
  try {
    const handle = await file.handle;
    if (typeof handle !== "string") await handle.close();
  } catch (error) {
    treeErrorOf(error);
  }
}
