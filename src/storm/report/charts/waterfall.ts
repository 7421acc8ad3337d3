import { WATERFALL_LATE_MAX, WATERFALL_ROWS_MAX } from "../../../limits.ts";
import { type NodeResult, type StormResult, type StormStage, stormStages } from "../../result.ts";
import { countText, secondsText } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { quantile } from "../series.ts";
import { drawFrame, percent } from "./frame.ts";

type Place = StormStage | "started";

/** One line of the waterfall: a node, or the median of several that ended one after another. */
interface Row {
  readonly text: string;
  readonly startedAt: number;
  readonly reached: NodeResult["reached"];
  readonly failure: string | undefined;
}

/** Each node from its start to its end, by the stages that it reached. Where there are too many to tell apart, groups. */
export function drawWaterfall(result: StormResult, xMax: number): Markup {
  const { nodes } = result;
  if (nodes.length <= WATERFALL_ROWS_MAX) {
    const rows = nodes.toSorted(byStart).map(rowOf);
    return drawRows(result, rows, xMax, {
      id: "waterfall",
      title: `${countText(nodes.length)} nodes, one line each`,
    });
  }
  const ordered = nodes.toSorted((a, b) => endOf(a, xMax) - endOf(b, xMax));
  const size = Math.ceil(nodes.length / WATERFALL_ROWS_MAX);
  const groups = Array.from({ length: Math.ceil(nodes.length / size) }, (_, index) =>
    groupRow(ordered.slice(index * size, (index + 1) * size)),
  );
  const late = ordered.slice(-WATERFALL_LATE_MAX);
  return html`${drawRows(result, groups, xMax, {
    id: "waterfall",
    title: `${countText(nodes.length)} nodes in the order of their ends, each line the median of ${size}`,
  })}<h3>The ${WATERFALL_LATE_MAX} that ended last, failed ones behind</h3>
${drawRows(result, late.map(rowOf), xMax, {
  id: "late",
  title: `The ${WATERFALL_LATE_MAX} nodes that ended last, one line each`,
})}`;
}

/** Failed ones last, and those that got furthest before the others. */
function endOf(node: NodeResult, xMax: number): number {
  if (node.failure !== undefined) return 2 * xMax + 1;
  return node.reached.up ?? 2 * xMax;
}

function byStart(a: NodeResult, b: NodeResult): number {
  return a.startedAt - b.startedAt || a.name.localeCompare(b.name, "en", { numeric: true });
}

function rowOf(node: NodeResult): Row {
  const { name, startedAt, reached, failure } = node;
  const stages = stormStages.flatMap((stage) => {
    const at = reached[stage];
    return at === undefined ? [] : [`${stage} ${secondsText(at - startedAt)}`];
  });
  const end = failure === undefined ? [] : [`failed: ${failure}`];
  return { text: `${name}: ${[...stages, ...end].join(", ")}`, startedAt, reached, failure };
}

function groupRow(nodes: readonly NodeResult[]): Row {
  const medianOf = (values: readonly (number | undefined)[]): number | undefined => {
    const known = values.filter((value) => value !== undefined);
    return known.length * 2 > values.length ? quantile(known, 0.5) : undefined;
  };
  const reached = Object.fromEntries(
    stormStages.flatMap((stage) => {
      const at = medianOf(nodes.map((node) => node.reached[stage]));
      return at === undefined ? [] : [[stage, at]];
    }),
  );
  const failed = nodes.filter(({ failure }) => failure !== undefined).length;
  const up = reached["up"];
  return {
    text: `${nodes.length} nodes: ${up === undefined ? "not up" : `up at ${secondsText(up)}`}${failed > 0 ? `, ${failed} failed` : ""}`,
    startedAt: quantile(
      nodes.map(({ startedAt }) => startedAt),
      0.5,
    ),
    reached,
    failure: failed * 2 > nodes.length ? `${failed} failed` : undefined,
  };
}

function drawRows(
  result: StormResult,
  rows: readonly Row[],
  xMax: number,
  { id, title }: { readonly id: string; readonly title: string },
): Markup {
  const pitch = rows.length <= 30 ? 16 : rows.length <= 60 ? 10 : rows.length <= 120 ? 7 : 3;
  const thick = pitch > 3 ? pitch - 2 : pitch;
  const drawn = rows.map((row, index) => {
    const y = index * pitch + 1;
    return html`<g><title>${row.text}</title>${segments(row, xMax).map(
      ({ from, to, hue }) =>
        html`<rect class="${hue}" x="${percent(from, xMax)}" width="${percent(Math.max(0, to - from), xMax)}" y="${y}" height="${thick}"/>`,
    )}${endMark(row, xMax, y, thick)}</g>`;
  });
  return drawFrame(
    {
      id,
      title,
      description:
        "A bar from each node's start until it was up, in the colours of the stages that it had reached.",
      height: rows.length * pitch + 4,
      xMax,
      y: undefined,
      incidents: result.incidents,
    },
    html`<g class="thin">${drawn}</g>`,
  );
}

/** From its start, then from each stage that was reached to the next; `hue` is where it was meanwhile. */
function segments(
  { startedAt, reached }: Row,
  xMax: number,
): { from: number; to: number; hue: Place | "unfinished" }[] {
  let from = startedAt;
  let hue: Place = "started";
  const done = stormStages.flatMap((stage) => {
    const to = reached[stage];
    if (to === undefined || to < from) return [];
    const segment = { from, to, hue };
    from = to;
    hue = stage;
    return [segment];
  });
  return reached.up === undefined ? [...done, { from, to: xMax, hue: "unfinished" }] : done;
}

/** Up, or failed. */
function endMark(
  { startedAt, reached, failure }: Row,
  xMax: number,
  y: number,
  thick: number,
): Markup | undefined {
  if (failure === undefined && reached.up === undefined) return undefined;
  const last = Math.min(xMax, Math.max(startedAt, ...Object.values(reached)));
  const hue = failure === undefined ? "up" : "failed";
  return html`<rect class="${hue}" x="${percent(last, xMax)}" width="4" y="${y}" height="${thick}"/>`;
}
