import { html, type Markup } from "../markup.ts";
import { drawFrame, type Frame, percent, rounded, stretched, WIDE } from "./frame.ts";

/** Something whose share changes with time; its values are one a point. */
export interface Layer {
  readonly name: string;
  /** A class of the style sheet. */
  readonly hue: string;
  readonly values: readonly number[];
}

export interface AreaChart extends Frame {
  readonly y: NonNullable<Frame["y"]>;
  /** Each point's own span of time, one after another. */
  readonly spans: readonly { readonly at: number; readonly seconds: number }[];
  /** From the bottom up. */
  readonly layers: readonly Layer[];
  /** What cannot be exceeded. */
  readonly limit: { readonly value: number; readonly text: string } | undefined;
}

/** Layers upon each other, in steps: a sample is what came in its span, not at its end. */
export function drawAreas(chart: AreaChart): Markup {
  const { spans, height } = chart;
  let below = spans.map(() => 0);
  const paths = chart.layers.map((layer) => {
    const above = below.map((value, index) => value + (layer.values[index] ?? 0));
    const path = html`<path class="area ${layer.hue}" d="${outline(chart, below, above)}"/>`;
    below = above;
    return path;
  });
  return drawFrame(
    chart,
    html`${stretched(height, html`${paths}`)}${chart.limit === undefined ? undefined : limitLine(chart, chart.limit)}`,
  );
}

function outline(
  { spans, xMax, y, height }: AreaChart,
  below: readonly number[],
  above: readonly number[],
): string {
  const corners = (values: readonly number[]): string[] =>
    spans.map(({ at, seconds }, index) => {
      const level = rounded(height - ((values[index] ?? 0) / y.max) * height);
      const from = rounded(((at - seconds) / xMax) * WIDE);
      return `${from},${level} ${rounded((at / xMax) * WIDE)},${level}`;
    });
  return `M${[...corners(above), ...corners(below).toReversed().map(turned)].join(" ")}Z`;
}

/** The way back goes from the end of each span to its beginning. */
function turned(corner: string): string {
  return corner.split(" ").toReversed().join(" ");
}

export interface LineChart extends Frame {
  readonly y: NonNullable<Frame["y"]>;
  readonly points: readonly number[];
  /** NaN where nothing is known. */
  readonly lines: readonly Layer[];
  readonly limit: AreaChart["limit"];
}

export function drawLines(chart: LineChart): Markup {
  const { points, xMax, y, height } = chart;
  const lines = chart.lines.map(({ hue, values }) => {
    const corners = points.flatMap((at, index) => {
      const value = values[index] ?? Number.NaN;
      if (Number.isNaN(value)) return [];
      return [`${rounded((at / xMax) * WIDE)},${rounded(height - (value / y.max) * height)}`];
    });
    return html`<polyline class="line ${hue}" points="${corners.join(" ")}"/>`;
  });
  return drawFrame(
    chart,
    html`${stretched(height, html`${lines}`)}${chart.limit === undefined ? undefined : limitLine(chart, chart.limit)}`,
  );
}

function limitLine(
  { y, height }: AreaChart | LineChart,
  { value, text }: { readonly value: number; readonly text: string },
): Markup {
  const at = rounded(height - (value / y.max) * height);
  return html`<g class="limit"><line x1="0" x2="100%" y1="${at}" y2="${at}"/><text x="${percent(99.5, 100)}" y="${at - 5}" text-anchor="end">${text}</text></g>`;
}
