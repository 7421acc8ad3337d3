import { REPORT_TIMES_MAX } from "../../../limits.ts";
import type { StormResult } from "../../result.ts";
import { bytesText, countText, secondsText } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { protocolsOf } from "../series.ts";
import { section, table } from "./parts.ts";

/** What went wrong, what was done on purpose, and what was checked. */
export function troubleSection(result: StormResult): Markup {
  const { verified, incidents, refused = {} } = result;
  const notReached = notReachedOf(result);
  const failures = failuresOf(result);
  const complaints = protocolsOf(result).flatMap((name) =>
    Object.entries(result.protocols[name]?.complaints ?? {}).map(([reason, count]) => [
      name,
      reason,
      countText(count),
    ]),
  );
  return section(
    failures.length + complaints.length + notReached.length + verified.differences === 0
      ? "Nothing went wrong"
      : "What went wrong",
    incidents.length === 0
      ? undefined
      : html`<h3>What was done meanwhile</h3><ol>${incidents.map(({ at, what }) => html`<li>${secondsText(at)}: ${what}</li>`)}</ol>`,
    notReached.length === 0
      ? undefined
      : html`<h3>What was not done</h3><ul>${notReached.map((text) => html`<li>${text}</li>`)}</ul>`,
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
    Object.keys(refused).length === 0
      ? undefined
      : table({
          caption: "What the server refused, whoever asked",
          head: ["protocol", "why", "times"],
          rows: Object.entries(refused).flatMap(([protocol, reasons]) =>
            Object.entries(reasons).map(([reason, times]) => [protocol, reason, countText(times)]),
          ),
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

/** What was to be done to servers, and came too late. */
export function notReachedOf({ notReached = [], seconds }: StormResult): string[] {
  return notReached.map(
    ({ at, what }) =>
      `${what}: that was to be at ${secondsText(at)}, and the storm was over after ${secondsText(seconds)}`,
  );
}

export function failuresOf({ nodes }: StormResult): { why: string; names: string[] }[] {
  const failed = nodes.filter(({ failure }) => failure !== undefined);
  return [...Map.groupBy(failed, ({ failure = "" }) => failure)]
    .map(([why, of]) => ({ why, names: of.map(({ name }) => name) }))
    .toSorted((a, b) => b.names.length - a.names.length)
    .slice(0, REPORT_TIMES_MAX);
}
