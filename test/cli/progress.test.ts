import { expect, test } from "vitest";
import { openProgressDisplay, renderProgress, renderTimes } from "../../src/cli/progress.ts";
import type { Progress } from "../../src/image/progress.ts";

const at = (step: string, elapsedMs = 0): Progress => ({
  step,
  item: "x",
  done: 1,
  total: 2,
  unit: "items",
  elapsedMs,
});

test("progress is time, a bar, what is done, how much of it, and to what", () => {
  const progress = {
    step: "unpacking",
    item: "libssl3",
    done: 5,
    total: 20,
    unit: "items",
    elapsedMs: 12_900,
  } as const;
  expect(renderProgress(progress)).toBe("  12 s [=====               ] unpacking 5/20 libssl3");
  expect(renderProgress({ ...progress, item: "", done: 0, total: 0 })).toBe(
    "  12 s [                    ] unpacking",
  );
  expect(renderProgress({ ...progress, item: "a\x1b[2J\nb" })).toContain(" 5/20 a?[2J?b");
});

test("bytes are counted in megabytes, and never beyond the bar", () => {
  const progress = { ...at("sealing", 2000), item: "", unit: "bytes" } as const;
  expect(renderProgress({ ...progress, done: 181_250_000, total: 725_000_000 })).toBe(
    "   2 s [=====               ] sealing 181/725 MB",
  );
  expect(renderProgress({ ...progress, done: 20, total: 10 })).toContain("[====================] ");
});

test("without a terminal each step is a line, once a round of apt", () => {
  let text = "";
  const output = { write: (more: string) => (text += more) };
  {
    using display = openProgressDisplay(output);
    const turns = ["downloading", "downloading", "unpacking", "configuring", "unpacking"];
    const again = ["downloading", "unpacking", "sealing", "sealing"];
    for (const step of ["fetching package lists", ...turns, ...again]) {
      display.show(at(step, 3000));
    }
  }
  expect(text.split("\n").map((line) => line.slice(7))).toEqual([
    ...["fetching package lists", "downloading", "unpacking", "configuring"],
    ...["downloading", "unpacking", "sealing", ""],
  ]);
});

test("on a terminal it is one line, cut to the width, and gone at the end", () => {
  const writes: string[] = [];
  const output = { isTTY: true, columns: 30, write: (text: string) => writes.push(text) };
  {
    using display = openProgressDisplay(output);
    display.show(at("unpacking"));
  }
  expect(writes).toEqual(["\r\x1b[2K   0 s [==========          ]", "\r\x1b[2K"]);
});

test("on a terminal what comes by thousands is drawn a few times a second, a new step at once", () => {
  const writes: string[] = [];
  const output = { isTTY: true, columns: 80, write: (text: string) => writes.push(text) };
  {
    using display = openProgressDisplay(output);
    for (let done = 0; done < 10_000; done += 1) display.show({ ...at("sealing"), done });
    display.show(at("verifying"));
  }
  expect(writes.length).toBeLessThan(1000);
  expect(writes.at(-2)).toContain("verifying");
});

test("times are said by step", () => {
  expect(
    renderTimes([
      { step: "unpacking", seconds: 27.25 },
      { step: "making the initrd", seconds: 9 },
    ]),
  ).toBe("unpacking 27.3 s, making the initrd 9.0 s");
});
