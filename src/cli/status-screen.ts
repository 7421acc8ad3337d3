import { isBoot, stages } from "../watch/timeline.ts";
import { printable } from "./printable.ts";
import type { StatusNode } from "./status-answer.ts";

/** What moves in a second; and what was refused in all. */
export interface Rates {
  readonly bytes: number;
  readonly calls: number;
  readonly refused: number;
}

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly rates: Rates;
  /** Instead of rates: what is wrong with the connection. */
  readonly note: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Bars are drawn with the first letters of the stages, so that they need no colours. */
const NAME_COLUMNS = 17;
const STAGE_COLUMNS = 7;
const TIMES_COLUMNS = 18;
const BAR_COLUMNS_MIN = 10;

/** All nodes as far as they fit, those that need a look first; each line as wide as the terminal at most. */
export function renderWatch(nodes: readonly StatusNode[], screen: Screen): string {
  const { columns, rows, note } = screen;
  const sorted = nodes
    .filter(({ stage, known }) => stage !== "heard" || known)
    .toSorted((a, b) => urgency(a) - urgency(b) || (b.beganAt ?? 0) - (a.beganAt ?? 0));
  const head = [headline(sorted, screen), stageLine(sorted), ""];
  const fit = Math.max(0, rows - head.length - 2);
  const left = sorted.length - fit;
  const longest = Math.max(1, ...sorted.slice(0, fit).map((node) => spanOf(node, screen.now)));
  const lines = sorted.slice(0, fit).map((node) => lineOf(node, longest, screen));
  const end = left > 0 ? [`… and ${left} more`] : [];
  return [...head, ...lines, ...end, note]
    .map((line) => `${line.slice(0, columns - 1)}\x1b[K\n`)
    .join("")
    .slice(0, -1);
}

function headline(nodes: readonly StatusNode[], { rates, now }: Screen): string {
  const count = (is: (node: StatusNode) => boolean): number => nodes.filter(is).length;
  const up = count(({ stage }) => stage === "up");
  const stuck = count(isStuck);
  const slower = count((node) => node.slower === true);
  const parts = [
    new Date(now).toISOString().slice(11, 19),
    `${up} of ${nodes.length} up`,
    stuck > 0 ? `${stuck} stand still` : "",
    slower > 0 ? `${slower} slower than usual` : "",
    `${(rates.bytes / 1e6).toFixed(1)} MB/s, ${Math.round(rates.calls)} calls/s`,
    rates.refused > 0 ? `${rates.refused} refused` : "",
  ];
  return parts.filter((part) => part !== "").join("   ");
}

function stageLine(nodes: readonly StatusNode[]): string {
  return stages
    .map((stage) => `${stage} ${nodes.filter((node) => node.stage === stage).length}`)
    .join("  ");
}

/** `n1                kernel  ddllkkkk····|   12.3 s of 41.0` */
function lineOf(node: StatusNode, longest: number, { columns, now }: Screen): string {
  const name = printable(node.name ?? node.mac).slice(0, NAME_COLUMNS);
  const room = columns - 1 - NAME_COLUMNS - STAGE_COLUMNS - TIMES_COLUMNS - 4;
  const bar = barOf(node, longest, Math.max(BAR_COLUMNS_MIN, room), now);
  const usual = node.usual === undefined ? "" : ` of ${node.usual.median.toFixed(1)}`;
  const times = `${spanOf(node, now).toFixed(1)} s${usual}${node.slower === true ? " !" : ""}`;
  const line = `${name.padEnd(NAME_COLUMNS)} ${node.stage.padEnd(STAGE_COLUMNS)} ${bar} ${times.padStart(TIMES_COLUMNS)}`;
  return isStuck(node) ? `${line}  ${node.cause ?? ""}` : line;
}

/** Each stage from when it was reached until the next was; `|` where the node usually is up. */
function barOf(node: StatusNode, longest: number, width: number, now: number): string {
  const placeOf = (at: number): number => Math.min(width, Math.round((at / longest) * width));
  const cells = Array.from({ length: width }, () => " ");
  const reached = stages.flatMap((stage) => {
    const at = node.seconds[stage];
    return at === undefined ? [] : [{ stage, at }];
  });
  for (const [index, { stage, at }] of reached.entries()) {
    if (stage === "up") break;
    const end = reached[index + 1]?.at ?? spanOf(node, now);
    cells.fill(stage.charAt(0), placeOf(at), placeOf(end));
  }
  if (node.usual !== undefined && node.usual.median <= longest) {
    cells[Math.min(width - 1, placeOf(node.usual.median))] = "|";
  }
  return cells.join("");
}

/** Strangers that we do not answer stand still for good reason. */
export function isStuck({ condition, stage, known }: StatusNode): boolean {
  return condition === "stuck" && (stage !== "heard" || known);
}

/** Who stands still comes first, then who is on its way, then who is up. */
function urgency(node: StatusNode): number {
  const { stage, slower } = node;
  if (isStuck(node)) return 0;
  if (stage === "up") return slower === true ? 2 : 3;
  return 1;
}

/** Seconds that the boot took; of one that is under way, until now, or until the node was heard last where it stands still. */
function spanOf(node: StatusNode, now: number): number {
  if (!isBoot(node)) return 0;
  const { seconds, stage, beganAt, heardAt } = node;
  const up = seconds["up"];
  if (stage === "up" && up !== undefined) return up;
  const end = isStuck(node) ? (heardAt ?? now) : now;
  return Math.max(0, ...Object.values(seconds), (end - (beganAt ?? end)) / 1000);
}
