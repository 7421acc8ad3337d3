import type { StormResult } from "../result.ts";
import { html, type Markup } from "./markup.ts";
import type { Projection } from "./project.ts";
import { partsText, projectionText } from "./projection/text.ts";
import { aboutSection } from "./sections/about.ts";
import { headSection } from "./sections/head.ts";
import { crowdSection, percentileSection, waterfallSection } from "./sections/nodes.ts";
import { section } from "./sections/parts.ts";
import { protocolSection } from "./sections/protocols.ts";
import { machineSection, trafficSection } from "./sections/time.ts";
import { troubleSection } from "./sections/trouble.ts";
import { style } from "./style.ts";

/** One file, and all that it shows: it opens where there is no network, and in years. */
export function renderHtml(result: StormResult, projections: readonly Projection[] = []): string {
  const xMax = timeOf(result);
  return page(
    result.title,
    html`${headSection(result)}
${waterfallSection(result, xMax)}
${percentileSection(result)}
${crowdSection(result, xMax)}
${trafficSection(result, xMax)}
${machineSection(result, xMax)}
${protocolSection(result)}
${projections.length === 0 ? undefined : projectionSection(projections)}
${troubleSection(result)}
${aboutSection(result)}`,
  );
}

function projectionSection(projections: readonly Projection[]): Markup {
  return section(
    "Beyond this machine",
    html`<p class="soft">Not measured: a node’s boot is taken apart into pieces, each with the bytes, processor seconds and own time that this run says it takes, and nodes are simulated that go through them and share a link and servers. What is given and taken is how far that was off on this run itself and on parts of it.</p>`,
    html`${projections.map(
      (projection) => html`<p><strong>${projectionText(projection)}.</strong></p>
<ul class="plain"><li>${partsText(projection)}</li>${projection.assumptions.map((text) => html`<li>${text}</li>`)}</ul>`,
    )}`,
  );
}

/** Of every chart over time: the same, so that one can look from one to the other. */
export function timeOf({ seconds, series, nodes }: StormResult): number {
  const ends = nodes.flatMap(({ reached, startedAt }) => [startedAt, ...Object.values(reached)]);
  const last = ends.reduce((latest, end) => Math.max(latest, end), 0);
  return Math.max(seconds, series.at(-1)?.at ?? 0, last, 1e-3);
}

export function page(title: string, content: Markup): string {
  // Nothing is loaded, and no script runs, whatever a name in it may say.
  const policy = "default-src 'none'; style-src 'unsafe-inline'";
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<style>${{ markup: style }}</style></head>
<body><main>
${content}
<footer>Made by <code>sidus storm</code>.</footer>
</main></body></html>
`.markup;
}
