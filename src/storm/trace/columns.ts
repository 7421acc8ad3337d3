import { type Malformed, malformed } from "../../bytes/malformed.ts";
import type { Columns } from "./columns-schema.ts";
import type { Deed, NfsCall, Step, Trace, TraceFile } from "./trace.ts";

/** A trace ⇄ its columns. */

type Spoken = Columns["spoken"][number];
type NfsArguments = Columns["nfs"];

const typeLetters = { file: "f", directory: "d", link: "l", other: "o", missing: "m" } as const;
const typeOf = new Map<string, TraceFile["type"]>(
  keysOf(typeLetters).map((type) => [typeLetters[type], type]),
);
const wayLetters = { in: "i", out: "o", none: "n" } as const;
const wayOf = new Map(keysOf(wayLetters).map((way) => [`${wayLetters[way]}`, way]));

function keysOf<T extends object>(table: T): (keyof T)[] {
  return Object.keys(table) as (keyof T)[];
}

export function columnsOf({ about, files, steps }: Trace): Columns {
  const kinds = new Texts();
  const cdbs = new Texts();
  const scsi = steps.flatMap(({ deed }) => (deed.kind === "scsi" ? deed.command : []));
  return {
    about,
    files: {
      paths: files.map(({ path }) => path),
      types: files.map(({ type }) => typeLetters[type]).join(""),
      sizes: files.map(({ size }) => size),
    },
    kinds: kinds.all,
    steps: {
      kind: steps.map(({ deed }) => kinds.put(kindOf(deed))),
      back: steps.map(({ after }, index) => index - after),
      think: steps.map(({ think }) => think),
    },
    nfs: nfsColumns(steps.flatMap(({ deed }) => (deed.kind === "nfs" ? deed.call : []))),
    scsi: {
      cdb: scsi.map(({ cdb }) => cdbs.put(cdb)),
      bytes: scsi.map(({ bytes }) => bytes),
      way: scsi.map(({ way }) => wayLetters[way]).join(""),
    },
    cdbs: cdbs.all,
    spoken: steps.flatMap(({ deed }) => spokenOf(deed) ?? []),
  };
}

/** Each once; a text is its index. */
class Texts {
  readonly all: string[] = [];
  readonly #indexes = new Map<string, number>();

  put(text: string): number {
    const known = this.#indexes.get(text);
    if (known !== undefined) return known;
    this.#indexes.set(text, this.all.length);
    return this.all.push(text) - 1;
  }
}

function kindOf(deed: Deed): string {
  return deed.kind === "nfs" ? `nfs ${deed.call.op}` : deed.kind;
}

function nfsColumns(calls: readonly NfsCall[]): NfsArguments {
  const reads = calls.flatMap((call) => (call.op === "read" ? call : []));
  const lists = calls.flatMap((call) =>
    call.op === "readdir" || call.op === "readdirplus" ? call : [],
  );
  return {
    file: calls.map(({ file }) => file),
    access: calls.flatMap((call) => (call.op === "access" ? call.access : [])),
    offset: reads.map(({ offset }) => offset),
    count: reads.map(({ count }) => count),
    continues: lists.map(({ continues }) => (continues ? 1 : 0)),
    dircount: lists.map(({ dircount }) => dircount),
    maxcount: lists.map(({ maxcount }) => maxcount),
  };
}

function spokenOf(deed: Deed): Spoken | undefined {
  switch (deed.kind) {
    case "dhcp":
      return { ...deed, discover: [...deed.discover], request: [...deed.request] };
    case "tftp":
    case "http":
      return { ...deed, options: deed.options.map(([name, value]) => [name, value]) };
    case "portmap":
      return deed;
    default:
      return undefined;
  }
}

