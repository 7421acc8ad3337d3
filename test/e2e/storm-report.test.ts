import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderHtml } from "../../src/storm/report/html.ts";
import { lackingOf, title } from "../needs.ts";
import { outcome, sidus } from "../sidus.ts";
import { madeResult } from "../storm/report/made-result.ts";
import { type Picture, readPng } from "./png.ts";

/** The report in a real browser, which has no network. Its pictures are kept where SIDUS_PICTURES says. */

/** A storm's own one, and one of 5,000 nodes, only where there is time for every boot. */
const all = process.env["SIDUS_E2E"] === "all";
const lacking = lackingOf("chromium", "unshare");

const work = mkdtempSync(join(tmpdir(), "sidus-report-"));
const pictures = process.env["SIDUS_PICTURES"] ?? work;
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Of src/storm/report/style.ts. */
const colours = {
  light: { page: "#fbfbf9", card: "#ffffff", kernel: "#d99400", root: "#6a55c9" },
  dark: { page: "#16181b", card: "#1e2125", kernel: "#d09318", root: "#9383ea" },
} as const;

const link = { bitsPerSecond: 10e9, latencyMs: 0.2, loss: 0.001 };
const incidents = [
  { at: 12, what: "the server was killed" },
  { at: 14, what: "the server was started again" },
];

describe.skipIf(lacking)(title("the report in Chromium", lacking), () => {
  beforeAll(async () => {
    writeFileSync(page("100"), renderHtml(madeResult({ nodes: 100, failed: 3, link, incidents })));
    if (!all) return;
    writeFileSync(page("5000"), renderHtml(madeResult({ nodes: 5000, failed: 7 })));
    const args = ["--nodes", "5", "--think", "0", "--output", page("storm")];
    const { code, stderr } = await sidus("storm", ...args);
    expect(code, stderr).toBe(0);
  }, 180_000);

  const names = all ? (["storm", "100", "5000"] as const) : (["100"] as const);
  const shots = names.flatMap((name) =>
    ([1280, 390] as const).flatMap((width) =>
      (["light", "dark"] as const).map((scheme) => ({ name, width, scheme })),
    ),
  );

  test.each(shots)("$name, $width pixels, $scheme", { timeout: 60_000 }, async (shot) => {
    const picture = await shoot(shot);
    const { page, card, kernel, root } = colours[shot.scheme];
    expect(picture.width).toBe(shot.width);
    expect(picture.at(2, 2)).toBe(page);
    // Nothing is wider than the page: its edges are the page's own, from top to bottom.
    for (const x of [0, 3, shot.width - 4, shot.width - 1]) {
      expect(new Set(column(picture, x)), `column ${x}`).toEqual(new Set([page]));
    }
    const seen = counted(picture);
    for (const colour of [card, kernel, root]) expect(seen.get(colour) ?? 0).toBeGreaterThan(500);
  });

  test("on paper it has pages of its own", { timeout: 60_000 }, async () => {
    const pdf = join(work, "report.pdf");
    await chromium(`--print-to-pdf=${pdf}`, "--no-pdf-header-footer", `file://${page("100")}`);
    const pages = readFileSync(pdf, "latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    expect(pages).toBeGreaterThanOrEqual(2);
    expect(pages).toBeLessThanOrEqual(10);
  });
});

function page(name: string): string {
  return join(work, `${name}.html`);
}

interface Shot {
  readonly name: string;
  readonly width: number;
  readonly scheme: "light" | "dark";
}

async function shoot({ name, width, scheme }: Shot): Promise<Picture> {
  const file = join(pictures, `${name}-${width}-${scheme}.png`);
  // A page of another width is put into a frame: no window is as narrow as a phone.
  const frame = join(work, `${name}-${width}.frame.html`);
  writeFileSync(
    frame,
    `<body style="margin:0"><iframe src="${name}.html" style="border:0;width:${width}px;height:5000px">`,
  );
  await chromium(
    `--blink-settings=preferredColorScheme=${scheme === "dark" ? 0 : 1}`,
    ...["--hide-scrollbars", `--screenshot=${file}`, `--window-size=${width},5000`],
    `file://${frame}`,
  );
  return readPng(readFileSync(file));
}

async function chromium(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await outcome("unshare", [
    ...["--map-root-user", "--net", "chromium", "--headless", "--no-sandbox", "--disable-gpu"],
    ...[`--user-data-dir=${join(work, "profile")}`, ...args],
  ]);
  expect(code, stderr).toBe(0);
}

function column({ height, at }: Picture, x: number): string[] {
  return Array.from({ length: height }, (_, y) => at(x, y));
}

function counted({ width, height, at }: Picture): Map<string, number> {
  const seen = new Map<string, number>();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = at(x, y);
      seen.set(colour, (seen.get(colour) ?? 0) + 1);
    }
  }
  return seen;
}
