import { PATH_BYTES_MAX } from "../../limits.ts";
import type { FileId, TraceFile } from "../trace/trace.ts";

/** What attributes tell of a file. */
export interface FileFacts {
  readonly type: Exclude<TraceFile["type"], "missing">;
  readonly size: number;
}

/** A file of the recording. Only those that calls name become files of the trace. */
interface Known {
  readonly path: string;
  facts: FileFacts | undefined;
  id: FileId | undefined;
}

/**
 * Which file a handle stands for: handles are known from MNT, LOOKUP and READDIRPLUS, and what they name from where they
 * were found. A trace has names instead, so that it fits other servers, whose handles are others.
 */
export class FileTable {
  readonly #byHandle = new Map<string, Known>();
  readonly #byPath = new Map<string, Known>();
  readonly #named: Known[] = [];
  readonly #root = this.#at("", { type: "directory", size: 0 });

  /** The files that calls named; a FileId is an index. What was never found is missing. */
  get files(): TraceFile[] {
    return this.#named.map(({ path, facts }) => ({
      path,
      type: facts?.type ?? "missing",
      size: facts?.size ?? 0,
    }));
  }

  /** What MNT answered. */
  root(handle: Uint8Array): void {
    this.#byHandle.set(keyOf(handle), this.#root);
  }

  get rootFile(): FileId {
    return this.#name(this.#root);
  }

  /** Undefined: nothing has told what it is. */
  fileOf(handle: Uint8Array): FileId | undefined {
    const known = this.#byHandle.get(keyOf(handle));
    return known === undefined ? undefined : this.#name(known);
  }

  /** What a directory has by that name, or has not; undefined where the directory is unknown, or that is no name. */
  entryOf(directory: Uint8Array, name: string): FileId | undefined {
    const path = this.#pathOf(directory, name);
    return path === undefined ? undefined : this.#name(this.#at(path));
  }

  /** An entry of a directory was told. */
  found(
    directory: Uint8Array,
    name: string,
    handle: Uint8Array | undefined,
    facts: FileFacts | undefined,
  ): void {
    const path = this.#pathOf(directory, name);
    if (path === undefined) return;
    const known = this.#at(path, facts);
    known.facts ??= { type: "other", size: 0 };
    if (handle !== undefined) this.#byHandle.set(keyOf(handle), known);
  }

  /** Attributes of a file that is known already. */
  describe(handle: Uint8Array, facts: FileFacts): void {
    const known = this.#byHandle.get(keyOf(handle));
    if (known !== undefined) known.facts = facts;
  }

  #name(known: Known): FileId {
    if (known.id === undefined) known.id = this.#named.push(known) - 1;
    return known.id;
  }

  #at(path: string, facts?: FileFacts): Known {
    let known = this.#byPath.get(path);
    if (known === undefined) {
      known = { path, facts, id: undefined };
      this.#byPath.set(path, known);
    } else if (facts !== undefined) known.facts = facts;
    return known;
  }

  #pathOf(directory: Uint8Array, name: string): string | undefined {
    const above = this.#byHandle.get(keyOf(directory))?.path;
    if (above === undefined || name === "" || /[/\0]/.test(name)) return undefined;
    if (name === ".") return above;
    if (name === "..") return above.includes("/") ? above.slice(0, above.lastIndexOf("/")) : "";
    const path = above === "" ? name : `${above}/${name}`;
    return path.length > PATH_BYTES_MAX ? undefined : path;
  }
}

function keyOf(handle: Uint8Array): string {
  return Buffer.from(handle.buffer, handle.byteOffset, handle.length).toString("latin1");
}