/** Malformed: the columns do not fit together. */
export function traceOfColumns(columns: Columns): Trace | Malformed {
  const { about, files, kinds, steps } = columns;
  const isAligned =
    files.paths.length === files.types.length &&
    files.paths.length === files.sizes.length &&
    steps.kind.length === steps.back.length &&
    steps.kind.length === steps.think.length;
  if (!isAligned) return malformed("columns of different lengths");
  const deeds = new Deeds(columns);
  const made: Step[] = [];
  for (const [index, kind] of steps.kind.entries()) {
    const deed = deeds.next(kinds[kind] ?? "");
    const after = index - (steps.back[index] ?? 0);
    if (deed === undefined) return malformed(`step ${index} lacks a column`);
    if (after < -1 || after >= index) return malformed(`step ${index} waits for no step before it`);
    made.push({ after, think: steps.think[index] ?? 0, deed });
  }
  if (!deeds.isRead()) return malformed("columns of different lengths");
  const traceFiles = files.paths.map((path, index) => ({
    path,
    type: typeOf.get(files.types[index] ?? "") ?? "other",
    size: files.sizes[index] ?? 0,
  }));
  return { about, files: traceFiles, steps: made };
}

/** Takes the columns' values in turn. Of a column that has no more, undefined. */
class Deeds {
  readonly #columns: Columns;
  readonly #nfs: { readonly [name in keyof NfsArguments]: Cursor<number> };
  readonly #cdb: Cursor<number>;
  readonly #bytes: Cursor<number>;
  readonly #way: Cursor<string>;
  readonly #spoken: Cursor<Spoken>;

  constructor(columns: Columns) {
    const { nfs, scsi, spoken } = columns;
    this.#columns = columns;
    this.#nfs = {
      file: new Cursor(nfs.file),
      access: new Cursor(nfs.access),
      offset: new Cursor(nfs.offset),
      count: new Cursor(nfs.count),
      continues: new Cursor(nfs.continues),
      dircount: new Cursor(nfs.dircount),
      maxcount: new Cursor(nfs.maxcount),
    };
    this.#cdb = new Cursor(scsi.cdb);
    this.#bytes = new Cursor(scsi.bytes);
    this.#way = new Cursor([...scsi.way]);
    this.#spoken = new Cursor(spoken);
  }

  isRead(): boolean {
    const cursors = [...Object.values(this.#nfs), this.#cdb, this.#bytes, this.#way, this.#spoken];
    return cursors.every((cursor) => cursor.isRead());
  }

  next(kind: string): Deed | undefined {
    if (kind === "mount" || kind === "login" || kind === "up") return { kind };
    if (kind === "scsi") return this.#scsi();
    if (!kind.startsWith("nfs ")) {
      const spoken = this.#spoken.next();
      return spoken?.kind === kind ? spoken : undefined;
    }
    const call = this.#call(kind.slice("nfs ".length));
    return call && { kind: "nfs", call };
  }

  #scsi(): Deed | undefined {
    const cdb = this.#columns.cdbs[this.#cdb.next() ?? -1];
    const bytes = this.#bytes.next();
    const way = wayOf.get(this.#way.next() ?? "");
    if (cdb === undefined || bytes === undefined || way === undefined) return undefined;
    return { kind: "scsi", command: { cdb, bytes, way } };
  }

  #call(op: string): NfsCall | undefined {
    const file = this.#nfs.file.next();
    if (file === undefined || file >= this.#columns.files.paths.length) return undefined;
    switch (op) {
      case "null":
      case "getattr":
      case "readlink":
      case "fsinfo":
      case "fsstat":
      case "pathconf":
      case "acl-null":
      case "getacl":
      case "lookup":
        return { op, file };
      case "access": {
        const access = this.#nfs.access.next();
        return access === undefined ? undefined : { op, file, access };
      }
      case "read": {
        const [offset, count] = [this.#nfs.offset.next(), this.#nfs.count.next()];
        if (offset === undefined || count === undefined) return undefined;
        return { op, file, offset, count };
      }
      case "readdir":
      case "readdirplus": {
        const { continues, dircount, maxcount } = this.#nfs;
        const sizes = { dircount: dircount.next() ?? -1, maxcount: maxcount.next() ?? -1 };
        if (sizes.dircount < 0 || sizes.maxcount < 0) return undefined;
        return { op, file, continues: continues.next() === 1, ...sizes };
      }
      default:
        return undefined;
    }
  }
}

class Cursor<T> {
  readonly #values: readonly T[];
  #at = 0;

  constructor(values: readonly T[]) {
    this.#values = values;
  }

  next(): T | undefined {
    this.#at += 1;
    return this.#values[this.#at - 1];
  }

  /** All of them, and no more. */
  isRead(): boolean {
    return this.#at === this.#values.length;
  }
}
