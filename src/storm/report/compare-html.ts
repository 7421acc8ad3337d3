import type { StormResult } from "../result.ts";
import { type ComparedRow, compareResults } from "./compare.ts";
import { verdictOf } from "./figures.ts";
import { page, timeOf } from "./html.ts";
import { html, type Markup } from "./markup.ts";
import { networkText } from "./sections/head.ts";
import { drawCrowd } from "./sections/nodes.ts";
import { section, table } from "./sections/parts.ts";
import { throughput } from "./sections/time.ts";

/** Two storms on one page: their numbers, and their charts over the same time. */
export function renderComparisonHtml(first: StormResult, second: StormResult): string {
  const { rows, unlike } = compareResults(first, second);
  const xMax = Math.max(timeOf(first), timeOf(second));
  return page(
    `${first.title} and ${second.title}`,
    html`<header><h1>Two storms side by side</h1>
<div class="pair">${[first, second].map(
      (result, index) => html`<div><h3>${index + 1}: ${result.title}</h3>
<p class="soft">${result.begunAt.slice(0, 16).replace("T", " ")} UTC · ${networkText(result)}</p><p>${verdictOf(result)}</p></div>`,
    )}</div></header>
${section("Their numbers", numberTable(rows))}
${unlike.length === 0 ? undefined : section("What was not alike", html`<ul class="plain">${unlike.map((text) => html`<li>${text}</li>`)}</ul>`)}
${section(
  "How many nodes were how far",
  pair(first, second, (result, id) => drawCrowd(result, xMax, `crowd-${id}`)),
)}
${section(
  "Payload received, bits a second",
  pair(first, second, (result, id) =>
    throughput(result, { height: 200, xMax, incidents: result.incidents }, `throughput-${id}`),
  ),
)}`,
  );
}

function numberTable(rows: readonly ComparedRow[]): Markup {
  const mark = ({ verdict }: ComparedRow): Markup | string =>
    verdict === "same"
      ? ""
      : html`<span class="${verdict === "better" ? "well-text" : "bad-text"}">${verdict}</span>`;
  return table({
    caption: "What the first took, what the second did, and how that changed",
    head: ["what", "1", "2", "change", "is"],
    rows: rows.map((row) => [row.name, row.first, row.second, row.change, mark(row)]),
    words: [4],
  });
}

function pair(
  first: StormResult,
  second: StormResult,
  draw: (result: StormResult, id: number) => Markup,
): Markup {
  return html`<div class="pair">${[first, second].map(
    (result, index) =>
      html`<div><h3>${index + 1}: ${result.title}</h3>${draw(result, index + 1)}</div>`,
  )}</div>`;
}
