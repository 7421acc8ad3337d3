import type { StormResult } from "../../result.ts";
import { bytesText, countText } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { networkText } from "./head.ts";
import { section, table } from "./parts.ts";

/** What somebody needs to know who wants the same again. */
export function aboutSection(result: StormResult): Markup {
  const { options, machine, files } = result;
  const rows: [string, string][] = [
    ["nodes", countText(options.nodes)],
    ["trace", options.trace],
    ["arrival", options.arrival],
    ["nodes’ own times", `× ${options.think}`],
    ["seed", String(options.seed)],
    ["load workers", countText(options.workers)],
    ["network", networkText(result)],
    ...Object.entries(options.servers).map(([name, where]): [string, string] => [
      `server: ${name}`,
      where,
    ]),
    ["machine", `${machine.processor}, ${machine.cpus} processors, ${bytesText(machine.memory)}`],
    ["versions", `sidus ${machine.sidus}, Node ${machine.node}, ${machine.kernel}`],
  ];
  return section(
    "How it was done",
    table({
      caption: "Options and machine",
      head: ["what", "was"],
      rows,
      words: [1],
    }),
    html`<p>Of the files that the trace reads, ${countText(files.asRecorded)} are served under the same name, ${countText(files.renamed)} under that of another version, and for ${countText(files.replaced)} another of about that size was read.</p>`,
    files.examples.length === 0
      ? undefined
      : html`<ul class="plain">${files.examples.map((example) => html`<li>${example}</li>`)}</ul>`,
  );
}
