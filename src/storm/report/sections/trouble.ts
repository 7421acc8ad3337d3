import { REPORT_TIMES_MAX } from "../../../limits.ts";
import type { StormResult } from "../../result.ts";
import { bytesText, countText, secondsText } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { protocolsOf } from "../series.ts";
import { section, table } from "./parts.ts";

/** What went wrong, what was done on purpose, and what was checked. */
export function troubleSection(result: StormResult): Markup {
  const { verified, incidents } = result;
  const failures = failuresOf(result);
  const complaints = protocolsOf(result).flatMap((name) =>
    Object.entries(result.protocols[name]?.complaints ?? {}).map(([reason, count]) => [
      name,
      reason,
      countText(count),
    ]),
  );
  return section(
    failures.length + complaints.length + verified.differences === 0
      ? "Nothing went wrong"
      : "What went wrong",
    incidents.length === 0
      ? undefined
      : html`<h3>What was done meanwhile</h3><ol>${incidents.map(({ at, what }) => html`<li>${secondsText(at)}: ${what}</li>`)}</ol>`,
    failures.length === 0
      ? undefined
      : table({
          caption: "Nodes that did not come up",
          head: ["nodes", "why", "for example"],
          rows: failures.map(({ why, names }) => [countText(names.length), why, names[0] ?? ""]),
          words: [1, 2],
        }),
    complaints.length === 0
      ? undefined
      : table({
          caption: "Answers that were not as they must be",
          head: ["protocol", "what", "times"],
          rows: complaints,
          words: [1],
        }),
    html`<p>${bytesText(verified.bytes)} of what was received were compared with what others received or what is served: ${
      verified.differences === 0
        ? "all was the same"
        : `${countText(verified.differences)} differed`
    }.</p>`,
    verified.examples.length === 0
      ? undefined
      : html`<ul class="plain">${verified.examples.map((example) => html`<li>${example}</li>`)}</ul>`,
  );
}

export function failuresOf({ nodes }: StormResult): { why: string; names: string[] }[] {
  const failures = new Map<string, string[]>();
  for (const { failure, name } of nodes) {
    if (failure !== undefined) failures.set(failure, [...(failures.get(failure) ?? []), name]);
  }
  return [...failures]
    .map(([why, names]) => ({ why, names }))
    .toSorted((a, b) => b.names.length - a.names.length)
    .slice(0, REPORT_TIMES_MAX);
}
