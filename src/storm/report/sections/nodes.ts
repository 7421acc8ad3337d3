import { REPORT_NODES_MAX, WATERFALL_ROWS_MAX } from "../../../limits.ts";
import { type NodeResult, type StormResult, stormStages } from "../../result.ts";
import { drawAreas } from "../charts/area.ts";
import { legend } from "../charts/frame.ts";
import { drawRanges } from "../charts/range.ts";
import { drawWaterfall } from "../charts/waterfall.ts";
import { countText, secondsText } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { pointsOf, stagesOf } from "../series.ts";
import { figure, numbers, section, table } from "./parts.ts";

const shown: Readonly<Record<string, string>> = {
  waiting: "not switched on",
  started: "no address yet",
  dhcp: "has an address",
  loader: "loader runs",
  kernel: "kernel runs",
  root: "root is mounted",
  volume: "volume is attached",
  up: "up",
  unfinished: "did not get further",
  failed: "failed",
};

export function waterfallSection(result: StormResult, xMax: number): Markup {
  const hues = [
    "started",
    ...stagesOf(result),
    ...(result.up < result.options.nodes ? ["unfinished"] : []),
    ...(result.failed > 0 ? ["failed"] : []),
  ];
  const entries = hues.map((hue) => ({ name: shown[hue] ?? hue, hue }));
  return section(
    "Every node, from its start until it was up",
    html`<p class="soft">${
      result.nodes.length > WATERFALL_ROWS_MAX
        ? "Nodes that ended one after another share a line."
        : "One line a node, in the order in which they were switched on."
    } Times are after the storm began.</p>`,
    legend(entries),
    figure(drawWaterfall(result, xMax), undefined, nodeTable(result), true),
  );
}

function nodeTable({ nodes, options }: StormResult): Markup {
  const ordered = nodes.toSorted((a, b) => timeOf(b) - timeOf(a));
  const some = ordered.slice(0, REPORT_NODES_MAX);
  return numbers({
    caption: `Times of ${some.length < options.nodes ? `the ${some.length} slowest nodes` : "all nodes, the slowest first"}, in seconds after each one’s own start`,
    head: ["node", "address", "started", ...stormStages, "sent again", "failure"],
    rows: some.map((node) => [
      node.name,
      node.address ?? "–",
      node.startedAt.toFixed(2),
      ...stormStages.map((stage) => {
        const at = node.reached[stage];
        return at === undefined ? "–" : (at - node.startedAt).toFixed(2);
      }),
      countText(node.retransmits),
      node.failure ?? "",
    ]),
    words: [1, 10],
  });
}

function timeOf({ failure, reached, startedAt }: NodeResult): number {
  return failure === undefined && reached.up !== undefined
    ? reached.up - startedAt
    : Number.MAX_VALUE;
}

export function percentileSection(result: StormResult): Markup {
  const rows = stagesOf(result).flatMap((stage) => {
    const percentiles = result.stages[stage];
    return percentiles === undefined ? [] : [{ name: stage, hue: stage, percentiles }];
  });
  return section(
    "How long until each stage",
    html`<p class="soft">From each node’s own start. Circle: median; bar: to the 95th percentile; stroke: 99th; end of the line: slowest.</p>`,
    html`<div class="pair">${figure(drawRanges(rows, { id: "stages", title: "Time until each stage" }), undefined, undefined, true)}
${table({
  caption: "From a node’s start to each stage",
  head: ["stage", "nodes", "p50", "p95", "p99", "max"],
  rows: rows.map(({ name, percentiles: { count, p50, p95, p99, max } }) => [
    name,
    countText(count),
    ...[p50, p95, p99, max].map(secondsText),
  ]),
})}</div>`,
  );
}

/** The same as the waterfall, for any number of nodes. */
export function crowdSection(result: StormResult, xMax: number): Markup {
  return section("How many nodes are how far", drawCrowd(result, xMax, "crowd"));
}

/** From the bottom up. */
const places = ["failed", ...stormStages.toReversed(), "started", "waiting"];

export function drawCrowd(result: StormResult, xMax: number, id: string): Markup {
  const points = pointsOf(result);
  const values = (name: string): number[] =>
    points.map(({ last }) => (name === "failed" ? last.failed : (last.stages[name] ?? 0)));
  const layers = places
    .map((name) => ({ name: shown[name] ?? name, hue: name, values: values(name) }))
    .filter((layer) => layer.values.some((value) => value > 0));
  const chart = drawAreas({
    id,
    title: "Nodes by stage over time",
    description:
      "Layers upon each other: how many nodes are at each stage at any time; those that are up are at the bottom.",
    height: 220,
    xMax,
    y: { max: result.options.nodes, text: countText, isWhole: true },
    incidents: result.incidents,
    spans: points,
    layers,
    limit: undefined,
  });
  return figure(chart, legend(layers));
}
