import type { StormResult } from "../result.ts";
import type { FileId, Trace, TraceFile } from "./trace.ts";

/**
 * A trace names files of the tree that it was recorded on; another tree has another kernel, other versions, and lacks
 * some. Here each of the trace's files gets one that stands for it, so that a node asks as many questions about as many
 * files, and reads as many bytes. In this order:
 *
 *   the same path       etc/fstab
 *   another kernel      usr/lib/modules/6.1.0-56-amd64/modules.dep → usr/lib/modules/6.12.48-amd64/modules.dep
 *   other digits        usr/lib/libcrypto.so.3 → usr/lib/libcrypto.so.1.1
 *   the same name       usr/lib/x86_64-linux-gnu/libz.so.1 → usr/lib64/libz.so.1.3
 *   about that size     usr/bin/findmnt → usr/bin/busybox; those first that stand for no other yet
 *
 * A folder that is not there is the one above it. What was missing stays missing: a name that the tree has gets a longer
 * one, for a lookup that fails is another answer than one that finds something.
 */

/** One file of the tree that is served; its path is written as a trace's are. */
export interface TreeEntry {
  readonly path: string;
  readonly type: TraceFile["type"];
  readonly size: number;
}

/** What stands for a trace's files, by their place in it; values only, so that all threads can be told. */
export type ServedPlaces = readonly (Pick<TreeEntry, "path" | "size"> | undefined)[];

export interface Mapping {
  /** Undefined: nothing in the tree can stand for it. */
  pathOf(file: FileId): string | undefined;
  /** Of what stands for it: reads must be cut to that. */
  sizeOf(file: FileId): number;
}

export interface MappedFiles extends Mapping {
  readonly places: ServedPlaces;
  readonly summary: StormResult["files"];
}

const EXAMPLES = 8;
const ROOT: TreeEntry = { path: "", type: "directory", size: 0 };

/** `entries`: all of the tree, or of the folders that the trace's files are in. */
export function mapFiles(trace: Trace, entries: readonly TreeEntry[]): MappedFiles {
  const tree = new Tree(entries, trace.about.kernel);
  const places = trace.files.map((file) => tree.sameAs(file) ?? tree.likeIt(file));
  for (const place of places) if (place !== undefined) tree.take(place);
  const summary = { asRecorded: 0, renamed: 0, replaced: 0, examples: [] as string[] };
  for (const [id, file] of trace.files.entries()) {
    const found = places[id];
    places[id] ??= tree.insteadOf(file);
    const path = places[id]?.path;
    if (path === file.path) summary.asRecorded += 1;
    else {
      summary[found === undefined ? "replaced" : "renamed"] += 1;
      summary.examples.push(`${file.path} → ${path ?? "nothing"}`);
    }
  }
  return {
    ...mappingOf(places),
    places,
    summary: { ...summary, examples: summary.examples.slice(0, EXAMPLES) },
  };
}

export function mappingOf(places: ServedPlaces): Mapping {
  return {
    pathOf: (file) => places[file]?.path,
    sizeOf: (file) => places[file]?.size ?? 0,
  };
}

/** The tree that is served, by all that its files may be found by; the larger tables are made when they are needed. */
class Tree {
  readonly #byPath: ReadonlyMap<string, TreeEntry>;
  #sorted: readonly TreeEntry[] | undefined;
  #byType: ReadonlyMap<string, readonly TreeEntry[]> | undefined;
  #byAlike: ReadonlyMap<string, readonly TreeEntry[]> | undefined;
  #byName: ReadonlyMap<string, readonly TreeEntry[]> | undefined;
  readonly #taken = new Set<TreeEntry>();
  /** By type: what stands for nothing yet. */
  readonly #spare = new Map<string, TreeEntry[]>();
  readonly #kernel: string;
  readonly #kernelHere: string;

  constructor(entries: readonly TreeEntry[], kernel: string) {
    const there = [ROOT, ...entries.filter(({ type }) => type !== "missing")];
    this.#byPath = new Map(there.map((entry) => [entry.path, entry]));
    this.#kernel = kernel;
    this.#kernelHere = newestKernel(entries) ?? kernel;
  }

