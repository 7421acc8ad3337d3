import { shortDigest } from "../watch/describe.ts";
import { stages } from "../watch/timeline.ts";
import { type Asked, askServer } from "./ask.ts";
import { macOf } from "./explain.ts";
import {
  type HistoryShown,
  historyShape,
  type NodeHistoryShown,
  nodeHistoryShape,
} from "./history-answer.ts";
import { renderTable } from "./table.ts";

/** How long boots took: of all nodes, or each of one node. @throws UserError */
export async function historyText(node: string | undefined, given: Asked): Promise<string> {
  if (node === undefined) {
    const { body, read } = await askServer(given, "/history.json", historyShape);
    return given.json === true ? `${body}\n` : renderHistory(read);
  }
  const mac = await macOf(node, given);
  const { body, read } = await askServer(given, `/history.json?mac=${mac}`, nodeHistoryShape);
  return given.json === true ? `${body}\n` : renderNode(read);
}

function renderHistory({ days, nodes }: HistoryShown): string {
  if (days.length === 0) return "no boot was seen yet\n";
  const byDay = renderTable([
    ["DAY", "BOOTS", "UP", "MEDIAN", "95 %"],
    ...days.map(({ day, today, ...of }) => [today ? `${day} (today)` : day, ...summaryCells(of)]),
  ]);
  const byNode = renderTable([
    ["NODE", "MAC", "BOOTS", "UP", "MEDIAN", "95 %", "LAST", "AT"],
    ...nodes.map(({ name, mac, lastAt, last, ...of }) => [
      name ?? "-",
      mac,
      ...summaryCells(of),
      secondsText(last),
      timeOf(lastAt),
    ]),
  ]);
  return `${byDay}\n${byNode}`;
}

function summaryCells(of: Omit<HistoryShown["days"][number], "day" | "today">): string[] {
  return [String(of.boots), String(of.up), secondsText(of.median), secondsText(of.p95)];
}

function renderNode({ mac, boots }: NodeHistoryShown): string {
  if (boots.length === 0) return `${mac}: no boot was seen yet\n`;
  return renderTable([
    ["BEGAN", ...stages.map((stage) => stage.toUpperCase()), "RUNS"],
    ...boots.map(({ beganAt, seconds, tree = "-", digest }) => [
      timeOf(beganAt),
      ...stages.map((stage) => secondsText(seconds[stage])),
      digest === undefined ? tree : `${tree}, version ${shortDigest(digest)}`,
    ]),
  ]);
}

function secondsText(seconds: number | undefined): string {
  return seconds === undefined ? "-" : `${seconds.toFixed(1)} s`;
}

/** `2026-01-31 07:59:03`, where the reader is. */
function timeOf(epochMs: number): string {
  const date = new Date(epochMs - new Date(epochMs).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 19).replace("T", " ");
}
