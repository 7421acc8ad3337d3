import type { StormProtocol } from "../../client.ts";
import type { StormResult } from "../../result.ts";
import { percent } from "../charts/frame.ts";
import { bytesText, countText, msText, percentText } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { protocolsOf, quantile, receivedOf } from "../series.ts";
import { numbers, section, table } from "./parts.ts";

/** What a boot is made of: bytes and calls, a node and in all. */
export function protocolSection(result: StormResult): Markup {
  const names = protocolsOf(result);
  return section(
    "What a boot is made of",
    shareBar(result, names),
    table({
      caption: "By protocol: a node’s median, and all nodes",
      head: [
        "protocol",
        "bytes a node",
        "calls a node",
        "bytes in all",
        "calls in all",
        "sent again",
      ],
      rows: names.map((name) => {
        const { received = 0, calls = 0, retransmits = 0 } = result.protocols[name] ?? {};
        return [
          name,
          bytesText(medianOf(result, "received", name)),
          countText(medianOf(result, "calls", name)),
          bytesText(received),
          countText(calls),
          countText(retransmits),
        ];
      }),
    }),
    table({
      caption: "From a call to its whole answer, as the nodes saw it",
      head: ["protocol", "p50", "p95", "p99", "max"],
      rows: names.flatMap((name) => {
        const latency = result.protocols[name]?.latency;
        if (latency === undefined) return [];
        return [[name, ...[latency.p50, latency.p95, latency.p99, latency.max].map(msText)]];
      }),
    }),
    operationTable(result, names),
  );
}

function medianOf({ nodes }: StormResult, of: "received" | "calls", name: StormProtocol): number {
  return (
    quantile(
      nodes.map((node) => node[of][name] ?? 0),
      0.5,
    ) || 0
  );
}

/** Bytes, as one bar. */
function shareBar(result: StormResult, names: readonly StormProtocol[]): Markup {
  const all = Math.max(1, receivedOf(result));
  let from = 0;
  const parts = names.map((name) => {
    const bytes = result.protocols[name]?.received ?? 0;
    const part = { name, share: bytes / all, from };
    from += bytes;
    return part;
  });
  return html`<svg role="img" aria-label="Shares of the bytes received: ${parts.map(({ name, share }) => `${name} ${percentText(share)}`).join(", ")}" width="100%" height="22">${parts.map(
    (part) =>
      html`<rect class="${part.name}" x="${percent(part.from, all)}" width="${percent(part.share, 1)}" height="20"><title>${part.name}: ${percentText(part.share)}</title></rect>`,
  )}</svg>
<ul class="legend">${parts.map(({ name, share }) => html`<li><i class="${name}"></i>${name} ${percentText(share)}</li>`)}</ul>`;
}

function operationTable(result: StormResult, names: readonly StormProtocol[]): Markup {
  const rows = names.flatMap((name) =>
    Object.entries(result.protocols[name]?.operations ?? {})
      .toSorted(([, a], [, b]) => b - a)
      .map(([operation, count]) => [
        `${name} ${operation}`,
        countText(count),
        countText(count / Math.max(1, result.options.nodes)),
      ]),
  );
  return numbers({
    caption: "Numbers: every operation",
    head: ["operation", "calls", "a node"],
    rows,
  });
}
