import type { BuildProgress, BuildStep, StepTime } from "../image/build/steps.ts";

const doing: Readonly<Record<BuildStep, string>> = {
  lists: "fetching package lists",
  download: "downloading",
  unpack: "unpacking",
  configure: "configuring",
  initrd: "making the initrd",
  finish: "finishing",
};

export interface BuildDisplay extends Disposable {
  show(progress: BuildProgress): void;
}

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** On a terminal one line that changes in place, otherwise a line for each new step. */
export function openBuildDisplay(output: Output): BuildDisplay {
  return output.isTTY === true ? liveDisplay(output) : lineDisplay(output);
}

function liveDisplay(output: Output): BuildDisplay {
  let last: { progress: BuildProgress; at: number } | undefined;
  const draw = (): void => {
    if (last === undefined) return;
    const elapsedMs = last.progress.elapsedMs + performance.now() - last.at;
    const width = (output.columns ?? 80) - 1;
    output.write(`\r\x1b[2K${renderProgress({ ...last.progress, elapsedMs }).slice(0, width)}`);
  };
  // The initrd takes seconds without a word: time going on says that it is alive.
  const timer = setInterval(draw, 500);
  return {
    show(progress) {
      last = { progress, at: performance.now() };
      draw();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      output.write("\r\x1b[2K");
    },
  };
}

function lineDisplay(output: Output): BuildDisplay {
  const said = new Set<BuildStep>();
  let last: BuildStep | undefined;
  return {
    show({ step, elapsedMs }) {
      // Each round of apt begins with a download; within it, unpacking and configuring take turns.
      if (step === "download" && step !== last) said.clear();
      last = step;
      if (said.has(step)) return;
      said.add(step);
      output.write(`${seconds(elapsedMs)} ${doing[step]}\n`);
    },
    [Symbol.dispose]() {},
  };
}

/** `  12 s  [======    ] unpacking 41/68 libssl3` */
export function renderProgress({ step, item, done, total, elapsedMs }: BuildProgress): string {
  const count = total === 0 ? "" : ` ${done}/${total}`;
  const filled = total === 0 ? 0 : Math.round((done / total) * 20);
  const bar = `[${"=".repeat(filled)}${" ".repeat(20 - filled)}]`;
  return `${seconds(elapsedMs)} ${bar} ${doing[step]}${count}${item === "" ? "" : ` ${item}`}`;
}

export function renderTimes(steps: readonly StepTime[]): string {
  return steps.map((time) => `${time.step} ${time.seconds.toFixed(1)} s`).join(", ");
}

function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)} s`.padStart(6);
}
