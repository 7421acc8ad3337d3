import type { StepTime } from "../image/build/steps.ts";
import type { Progress } from "../image/progress.ts";

export interface ProgressDisplay extends Disposable {
  show(progress: Progress): void;
}

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** On a terminal one line that changes in place, otherwise a line for each new step. */
export function openProgressDisplay(output: Output): ProgressDisplay {
  return output.isTTY === true ? liveDisplay(output) : lineDisplay(output);
}

/** Bytes come by thousands of pieces a second; nobody reads so fast. */
const DRAWN_EVERY_MS = 50;

function liveDisplay(output: Output): ProgressDisplay {
  let last: { progress: Progress; at: number } | undefined;
  let drawnAt = Number.NEGATIVE_INFINITY;
  const draw = (): void => {
    if (last === undefined) return;
    drawnAt = performance.now();
    const elapsedMs = last.progress.elapsedMs + drawnAt - last.at;
    const width = (output.columns ?? 80) - 1;
    output.write(`\r\x1b[2K${renderProgress({ ...last.progress, elapsedMs }).slice(0, width)}`);
  };
  // The initrd takes seconds without a word: time going on says that it is alive.
  const timer = setInterval(draw, 500);
  return {
    show(progress) {
      const isNew = progress.step !== last?.progress.step;
      last = { progress, at: performance.now() };
      if (isNew || last.at - drawnAt >= DRAWN_EVERY_MS) draw();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      output.write("\r\x1b[2K");
    },
  };
}

function lineDisplay(output: Output): ProgressDisplay {
  const said = new Set<string>();
  let last: string | undefined;
  return {
    show({ step, elapsedMs }) {
      // Each round of apt begins with a download; within it, unpacking and configuring take turns.
      if (step === "downloading" && step !== last) said.clear();
      last = step;
      if (said.has(step)) return;
      said.add(step);
      output.write(`${seconds(elapsedMs)} ${step}\n`);
    },
    [Symbol.dispose]() {},
  };
}

/** `  12 s  [======    ] unpacking 41/68 libssl3`, `   2 s [==        ] sealing 120/725 MB` */
export function renderProgress({ step, item, done, total, unit, elapsedMs }: Progress): string {
  const counted =
    unit === "items" ? `${done}/${total}` : `${megabytes(done)}/${megabytes(total)} MB`;
  const count = total === 0 ? "" : ` ${counted}`;
  const filled = total === 0 ? 0 : Math.round(Math.min(1, done / total) * 20);
  const bar = `[${"=".repeat(filled)}${" ".repeat(20 - filled)}]`;
  // Names of files may hold what a terminal acts upon.
  const what = item.replaceAll(/\p{Cc}/gu, "?");
  return `${seconds(elapsedMs)} ${bar} ${step}${count}${what === "" ? "" : ` ${what}`}`;
}

export function renderTimes(steps: readonly StepTime[]): string {
  return steps.map((time) => `${time.step} ${time.seconds.toFixed(1)} s`).join(", ");
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)} s`.padStart(6);
}
