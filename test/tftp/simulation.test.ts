import { describe, expect, test } from "vitest";
import { TFTP_TIMEOUT_MIN_MS } from "../../src/limits.ts";
import { SeededRandom } from "../sim/random.ts";
import { type Case, simulate } from "./network.ts";

const columns = ["loss", "window", "block", "size", "sent", "acks", "ms", "outcome"];

function row(given: Case): string[] {
  const result = simulate(given);
  expect(result, JSON.stringify(given)).toMatchObject({ intact: true });
  if (result.outcome === "done") expect(result.received).toBe(given.size);
  const { loss, windowBlocks, blockBytes, size } = given;
  const numbers = [
    loss,
    windowBlocks,
    blockBytes,
    size,
    result.dataSent,
    result.acksSent,
    result.ms,
  ];
  return [...numbers.map(String), String(result.outcome)];
}

/** Columns lined up, so that a change shows as the few lines that it is. */
function table(rows: readonly string[][]): string {
  const widths = columns.map((name, at) =>
    Math.max(...[columns, ...rows].map((r) => r[at]?.length ?? name.length)),
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, at) => cell.padStart(widths[at] ?? 0)).join("  ");
  return `${[columns, ...rows].map(line).join("\n")}\n`;
}

describe("a transfer over a network that loses, repeats and reorders", () => {
  test("packets sent, over a grid of losses, windows, blocks and sizes", async () => {
    const rows: string[][] = [];
    for (const loss of [0, 0.01, 0.1]) {
      for (const windowBlocks of [1, 4, 16, 64]) {
        for (const [blockBytes, size] of [
          [512, 0],
          [512, 512 * 16],
          [1408, 200_000],
          [1468, 1468 * 256],
        ] as const) {
          const duplication = loss / 2;
          const delay = loss / 2;
          const given = { seed: 7, size, blockBytes, windowBlocks, loss, duplication, delay };
          rows.push(row(given));
        }
      }
    }
    await expect(table(rows)).toMatchFileSnapshot("simulation.snap.txt");
  });

  test("over 65,535 blocks the numbers roll over, in lock-step and in windows, with losses", () => {
    const big = { seed: 3, size: 66_000 * 8 + 5, blockBytes: 8, duplication: 0.001, delay: 0.001 };
    const rows = [
      row({ ...big, windowBlocks: 1, loss: 0 }),
      row({ ...big, windowBlocks: 1, loss: 0.001 }),
      row({ ...big, windowBlocks: 48, loss: 0.001 }),
    ];
    expect(rows.map((cells) => cells.at(-1))).toEqual(["done", "done", "done"]);
  });

  test("200 seeds: what arrives is the file; with one datagram in twenty lost it always arrives whole", () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = new SeededRandom(seed);
      const given: Case = {
        seed,
        size: random.below(4) === 0 ? 512 * random.below(60) : random.below(60_000),
        blockBytes: random.below(2) === 0 ? 512 : 8 + random.below(1461),
        windowBlocks: 1 + random.below(20),
        loss: random.below(6) / 100,
        duplication: random.below(10) / 100,
        delay: random.below(6) / 100,
      };
      const result = simulate(given);
      const label = `SEED=${seed} ${JSON.stringify(given)}`;
      expect(result.intact, label).toBe(true);
      expect([result.outcome, result.received], label).toEqual(["done", given.size]);
    }
  });

  test.each([1, 4, 16])(
    "windowsize %i: one datagram in twenty lost each way costs at most twice one wait for each of them",
    (windowBlocks) => {
      for (let seed = 1; seed <= 10; seed += 1) {
        const clean = {
          ...{ seed, size: 2_000_000, blockBytes: 1468, windowBlocks },
          ...{ loss: 0, duplication: 0, delay: 0 },
        };
        const without = simulate(clean);
        const { ms, lost, received } = simulate({ ...clean, loss: 0.05 });
        expect(received).toBe(clean.size);
        expect(lost).toBeGreaterThan(60);
        // Round trips take 0.2 ms, so that each wait by RFC 6298 is the shortest there is.
        expect(ms).toBeLessThan(2 * (without.ms + lost * TFTP_TIMEOUT_MIN_MS));
      }
    },
  );

  test("where nothing arrives any more, it ends", () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const given = {
        seed,
        size: 90_000,
        blockBytes: 512,
        windowBlocks: 4,
        duplication: 0,
        delay: 0.1,
      };
      const result = simulate({ ...given, loss: 0.6 });
      expect(result.intact).toBe(true);
      expect(["done", "lost"]).toContain(result.outcome);
    }
  });
});
