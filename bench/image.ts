import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { buildTree, planOf } from "../src/image/build/build.ts";
import { defaultRecipe } from "../src/image/recipe/default.ts";
import { sealTree } from "../src/image/store/seal.ts";
import { ImageStore } from "../src/image/store/store.ts";
import { systemClock } from "../src/net/clock.ts";
import { missingOf } from "./packages.ts";
import { median, renderTable } from "./table.ts";

/**
 * sidus build beside mmdebstrap alone with the same packages from the same archive, in turn, round by round; then how long
 * sealing such a tree takes. The median of each. `node bench/image.ts --help`, as root. TMPDIR is where the trees are.
 */

interface Options {
  readonly rounds: string;
  readonly suite: string;
  readonly mirror: string[];
  readonly json?: true;
}

const options = new Command()
  .option("--rounds <count>", "of each", "3")
  .option("--suite <suite>", "what is built", defaultRecipe.suite)
  .option("--mirror <mirror>", "as sidus build takes it; repeatable", append, [])
  .option("--json", "figures as JSON")
  .parse()
  .opts<Options>();

/** What a build may take, beside mmdebstrap alone. */
const WANTED = 1.3;

missingOf([]);
await using cleanup = new AsyncDisposableStack();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void cleanup.disposeAsync().finally(() => process.exit(1)));
}
const work = mkdtempSync(join(tmpdir(), "sidus-bench-"));
cleanup.defer(() => rm(work, { recursive: true }));
const recipe = { ...defaultRecipe, suite: options.suite, mirrors: options.mirror };
const plan = planOf(recipe);
const store = new ImageStore(join(work, "images"));
const version = "bench";

const seconds = { build: [] as number[], plain: [] as number[], seal: [] as number[] };
const found = { initrdBytes: 0, imageBytes: 0 };
for (let round = 0; round < Number(options.rounds); round += 1) {
  seconds.plain.push(plainly());
  const { kernel, seconds: took } = await ours();
  seconds.build.push(took);
  found.initrdBytes = kernel.initrdBytes;
  seconds.seal.push(await sealing());
  rmSync(join(work, "ours"), { recursive: true });
}
const medians = {
  build: median(seconds.build),
  plain: median(seconds.plain),
  seal: median(seconds.seal),
};
const ratio = medians.build / medians.plain;
process.stdout.write(
  options.json
    ? `${JSON.stringify({ ...medians, ratio, wanted: WANTED, ...found, rounds: seconds })}\n`
    : table(),
);

/** With the same options for apt and dpkg as ours, and nothing before, between or after. */
function plainly(): number {
  const target = join(work, "plain");
  const started = performance.now();
  const { status, stderr } = spawnSync(
    "mmdebstrap",
    [
      ...["--mode=root", "--variant=minbase", "--format=directory"],
      ...[`--include=${plan.packages.join(",")}`, options.suite, target, ...plan.sources],
    ],
    { encoding: "utf8", env: { ...process.env, LC_ALL: "C.UTF-8" } },
  );
  if (status !== 0) throw new Error(stderr);
  spawnSync("sync", ["--file-system", target]);
  const took = (performance.now() - started) / 1000;
  rmSync(target, { recursive: true });
  return took;
}

function ours(): ReturnType<typeof buildTree> {
  return buildTree(
    {
      ...{ name: "bench", recipe, recipeText: undefined, version },
      ...{ output: join(work, "ours"), logFile: join(work, "log") },
    },
    { clock: systemClock, progress: () => {} },
  );
}

async function sealing(): Promise<number> {
  const started = performance.now();
  const { bytes } = await sealTree({
    ...{ name: "bench", tree: join(work, "ours"), store, version, sealedAt: new Date() },
    origin: { made: "bench", parent: undefined, recipe: undefined },
  });
  found.imageBytes = bytes;
  return (performance.now() - started) / 1000;
}

function append(value: string, before: string[]): string[] {
  return [...before, value];
}

function table(): string {
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const rows = [
    ["work", "s", "beside mmdebstrap", "wanted"],
    ["mmdebstrap alone", medians.plain.toFixed(1), "", ""],
    ["sidus build", medians.build.toFixed(1), `${ratio.toFixed(2)} x`, `${WANTED} x`],
    ["sealing", medians.seal.toFixed(1), "", ""],
  ];
  return [
    renderTable(rows),
    `${options.suite}: image ${megabytes(found.imageBytes)}, initrd ${megabytes(found.initrdBytes)}; `,
    `${options.rounds} rounds, ${availableParallelism()} cores, ${cpus()[0]?.model}, node ${process.version}\n`,
  ].join("");
}
