import type { StormResult } from "../result.ts";
import { boundBy } from "./bound.ts";
import type { Comparison } from "./compare.ts";
import { figuresOf, verdictOf } from "./figures.ts";
import { bytesText, countText, msText, secondsText } from "./format.ts";
import type { Projection } from "./project.ts";
import { partsText, projectionText } from "./projection/text.ts";
import { boundNames, honestyOf } from "./sections/head.ts";
import { failuresOf, notReachedOf } from "./sections/trouble.ts";
import { protocolsOf, stagesOf } from "./series.ts";

/** What a terminal shows when a storm is over; `width`: columns. */
export function renderSummary(
  result: StormResult,
  width: number,
  projections: readonly Projection[] = [],
): string {
  const bound = boundBy(result);
  const parts = [
    [verdictOf(result)],
    columns(
      figuresOf(result).map(({ name, text, note = "" }) => [name, text, note]),
      [1],
    ),
    stageLines(result, width),
    protocolLines(result),
    troubleLines(result),
    [`Bounded by ${boundNames[bound.by]}: ${bound.why}.`, honestyOf(result, bound)],
    projections.flatMap((projection) => [
      `Projected: ${projectionText(projection)}.`,
      `  ${partsText(projection)}`,
      ...projection.assumptions.map((text) => `  ${text}`),
    ]),
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${printable(line).trimEnd()}\n`).join(""))
    .join("\n");
}

function stageLines(result: StormResult, width: number): string[] {
  const stages = stagesOf(result);
  const longest = Math.max(...stages.map((stage) => result.stages[stage]?.max ?? 0), 1e-3);
  const rows = stages.flatMap((stage) => {
    const percentiles = result.stages[stage];
    if (percentiles === undefined) return [];
    const { count, p50, p95, p99, max } = percentiles;
    return [[stage, countText(count), ...[p50, p95, p99, max].map(secondsText)]];
  });
  const lines = columns([["STAGE", "NODES", "P50", "P95", "P99", "MAX"], ...rows], [1, 2, 3, 4, 5]);
  const room = Math.min(60, width - Math.max(...lines.map((line) => line.length)) - 3);
  if (room < 10) return lines;
  return lines.map((line, index) => {
    const percentiles = result.stages[stages[index - 1] ?? "dhcp"];
    if (index === 0 || percentiles === undefined) return line;
    const at = (seconds: number): number => Math.round((seconds / longest) * room);
    const [median, most] = [at(percentiles.p50), at(percentiles.max)];
    return `${line}  ${"━".repeat(median)}${"─".repeat(most - median)}`;
  });
}

function protocolLines(result: StormResult): string[] {
  const nodes = Math.max(1, result.options.nodes);
  if (protocolsOf(result).length === 0) return [];
  return columns(
    [
      ["PROTOCOL", "BYTES A NODE", "CALLS A NODE", "SENT AGAIN", "P50", "P99"],
      ...protocolsOf(result).flatMap((name) => {
        const protocol = result.protocols[name];
        if (protocol === undefined) return [];
        const { received, calls, retransmits, latency } = protocol;
        return [
          [
            name,
            bytesText(received / nodes),
            countText(calls / nodes),
            countText(retransmits),
            msText(latency.p50),
            msText(latency.p99),
          ],
        ];
      }),
    ],
    [1, 2, 3, 4, 5],
  );
}

function troubleLines(result: StormResult): string[] {
  const complaints = protocolsOf(result).flatMap((name) =>
    Object.entries(result.protocols[name]?.complaints ?? {}).map(
      ([reason, count]) => `${countText(count)} × ${name}: ${reason}`,
    ),
  );
  return [
    ...result.incidents.map(({ at, what }) => `At ${secondsText(at)}: ${what}`),
    ...notReachedOf(result).map((text) => `Not done: ${text}`),
    ...failuresOf(result).map(
      ({ why, names }) => `Failed: ${countText(names.length)} (${names[0] ?? ""}…): ${why}`,
    ),
    ...complaints,
    ...result.verified.examples.map((example) => `Differs: ${example}`),
  ];
}

export function renderComparison({ titles, rows, unlike }: Comparison): string {
  const marks = { better: "better", worse: "WORSE", same: "" };
  const lines = [
    `1: ${titles[0]}`,
    `2: ${titles[1]}`,
    "",
    ...columns(
      [
        ["", "1", "2", "CHANGE", ""],
        ...rows.map((row) => [row.name, row.first, row.second, row.change, marks[row.verdict]]),
      ],
      [1, 2, 3],
    ),
    ...(unlike.length === 0 ? [] : ["", "Not alike:", ...unlike.map((text) => `  ${text}`)]),
  ];
  return lines.map((line) => `${printable(line).trimEnd()}\n`).join("");
}

/** As wide as they must be; `right`: the columns of numbers. */
function columns(rows: readonly (readonly string[])[], right: readonly number[]): string[] {
  const widthOf = (column: number): number =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        right.includes(column) ? cell.padStart(widthOf(column)) : cell.padEnd(widthOf(column)),
      )
      .join("  "),
  );
}

/** Names and reasons may hold what a terminal acts upon. */
function printable(line: string): string {
  return line.replaceAll(/\p{Cc}/gu, "?");
}
