import { html, type Markup } from "../markup.ts";

/**
 * A chart that is as wide as its page: x is in percent, y in pixels, so that text and lines stay as they are on a phone.
 * Lines are drawn in a box of their own that is stretched (`stretched`), with strokes that are not.
 */

export interface Frame {
  readonly id: string;
  readonly title: string;
  /** What it shows, for who cannot see it. */
  readonly description: string;
  readonly height: number;
  readonly xMax: number;
  /** Undefined: rows, not an axis. */
  readonly y: Axis | undefined;
  readonly incidents: readonly { readonly at: number; readonly what: string }[];
}

export interface Axis {
  readonly max: number;
  readonly text: (value: number) => string;
  /** Steps of a scale that counts in 1,024s or whole things are not those of a decimal one. */
  readonly isWhole?: boolean;
}

/** Width of the stretched box. */
export const WIDE = 1000;

export function drawFrame(frame: Frame, content: Markup): Markup {
  const { id, height, xMax } = frame;
  const y = frame.y;
  return html`<svg class="plot" role="img" aria-labelledby="${id}-t ${id}-d" height="${height + 24}" width="100%">
<title id="${id}-t">${frame.title}</title><desc id="${id}-d">${frame.description}</desc>
${y === undefined ? undefined : horizontals(y, height)}
${ticksOf(xMax, 5).map((tick) => xTick(tick, xMax, height))}
${content}
${frame.incidents.map((incident, index) => marked(incident, index, xMax, height))}
<line class="axis" x1="0" x2="100%" y1="${height}" y2="${height}"/>
</svg>
`;
}

/** A box of WIDE × height units that fills the plot, whatever its width. */
export function stretched(height: number, content: Markup): Markup {
  return html`<svg viewBox="0 0 ${WIDE} ${height}" width="100%" height="${height}" preserveAspectRatio="none">${content}</svg>`;
}

function horizontals(y: Axis, height: number): Markup[] {
  return ticksOf(y.max, 4, y.isWhole)
    .filter((tick) => tick <= y.max)
    .map((tick) => {
      const at = rounded(height - (tick / y.max) * height);
      return html`<line class="grid" x1="0" x2="100%" y1="${at}" y2="${at}"/><text class="tick" x="-6" y="${at + 4}" text-anchor="end">${y.text(tick)}</text>`;
    });
}

function xTick(tick: number, xMax: number, height: number): Markup {
  const at = percent(tick, xMax);
  const anchor = tick === 0 ? "start" : tick / xMax > 0.97 ? "end" : "middle";
  return html`<line class="grid" x1="${at}" x2="${at}" y1="0" y2="${height}"/><text class="tick" x="${at}" y="${height + 17}" text-anchor="${anchor}">${timeTick(tick)}</text>`;
}

function timeTick(seconds: number): string {
  return `${Number(seconds.toFixed(3))} s`;
}

/** Numbered, as the list of incidents is. */
function marked(
  incident: Frame["incidents"][number],
  index: number,
  xMax: number,
  height: number,
): Markup {
  const at = percent(Math.min(incident.at, xMax), xMax);
  return html`<g class="incident"><title>${incident.what}</title><line x1="${at}" x2="${at}" y1="0" y2="${height}"/><circle cx="${at}" cy="0" r="8"/><text x="${at}" y="4" text-anchor="middle">${index + 1}</text></g>`;
}

/** Round numbers from 0 to at most the maximum: some four or five of them. */
export function ticksOf(max: number, about: number, isWhole = false): number[] {
  if (!(max > 0)) return [0];
  const raw = max / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10);
  const least = isWhole ? Math.max(1, step) : step;
  return Array.from({ length: Math.floor(max / least + 1e-9) + 1 }, (_, index) =>
    Number((index * least).toPrecision(12)),
  );
}

/** A little above what is shown, so that nothing touches the edge. */
export function headroom(values: readonly number[]): number {
  return Math.max(...values.filter(Number.isFinite), 0) * 1.08 || 1;
}

export function percent(value: number, max: number): string {
  return `${rounded((value / max) * 100)}%`;
}

export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

export function legend(
  entries: readonly { readonly name: string; readonly hue: string }[],
): Markup {
  return html`<ul class="legend">${entries.map(({ name, hue }) => html`<li><i class="${hue}"></i>${name}</li>`)}</ul>`;
}