  /** By its path, or by what its path is with this tree's kernel. */
  sameAs(file: TraceFile): TreeEntry | undefined {
    if (file.type === "missing") return this.#missing(file.path);
    return this.#at(file.path, file.type) ?? this.#at(this.#withKernel(file.path), file.type);
  }

  /** By its path or name but for digits. Folders of one name have little in common. */
  likeIt(file: TraceFile): TreeEntry | undefined {
    this.#byAlike ??= this.#groups((path) => path);
    const path = withoutDigits(this.#withKernel(file.path));
    const alike = this.#byAlike.get(`${file.type} ${path}`);
    if (alike !== undefined || file.type === "directory") return nearest(file.size, alike);
    this.#byName ??= this.#groups(nameOf);
    return nearest(file.size, this.#byName.get(`${file.type} ${nameOf(path)}`));
  }

  take(entry: TreeEntry): void {
    this.#taken.add(entry);
  }

  insteadOf(file: TraceFile): TreeEntry | undefined {
    if (file.type === "directory") return this.#folder(file.path);
    this.#byType ??= Map.groupBy(this.#bySize(), ({ type }) => type);
    const all = this.#byType.get(file.type) ?? [];
    const spare = this.#spare.get(file.type) ?? all.filter((entry) => !this.#taken.has(entry));
    this.#spare.set(file.type, spare);
    const found = nearest(file.size, spare.length > 0 ? spare : all);
    const at = found === undefined ? -1 : spare.indexOf(found);
    if (at >= 0) spare.splice(at, 1);
    return found;
  }

  #bySize(): readonly TreeEntry[] {
    this.#sorted ??= [...this.#byPath.values()].toSorted((a, b) => a.size - b.size);
    return this.#sorted;
  }

  #groups(part: (path: string) => string): ReadonlyMap<string, readonly TreeEntry[]> {
    return Map.groupBy(this.#bySize(), ({ type, path }) => `${type} ${withoutDigits(part(path))}`);
  }

  /** What stands for a folder: itself, one like it, or that of the folder above. */
  #folder(path: string): TreeEntry {
    if (path === "") return ROOT;
    const folder: TraceFile = { path, type: "directory", size: 0 };
    return this.sameAs(folder) ?? this.likeIt(folder) ?? this.#folder(folderOf(path));
  }

  #missing(path: string): TreeEntry {
    const folder = this.#folder(folderOf(path)).path;
    let name = folder === "" ? nameOf(path) : `${folder}/${nameOf(path)}`;
    while (this.#byPath.has(name)) name += "-";
    return { path: name, type: "missing", size: 0 };
  }

  #at(path: string, type: TraceFile["type"]): TreeEntry | undefined {
    const entry = this.#byPath.get(path);
    return entry?.type === type ? entry : undefined;
  }

  #withKernel(path: string): string {
    return this.#kernel === "" ? path : path.replaceAll(this.#kernel, this.#kernelHere);
  }
}

/** `6.1.0-56-amd64` and `6.12.48-amd64` are alike, and `so.3` and `so.1.1`. */
export function withoutDigits(path: string): string {
  return path.replace(/\d(?:[\d.+~-]*\d)?/g, "0");
}

/** Whose modules are there; a server that has several boots the newest. */
function newestKernel(entries: readonly TreeEntry[]): string | undefined {
  const releases = entries
    .filter(
      ({ path, type }) => type === "directory" && /^(?:usr\/)?lib\/modules\/[^/]+$/.test(path),
    )
    .map(({ path }) => nameOf(path));
  return releases.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
}

/** `entries` are sorted by their size. */
function nearest(size: number, entries: readonly TreeEntry[] = []): TreeEntry | undefined {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.size ?? 0) < size) low = middle + 1;
    else high = middle;
  }
  const [below, above] = [entries[low - 1], entries[low]];
  if (below === undefined || above === undefined) return below ?? above;
  return size - below.size < above.size - size ? below : above;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}
