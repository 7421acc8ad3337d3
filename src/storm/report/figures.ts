import type { StormResult } from "../result.ts";
import { bitRateText, bytesText, countText, secondsText } from "./format.ts";
import { callsOf, pointsOf, quantile, receivedOf, retransmitsOf, totalOf } from "./series.ts";

/** One number that is worth a glance, and worth comparing. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly text: string;
  /** In fewer words than the name needs. */
  readonly note?: string;
  /** Which is the good way; undefined: it says nothing of good or bad. */
  readonly better: "less" | "more" | undefined;
}

export function figuresOf(result: StormResult): Figure[] {
  const boots = bootSeconds(result);
  const nodes = Math.max(1, result.options.nodes);
  const received = receivedOf(result);
  const figures: Figure[] = [
    {
      name: "up",
      value: result.up,
      text: `${countText(result.up)} of ${countText(result.options.nodes)}`,
      better: "more",
    },
    timeFigure("all done after", result.seconds, "from the first start to the last end"),
    timeFigure("median boot", quantile(boots, 0.5), "of one node"),
    timeFigure("slowest boot", Math.max(...boots), slowestNote(boots)),
    rateFigure(result),
    {
      name: "received a node",
      value: received / nodes,
      text: bytesText(received / nodes),
      note: `${bytesText(received)} in all`,
      better: undefined,
    },
    callFigure(result),
    ...serverFigures(result),
    { ...plain("retransmits", retransmitsOf(result)), note: "and connections made anew" },
    {
      ...plain("differences", result.verified.differences),
      note: `${bytesText(result.verified.bytes)} were compared`,
    },
  ];
  return figures.filter(({ value }) => Number.isFinite(value));
}

/** Of the nodes that came up, each from its own start. */
export function bootSeconds(result: StormResult): number[] {
  return result.nodes.flatMap(({ reached, startedAt }) =>
    reached.up === undefined ? [] : [reached.up - startedAt],
  );
}

function slowestNote(boots: readonly number[]): string {
  return `${(Math.max(...boots) / quantile(boots, 0.5)).toFixed(2)} × the median`;
}

function timeFigure(name: string, value: number, note: string): Figure {
  return { name, value, text: secondsText(value), note, better: "less" };
}

function plain(name: string, value: number): Figure {
  return { name, value, text: countText(value), better: "less" };
}

function rateFigure(result: StormResult): Figure {
  const value = (receivedOf(result) * 8) / Math.max(result.seconds, 1e-3);
  const peak = Math.max(0, ...pointsOf(result).map((point) => totalOf(point.received) * 8));
  return {
    name: "throughput",
    value,
    text: bitRateText(value),
    note: `payload, mean; ${bitRateText(peak)} at most`,
    better: "more",
  };
}

function callFigure(result: StormResult): Figure {
  const value = callsOf(result) / Math.max(result.seconds, 1e-3);
  return {
    name: "calls a second",
    value,
    text: countText(value),
    note: `${countText(callsOf(result) / Math.max(1, result.options.nodes))} a node`,
    better: "more",
  };
}

function serverFigures({ server, options }: StormResult): Figure[] {
  if (server === undefined) return [];
  const each = server.cpuSeconds / Math.max(1, options.nodes);
  return [
    {
      name: "server CPU a node",
      value: each,
      text: secondsText(each),
      note: `${secondsText(server.cpuSeconds)} in all`,
      better: "less",
    },
    {
      name: "server memory",
      value: server.rssMax,
      text: bytesText(server.rssMax),
      note: "at most",
      better: "less",
    },
  ];
}

/** `All 100 nodes came up within 42.1 s, and all that they received was right.` */
export function verdictOf(result: StormResult): string {
  const { up, failed, seconds, verified, options } = result;
  const time = secondsText(seconds);
  const wrong = checkedText(verified);
  if (up === options.nodes)
    return `${up === 1 ? "The node" : `All ${countText(up)} nodes`} came up within ${time}, and ${wrong}.`;
  const rest = options.nodes - up - failed;
  const open = rest > 0 ? `, ${countText(rest)} were not done` : "";
  return `${countText(up)} of ${countText(options.nodes)} nodes came up within ${time}, ${countText(failed)} failed${open}; ${wrong}.`;
}

function checkedText({ bytes, differences }: StormResult["verified"]): string {
  if (differences > 0) return `${countText(differences)} answers were not what they must be`;
  return bytes > 0 ? "all that they received was right" : "nothing came that could be compared";
}

/** Whether nothing is to be complained of: what the exit code says. */
export function isWell({ up, options, verified, notReached = [] }: StormResult): boolean {
  return up === options.nodes && verified.differences === 0 && notReached.length === 0;
}
