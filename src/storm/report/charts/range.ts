import type { Percentiles } from "../../result.ts";
import { secondsText } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { drawFrame, headroom, percent } from "./frame.ts";

export interface RangeRow {
  readonly name: string;
  readonly hue: string;
  readonly percentiles: Percentiles;
}

const ROW = 34;

/** One line each: from the median to the maximum, with p95 and p99 between. */
export function drawRanges(
  rows: readonly RangeRow[],
  { id, title }: { id: string; title: string },
): Markup {
  const xMax = headroom(rows.map(({ percentiles }) => percentiles.max));
  const drawn = rows.map(({ name, hue, percentiles }, index) => {
    const { p50, p95, p99, max } = percentiles;
    const y = index * ROW + 22;
    return html`<g class="${hue}"><title>${name}: p50 ${secondsText(p50)}, p95 ${secondsText(p95)}, p99 ${secondsText(p99)}, max ${secondsText(max)}</title>
<text class="label" x="0" y="${y - 9}">${name}</text>
<rect x="${percent(p50, xMax)}" width="${percent(p95 - p50, xMax)}" y="${y - 4}" height="8"/>
<line class="whisker" x1="${percent(p95, xMax)}" x2="${percent(max, xMax)}" y1="${y}" y2="${y}"/>
<line class="whisker" x1="${percent(p99, xMax)}" x2="${percent(p99, xMax)}" y1="${y - 4}" y2="${y + 4}"/>
<circle class="dot" cx="${percent(p50, xMax)}" cy="${y}" r="5"/></g>`;
  });
  return drawFrame(
    {
      id,
      title,
      description:
        "A circle at the median, a bar to the 95th percentile, a line to the slowest; a stroke at the 99th.",
      height: rows.length * ROW + 4,
      xMax,
      y: undefined,
      incidents: [],
    },
    html`${drawn}`,
  );
}
