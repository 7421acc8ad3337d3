import { NFS_KEY } from "../expectations.ts";
import { opaque } from "../rpc/call.ts";
import type { FileId, Trace, TraceFile } from "../trace/trace.ts";

/** Where a trace's files are on the servers that are there: what trace/mapping.ts finds. */
export interface ServedFiles {
  /** Undefined: it is not there, and is asked for by the recorded name. */
  pathOf(file: FileId): string | undefined;
  sizeOf(file: FileId): number;
}

/** A name in the served tree that calls are about or go through. Shared by all nodes of a thread. */
export interface NamedFile {
  readonly index: number;
  /** The root is its own. */
  readonly parent: number;
  /** XDR, as LOOKUP sends it. */
  readonly name: Uint8Array;
  readonly path: string;
  /** Of its content, in Expectations. */
  readonly key: string;
  readonly type: TraceFile["type"];
  /** As served. */
  readonly size: number;
  /** Nodes were told so for it, the first of them at least. */
  handle: Uint8Array | undefined;
}

const ROOT = 0;

/**
 * The files of a trace by the names that they have on these servers, and all directories above them. Names are bytes, a
 * character each. What nodes learn of handles is the same for all where a server gives all the same, so it is kept once.
 */
export class NfsFiles {
  static readonly #made = new WeakMap<ServedFiles, NfsFiles>();

  readonly #files: NamedFile[] = [];
  readonly #byFile: Uint32Array;
  /** By directory, its named entries. */
  readonly #entries: (Map<string, number> | undefined)[] = [];
  readonly #recorded: readonly TraceFile[];

  constructor(trace: Pick<Trace, "files">, served: ServedFiles) {
    this.#recorded = trace.files;
    this.#byFile = new Uint32Array(trace.files.length);
    this.#add(ROOT, "", "", { type: "directory", size: 0 });
    for (const [file, recorded] of trace.files.entries()) {
      const path = served.pathOf(file);
      const type = path === undefined ? "missing" : recorded.type;
      this.#byFile[file] = this.#place(path ?? recorded.path, { type, size: served.sizeOf(file) });
    }
  }

  get count(): number {
    return this.#files.length;
  }

  get root(): NamedFile {
    return this.at(ROOT);
  }

  of(file: FileId): NamedFile {
    return this.at(this.#byFile[file] ?? ROOT);
  }

  at(index: number): NamedFile {
    const file = this.#files[index];
    if (file === undefined) throw new RangeError(`no file ${index}`);
    return file;
  }

  recordedSize(file: FileId): number {
    return this.#recorded[file]?.size ?? 0;
  }

  /** An entry of a directory that some call names, or goes through. */
  entryOf(directory: number, name: string): NamedFile | undefined {
    const index = this.#entries[directory]?.get(name);
    return index === undefined ? undefined : this.at(index);
  }

  /** One for all nodes of a thread. */
  static of(trace: Pick<Trace, "files">, served: ServedFiles): NfsFiles {
    const known = NfsFiles.#made.get(served);
    if (known !== undefined) return known;
    const made = new NfsFiles(trace, served);
    NfsFiles.#made.set(served, made);
    return made;
  }

  #place(path: string, what: Omit<TraceFile, "path">): number {
    const names = path.split("/").filter((name) => name !== "");
    let here = ROOT;
    for (const [depth, name] of names.entries()) {
      const isLast = depth === names.length - 1;
      const above = here;
      here = this.#entries[above]?.get(name) ?? -1;
      if (here >= 0) continue;
      const known = isLast ? what : { type: "directory" as const, size: 0 };
      here = this.#add(above, name, names.slice(0, depth + 1).join("/"), known);
    }
    return here;
  }

  #add(parent: number, name: string, path: string, what: Omit<TraceFile, "path">): number {
    const index = this.#files.length;
    const bytes = opaque(Buffer.from(name === "" ? "." : name, "latin1"));
    const { type, size } = what;
    this.#files.push({
      index,
      parent,
      name: bytes,
      path,
      key: `${NFS_KEY}${path}`,
      type,
      size,
      handle: undefined,
    });
    if (index === ROOT) return index;
    const entries = this.#entries[parent] ?? new Map<string, number>();
    entries.set(name, index);
    this.#entries[parent] = entries;
    return index;
  }
}
