import { boundBy } from "../../src/storm/report/bound.ts";
import type { StormResult } from "../../src/storm/result.ts";
import { median, renderTable } from "../table.ts";

/** What storms against several servers found, beside each other. */

/** How many times sooner all nodes are to be up than with others' servers. */
const WANTED = 3;

interface Figure {
  readonly title: string;
  readonly digits: number;
  readonly of: (result: StormResult) => number;
  /** Of its rounds. */
  readonly over?: (rounds: readonly number[]) => number;
}

const most = (rounds: readonly number[]): number => Math.max(...rounds);

const figures: readonly Figure[] = [
  { title: "all up, s", digits: 2, of: ({ seconds }) => seconds },
  { title: "half have their root, s", digits: 2, of: ({ stages }) => stages.root?.p50 ?? NaN },
  { title: "server CPU a node, ms", digits: 1, of: (result) => cpu(result, result.server) },
  { title: "load CPU a node, ms", digits: 1, of: (result) => cpu(result, result.load) },
  {
    title: "received a node, MB",
    digits: 1,
    of: (result) => received(result) / result.nodes.length / 1e6,
  },
  { title: "nodes not up", digits: 0, of: ({ failed }) => failed, over: most },
  { title: "differences", digits: 0, of: ({ verified }) => verified.differences, over: most },
];

/** `found`: by servers, ours first. Of each figure the median of its rounds; of what is wrong the most. */
export function renderStorms(
  title: string,
  found: ReadonlyMap<string, readonly StormResult[]>,
): string {
  const columns = [...found.values()];
  const rows = figures.map((figure) => rowOf(figure, columns));
  const ratios = columns.slice(1).map(() => "peers:sidus");
  const bounds = columns.map((rounds) => [...new Set(rounds.map((one) => boundBy(one).by))].join());
  const table = renderTable([
    [title, ...found.keys(), ...ratios],
    ...rows,
    ["bound by", ...bounds, ...ratios.map(() => "")],
  ]);
  return columns.length > 1 ? `${table}wanted: ${WANTED} x as soon\n` : table;
}

function rowOf(
  { title, digits, of, over = median }: Figure,
  columns: readonly (readonly StormResult[])[],
): string[] {
  const [ours = Number.NaN, ...theirs] = columns.map((rounds) => over(rounds.map(of)));
  const ratios = theirs.map((value) => (ours > 0 ? `${(value / ours).toFixed(2)} x` : ""));
  return [title, ...[ours, ...theirs].map((value) => value.toFixed(digits)), ...ratios];
}

function cpu({ up }: StormResult, { cpuSeconds }: { cpuSeconds: number } = { cpuSeconds: NaN }) {
  return (cpuSeconds * 1000) / up;
}

/** Bytes of all nodes. */
export function received({ nodes }: Pick<StormResult, "nodes">): number {
  const all = nodes.flatMap((node) => Object.values(node.received));
  return all.reduce((sum, bytes) => sum + bytes, 0);
}
