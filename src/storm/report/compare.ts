import type { StormResult } from "../result.ts";
import { boundBy } from "./bound.ts";
import { type Figure, figuresOf } from "./figures.ts";
import { msText, percentText, secondsText } from "./format.ts";
import { networkText } from "./sections/head.ts";
import { protocolsOf, stagesOf } from "./series.ts";

/** Two storms side by side: the first is what the second is measured by. */
export interface Comparison {
  readonly titles: readonly [first: string, second: string];
  readonly rows: readonly ComparedRow[];
  /** What was not alike, so that its numbers say less: `nodes: 100, 500`. */
  readonly unlike: readonly string[];
}

export interface ComparedRow {
  readonly name: string;
  readonly first: string;
  readonly second: string;
  /** `+12 %`; empty where it cannot be said. */
  readonly change: string;
  readonly verdict: "better" | "worse" | "same";
}

/** Less than that is chance. */
const CHANGE = 0.05;

export function compareResults(first: StormResult, second: StormResult): Comparison {
  const others = new Map(measured(second).map((figure) => [figure.name, figure]));
  const firsts = measured(first);
  const names = new Set(firsts.map(({ name }) => name));
  return {
    titles: [first.title, second.title],
    rows: [
      ...firsts.map((figure) => rowOf(figure.name, figure, others.get(figure.name))),
      ...[...others.values()]
        .filter(({ name }) => !names.has(name))
        .map((figure) => rowOf(figure.name, undefined, figure)),
      {
        name: "bounded by",
        first: boundBy(first).by,
        second: boundBy(second).by,
        change: "",
        verdict: "same",
      },
    ],
    unlike: unlike(first, second),
  };
}

/** The figures, then stages and waiting times. */
function measured(result: StormResult): Figure[] {
  const time = (name: string, value: number, text: string): Figure => ({
    name,
    value,
    text,
    better: "less",
  });
  return [
    ...figuresOf(result),
    ...stagesOf(result).flatMap((stage) => {
      const { p50, p99 } = result.stages[stage] ?? {};
      if (p50 === undefined || p99 === undefined) return [];
      return [
        time(`until ${stage}, p50`, p50, secondsText(p50)),
        time(`until ${stage}, p99`, p99, secondsText(p99)),
      ];
    }),
    ...protocolsOf(result).flatMap((name) => {
      const latency = result.protocols[name]?.latency;
      if (latency === undefined) return [];
      return [time(`${name} answers, p99`, latency.p99, msText(latency.p99))];
    }),
  ];
}

function rowOf(name: string, first: Figure | undefined, second: Figure | undefined): ComparedRow {
  const change =
    first === undefined || second === undefined ? Number.NaN : second.value / first.value - 1;
  return {
    name,
    first: first?.text ?? "–",
    second: second?.text ?? "–",
    change: Number.isFinite(change) ? changeText(change) : "",
    verdict: verdictOf(first, second),
  };
}

function changeText(change: number): string {
  if (Math.abs(change) < 0.0005) return "=";
  if (change > 3) return `× ${(change + 1).toFixed(1)}`;
  return `${change > 0 ? "+" : "−"}${percentText(Math.abs(change))}`;
}

function verdictOf(first: Figure | undefined, second: Figure | undefined): ComparedRow["verdict"] {
  if (first === undefined || second === undefined || first.better === undefined) return "same";
  const difference = second.value - first.value;
  if (Math.abs(difference) <= CHANGE * Math.abs(first.value)) return "same";
  return difference < 0 === (first.better === "less") ? "better" : "worse";
}

function unlike(first: StormResult, second: StormResult): string[] {
  const saidOf = ({ options, machine }: StormResult): Record<string, string> => ({
    nodes: String(options.nodes),
    trace: options.trace,
    arrival: options.arrival,
    "own times": `× ${options.think}`,
    seed: String(options.seed),
    "load workers": String(options.workers),
    network: networkText({ options }),
    machine: `${machine.processor}, ${machine.cpus} processors`,
    Linux: machine.kernel,
    Node: machine.node,
    sidus: machine.sidus,
    ...Object.fromEntries(
      Object.entries(options.servers).map(([name, where]) => [`server ${name}`, where]),
    ),
  });
  const [one, other] = [saidOf(first), saidOf(second)];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .filter((name) => one[name] !== other[name])
    .map((name) => `${name}: ${one[name] ?? "–"}, ${other[name] ?? "–"}`);
}
