import { expect, test } from "vitest";
import { renderStorms } from "../../bench/storm/table.ts";
import { madeResult } from "../storm/report/made-result.ts";

/** `npm run bench` of storms, read by people: bench/RESULTS.md. */

const round = (seconds: number, failed = 0) =>
  madeResult({ nodes: 10, failed, change: { seconds, verified: nothing } });
const nothing = { bytes: 1, differences: 0, examples: [] };

function cellsOf(text: string): string[][] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/\s{2,}/));
}

test("a column for each server, its median round, and how many times ours each of the peers took", () => {
  const rows = cellsOf(
    renderStorms(
      "bios-tmpfs, 10 nodes",
      new Map([
        ["sidus", [round(30), round(10), round(11)]],
        ["dnsmasq, nfs-ganesha", [round(33), round(40), round(32)]],
        ["kea, dnsmasq, nfs-ganesha", [round(22), round(22), round(22)]],
      ]),
    ),
  );
  const servers = ["sidus", "dnsmasq, nfs-ganesha", "kea, dnsmasq, nfs-ganesha"];
  expect(rows[0]).toEqual(["bios-tmpfs, 10 nodes", ...servers, "peers:sidus", "peers:sidus"]);
  expect(rows[1]).toEqual(["all up, s", "11.00", "33.00", "22.00", "3.00 x", "2.00 x"]);
  expect(rows.at(-1)).toEqual(["wanted: 3 x as soon"]);
});

test("what was wrong in one round of several is said", () => {
  const text = renderStorms("storms", new Map([["sidus", [round(9), round(9, 2), round(9)]]]));
  expect(cellsOf(text)).toContainEqual(["nodes not up", "2"]);
  expect(text).not.toContain("wanted");
});
