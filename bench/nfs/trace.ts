import { lstatSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The NFS calls of one real boot, from fixtures/traces: what a node asked, and what it was answered. */

export const traceNames = ["a-bios-tmpfs", "b1-bios-iscsi", "e1-nocto-noacl", "k-fast"] as const;
export type TraceName = (typeof traceNames)[number];

/** RFC 1813 procedure numbers of what nodes call. */
const procedures = {
  NULL: 0,
  GETATTR: 1,
  LOOKUP: 3,
  ACCESS: 4,
  READLINK: 5,
  READ: 6,
  READDIRPLUS: 17,
  FSSTAT: 18,
  FSINFO: 19,
} as const;
type Procedure = keyof typeof procedures;

export interface TraceCall {
  readonly procedure: Procedure;
  /** From the export's root, "/". */
  readonly path: string;
  /** LOOKUP: the name in `path`. */
  readonly name: string;
  readonly offset: number;
  /** READ: bytes asked for. */
  readonly count: number;
  /** READ: bytes answered. */
  readonly got: number;
  /** READ, READDIRPLUS. */
  readonly eof: boolean;
  /** nfsstat3. */
  readonly status: number;
  readonly replyBytes: number;
  /** How many calls the node had under way when it sent this one, itself included. */
  readonly outstanding: number;
}

export function readTrace(name: TraceName): TraceCall[] {
  const file = new URL(`../../fixtures/traces/${name}.nfs.tsv`, import.meta.url);
  return parseTrace(readFileSync(fileURLToPath(file), "utf8"));
}

const COLUMNS = "t prog op uid path name off cnt got eof st reply_bytes lat_us".split(" ");

/** Only program 100003: a node mounts once, and asks nothing more of NFSACL once it is PROG_UNAVAIL. */
function parseTrace(text: string): TraceCall[] {
  const [head, ...lines] = text.trimEnd().split("\n");
  if (head !== COLUMNS.join("\t")) throw new Error(`not a trace: ${head}`);
  let ends: number[] = [];
  return lines.flatMap((line) => {
    const fields = line.split("\t");
    if (fields.length !== COLUMNS.length) throw new Error(`not a call: ${line}`);
    const field = (column: string): string => fields[COLUMNS.indexOf(column)] ?? "";
    if (field("prog") !== "nfs") return [];
    const sent = Number(field("t"));
    ends = [...ends.filter((end) => end > sent), sent + Number(field("lat_us")) / 1e6];
    return {
      procedure: procedureOf(field("op")),
      path: field("path") || "/",
      name: field("name"),
      offset: Number(field("off")),
      count: Number(field("cnt")),
      got: Number(field("got")),
      eof: field("eof") === "1",
      status: Number(field("st")),
      replyBytes: Number(field("reply_bytes")),
      outstanding: ends.length,
    };
  });
}

function procedureOf(op: string): Procedure {
  if (op in procedures) return op as Procedure;
  throw new Error(`${op} in a trace`);
}

/**
 * The list that trace.c replays. What is expected of each call is read from the tree itself.
 * @throws Error where the tree lacks what the trace's node was answered.
 */
export function replayList(trace: readonly TraceCall[], tree: string): string {
  const numbers = new Map([["/", 0]]);
  const nodes: string[] = [];
  const numberOf = (path: string): number => {
    const known = numbers.get(path);
    if (known !== undefined) return known;
    const parent = numberOf(dirname(path));
    nodes.push(["node", parent, path.slice(path.lastIndexOf("/") + 1)].join("\t"));
    numbers.set(path, nodes.length);
    return nodes.length;
  };
  const unfinished = new Set<string>();
  const calls = trace.map((call) => {
    const { procedure, path, status } = call;
    const about = procedure === "LOOKUP" ? join(path, call.name) : path;
    if (exists(join(tree, about)) !== (status === 0)) {
      throw new Error(`${about}: ${status === 0 ? "not" : "unexpectedly"} in the tree`);
    }
    const isPage = procedure === "READDIRPLUS";
    const offset = isPage ? Number(unfinished.has(path)) : call.offset;
    if (isPage) unfinished[call.eof ? "delete" : "add"](path);
    const length = procedure === "READ" ? expectedBytes(join(tree, path), call) : 0;
    const child = procedure === "LOOKUP" && status === 0 ? numberOf(about) : -1;
    const number = procedures[procedure];
    const fields = [call.outstanding, number, numberOf(path), child, status, offset];
    return ["call", ...fields, call.count, length, call.name].join("\t");
  });
  return `${[...nodes, ...calls].join("\n")}\n`;
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function expectedBytes(path: string, { offset, count }: TraceCall): number {
  return Math.max(0, Math.min(count, statSync(path).size - offset));
}
