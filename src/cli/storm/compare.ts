import { readFile, stat, writeFile } from "node:fs/promises";
import process from "node:process";
import { Command } from "commander";
import { STORM_RESULT_BYTES_MAX } from "../../limits.ts";
import { compareResults } from "../../storm/report/compare.ts";
import { renderComparisonHtml } from "../../storm/report/compare-html.ts";
import { renderComparison } from "../../storm/report/summary.ts";
import { type StormResult, stormResult } from "../../storm/result.ts";
import { UserError } from "../../user-error.ts";
import { mendable, type Remedies } from "../mendable.ts";

const remedies: Remedies = {
  ENOENT: "is the path right?",
  EACCES: "run it as who may read and write there",
  EISDIR: "expected a file",
};

export function compareCommand(): Command {
  return new Command("compare")
    .description("Lay two storms side by side.")
    .argument("<first>", "JSON of a storm (--json), by which the other is measured")
    .argument("<second>", "JSON of the other")
    .option("-o, --output <file>", "write it as one HTML file, too")
    .addHelpText(
      "after",
      `
Example:
  sidus storm --json before.json
  sidus storm --json after.json
  sidus storm compare before.json after.json --output change.html`,
    )
    .action((first: string, second: string, given: { readonly output?: string }) =>
      mendable(remedies, () => compare(first, second, given.output)),
    );
}

async function compare(first: string, second: string, output: string | undefined): Promise<void> {
  const [one, other] = [await readResult(first), await readResult(second)];
  process.stdout.write(renderComparison(compareResults(one, other)));
  if (output !== undefined) await writeFile(output, renderComparisonHtml(one, other));
}

/** @throws UserError that names the file and what is wrong with it. */
export async function readResult(file: string): Promise<StormResult> {
  const { size } = await stat(file);
  if (size > STORM_RESULT_BYTES_MAX)
    throw new UserError(`${file}: expected at most ${STORM_RESULT_BYTES_MAX / 2 ** 20} MiB`);
  const read = stormResult.safeParse(jsonIn(file, await readFile(file, "utf8")));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = issue?.path.join(".") ?? "";
  throw new UserError(
    `${file}: expected what sidus storm --json writes; ${where === "" ? "" : `${where}: `}${issue?.message ?? "not that"}`,
  );
}

function jsonIn(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError(`${file}: expected JSON, as sidus storm --json writes it`, { cause });
  }
}
