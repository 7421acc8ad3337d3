import { execFile } from "node:child_process";
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { openFile, serveIscsi } from "../../src/library/iscsi.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";

/** libiscsi's own judge of targets: all that its family ALL asks of a disk, over a real file. */

const lacking = lackingOf("iscsi-test-cu");
const name = "iqn.2024-01.org.example:disk";

/** What we do not have, and say so: it asks REPORT SUPPORTED OPERATION CODES, INQUIRY and the block limits. */
const absent = [
  /^WRITEATOMIC16 is not implemented\.$/,
  /^EXTENDEDCOPY is not implemented\.$/,
  /^RECEIVE_?COPY_?RESULTS? is not implemented\.$/,
  /^WRITESAME1[06] does not support 0-blocks\.$/,
  /^Logical unit is not removable\. Skipping test\.?$/,
  /^Media is not removable\.$/,
  /^Logical unit is not write-protected\. Skipping test\.?$/,
  /^LBPPB < 2\. Skipping test$/,
  // Of the tool's own: another path, and a flag that erases more than one test's worth.
  /^Multipath unavailable\. Skipping test$/,
  /^--allow-sanitize flag is not set\. Skipping test\.?$/,
];

describe.skipIf(lacking !== undefined)(title("iscsi-test-cu", lacking), () => {
  // Some of its cases wait for answers that must not come.
  test("nothing fails; what is skipped is what we say that we do not have", {
    timeout: 300_000,
  }, async () => {
    const directory = directoryOf({ "disk.img": "" });
    const file = join(directory, "disk.img");
    truncateSync(file, 100 << 20);
    await using volume = openFile(file);
    await using server = await serveIscsi({ port: 0, targets: [{ name, volume }] });
    const { stdout } = await promisify(execFile)(
      "iscsi-test-cu",
      [
        "--normal",
        "--dataloss",
        "--fail",
        "--test=ALL",
        `iscsi://127.0.0.1:${server.port}/${name}/0`,
      ],
      { maxBuffer: 64 << 20 },
    );
    const [, total, ran, passed, failed] =
      /^\s+tests\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)/m.exec(stdout) ?? [];
    expect({ ran, passed, failed }).toEqual({ ran: total, passed: total, failed: "0" });
    expect(Number(total)).toBeGreaterThanOrEqual(230);
    const skipped = [...stdout.matchAll(/\[SKIPPED\] (.*)$/gm)].map(([, why = ""]) => why.trim());
    expect(skipped.filter((why) => !absent.some((known) => known.test(why)))).toEqual([]);
  });
});
