import { expect, test } from "vitest";
import { openBuildDisplay, renderProgress, renderTimes } from "../../src/cli/progress.ts";
import type { BuildProgress, BuildStep } from "../../src/image/build/steps.ts";

const at = (step: BuildStep, elapsedMs = 0): BuildProgress => ({
  step,
  item: "x",
  done: 1,
  total: 2,
  elapsedMs,
});

test("progress is time, a bar, what is done, how much of it, and to what", () => {
  const progress = {
    step: "unpack",
    item: "libssl3",
    done: 5,
    total: 20,
    elapsedMs: 12_900,
  } as const;
  expect(renderProgress(progress)).toBe("  12 s [=====               ] unpacking 5/20 libssl3");
  expect(renderProgress({ ...progress, item: "", done: 0, total: 0 })).toBe(
    "  12 s [                    ] unpacking",
  );
});

test("without a terminal each step is a line, once a round of apt", () => {
  let text = "";
  const output = { write: (more: string) => (text += more) };
  {
    using display = openBuildDisplay(output);
    const rounds: BuildStep[] = ["lists", "download", "download", "unpack", "configure", "unpack"];
    for (const step of [...rounds, "download", "unpack", "initrd", "initrd"] as const) {
      display.show(at(step, 3000));
    }
  }
  expect(text.split("\n").map((line) => line.slice(7))).toEqual([
    ...["fetching package lists", "downloading", "unpacking", "configuring"],
    ...["downloading", "unpacking", "making the initrd", ""],
  ]);
});

test("on a terminal it is one line, cut to the width, and gone at the end", () => {
  const writes: string[] = [];
  const output = { isTTY: true, columns: 30, write: (text: string) => writes.push(text) };
  {
    using display = openBuildDisplay(output);
    display.show(at("unpack"));
  }
  expect(writes).toEqual(["\r\x1b[2K   0 s [==========          ]", "\r\x1b[2K"]);
});

test("times are said by step", () => {
  expect(
    renderTimes([
      { step: "unpack", seconds: 27.25 },
      { step: "initrd", seconds: 9 },
    ]),
  ).toBe("unpack 27.3 s, initrd 9.0 s");
});
