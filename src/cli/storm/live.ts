import { bitRateText, countText, percentText } from "../../storm/report/format.ts";
import { totalOf } from "../../storm/report/series.ts";
import { type Sample, stormStages } from "../../storm/result.ts";
import { printable } from "../printable.ts";

/** A storm while it runs. */
export interface Live extends Disposable {
  readonly show: (sample: Sample) => void;
  /** A line that stays. */
  readonly say: (text: string) => void;
}

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

interface Shown {
  readonly title: string;
  readonly nodes: number;
}

/** Where nobody sees lines change, there is a new one so often. */
const LINE_EVERY_SECONDS = 5;

/** On a terminal a few lines that change in place; otherwise a line now and then. */
export function openLive(output: Output, shown: Shown): Live {
  return output.isTTY === true ? screenLive(output, shown) : lineLive(output, shown);
}

function screenLive(output: Output, shown: Shown): Live {
  let before = 0;
  let drawn = 0;
  const clear = (): string => (drawn > 0 ? `\x1b[${drawn}A\r\x1b[J` : "");
  return {
    show(sample) {
      const width = (output.columns ?? 80) - 1;
      const lines = renderLive(sample, sample.at - before, shown).map((line) =>
        line.slice(0, width),
      );
      output.write(`${clear()}${lines.map((line) => `${line}\n`).join("")}`);
      before = sample.at;
      drawn = lines.length;
    },
    say(text) {
      output.write(`${clear()}sidus: ${printable(text)}\n`);
      drawn = 0;
    },
    [Symbol.dispose]() {
      output.write(clear());
      drawn = 0;
    },
  };
}

function lineLive(output: Output, shown: Shown): Live {
  let before = 0;
  let saidAt = 0;
  return {
    show(sample) {
      const seconds = sample.at - before;
      before = sample.at;
      if (sample.at - saidAt < LINE_EVERY_SECONDS) return;
      saidAt = sample.at;
      const [, ...lines] = renderLive(sample, seconds, shown);
      output.write(`${lines.map((line) => line.trim()).join("; ")}\n`);
    },
    say: (text) => void output.write(`sidus: ${printable(text)}\n`),
    [Symbol.dispose]() {},
  };
}

const BAR = 30;

/** `seconds`: since the sample before. */
export function renderLive(sample: Sample, seconds: number, { title, nodes }: Shown): string[] {
  const up = sample.stages["up"] ?? 0;
  const filled = Math.floor((up / nodes) * BAR);
  const failed = sample.failed > 0 ? `, ${countText(sample.failed)} failed` : "";
  const places = ["waiting", "started", ...stormStages]
    .filter((place) => place !== "up" && (sample.stages[place] ?? 0) > 0)
    .map((place) => `${place} ${countText(sample.stages[place] ?? 0)}`);
  const perSecond = 1 / Math.max(seconds, 1e-3);
  const retransmits = sample.retransmits > 0 ? [`${countText(sample.retransmits)} sent again`] : [];
  return [
    printable(title),
    `${sample.at.toFixed(1).padStart(6)} s  [${"=".repeat(filled).padEnd(BAR)}]  ${countText(up)} of ${countText(nodes)} up${failed}`,
    `          ${places.join(" · ") || "nobody is under way"}`,
    `          ${[
      bitRateText(totalOf(sample.received) * 8 * perSecond),
      `${countText(Math.round(totalOf(sample.calls) * perSecond))} calls/s`,
      ...(sample.serverCpu === undefined ? [] : [`servers ${sample.serverCpu.toFixed(1)} cores`]),
      `load ${sample.loadCpu.toFixed(1)} cores, busy ${percentText(sample.loadBusy)}`,
      ...retransmits,
    ].join(" · ")}`,
  ];
}
