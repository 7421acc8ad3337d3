import { html, type Markup } from "../markup.ts";

/** What sections are made of. */

export function section(title: string, ...content: readonly (Markup | undefined)[]): Markup {
  return html`<section><h2>${title}</h2>
${content}</section>
`;
}

/** `rows`: it has no axis at its left. */
export function figure(
  chart: Markup,
  key: Markup | undefined,
  table?: Markup,
  rows = false,
): Markup {
  return html`<figure><div class="plotbox${rows ? " rows" : ""}">${chart}</div>${key}${table}</figure>
`;
}

export interface Table {
  readonly caption: string;
  readonly head: readonly string[];
  /** The first cell names the row. */
  readonly rows: readonly (readonly (string | Markup)[])[];
  /** Columns of words rather than of numbers, counted from 0. */
  readonly words?: readonly number[];
}

/** Wider than a phone: it is scrolled by itself, by keys too. */
export function table({ caption, head, rows, words = [] }: Table): Markup {
  const kind = (column: number): string => (words.includes(column) ? "text" : "number");
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${head.map((cell, column) => html`<th scope="col" class="${kind(column)}">${cell}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([name, ...cells]) =>
      html`<tr><th scope="row">${name}</th>${cells.map((cell, index) => html`<td class="${kind(index + 1)}">${cell}</td>`)}</tr>
`,
  )}</tbody></table></div>`;
}

/** The numbers that a chart shows, for who wants them or cannot see it. */
export function numbers(content: Table): Markup {
  return html`<details><summary>${content.caption}</summary>${table(content)}</details>`;
}

/** At most so many of them, evenly spread, the last one always. */
export function thinned<T>(items: readonly T[], most: number): T[] {
  const each = Math.max(1, Math.ceil(items.length / most));
  return items.filter((_, index) => index === items.length - 1 || index % each === each - 1);
}
