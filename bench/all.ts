import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Command } from "commander";

/**
 * Every bench, one after the other, as root on a machine that does nothing else; what they print is shown and written to
 * bench/RESULTS.md, with the machine, the versions and the date. `node bench/all.ts --help`.
 */

interface Bench {
  readonly title: string;
  readonly file: string;
  /** For a first look: fewer rounds, shorter loads. */
  readonly quickly: readonly string[];
}

const benches: readonly Bench[] = [
  { title: "Storms", file: "storm.ts", quickly: ["--rounds", "1"] },
  { title: "A real node beside simulated ones", file: "storm-beside.ts", quickly: [] },
  { title: "NFS", file: "nfs.ts", quickly: ["--rounds", "1", "--seconds", "1"] },
  { title: "iSCSI", file: "iscsi.ts", quickly: ["--rounds", "1", "--seconds", "1"] },
  { title: "TFTP and HTTP", file: "tftp.ts", quickly: ["--rounds", "1"] },
  { title: "DHCP", file: "dhcp.ts", quickly: ["--rounds", "1"] },
  { title: "What watching costs", file: "watch.ts", quickly: ["--servers", "2", "--rounds", "3"] },
  { title: "Start of a server", file: "serve-start.ts", quickly: [] },
  { title: "Start with a tree", file: "tree-start.ts", quickly: [] },
  { title: "Building and sealing", file: "image.ts", quickly: ["--rounds", "1"] },
  { title: "Bytes of a boot", file: "boot-bytes.ts", quickly: [] },
];

const peers = [
  ...["dnsmasq-base", "kea-dhcp4-server", "libiscsi-bin", "mmdebstrap", "nfs-ganesha"],
  ...["qemu-system-x86", "tftpd-hpa", "tgt"],
];

const names = benches.map(({ file }) => file.replace(".ts", ""));
const options = new Command()
  .option("--quick", "once each, for a first look")
  .option("--only <names...>", `of ${names.join(", ")}`)
  .option(
    "--output <file>",
    "where it is written",
    fileURLToPath(new URL("RESULTS.md", import.meta.url)),
  )
  .parse()
  .opts<{ quick?: true; only?: string[]; output: string }>();

const unknown = options.only?.filter((name) => !names.includes(name)) ?? [];
if (unknown.length > 0) {
  process.stderr.write(`there is no bench ${unknown.join(", ")}: one of ${names.join(", ")}\n`);
  process.exit(2);
}
const wanted = benches.filter(
  ({ file }) => options.only === undefined || options.only.includes(file.replace(".ts", "")),
);
const sections = [headOf()];
for (const bench of wanted) {
  process.stdout.write(`== ${bench.title} (bench/${bench.file})\n`);
  const args = options.quick === true ? bench.quickly : [];
  const { code, output } = await run(bench.file, args);
  if (code !== 0) process.exitCode = 1;
  const command = ["node", `bench/${bench.file}`, ...args].join(" ");
  const failed = code === 0 ? "" : `\nIt failed (exit ${code}): this is what it said until then.\n`;
  sections.push(
    `## ${bench.title}\n\n\`${command}\`\n${failed}\n\`\`\`\n${output.trimEnd()}\n\`\`\`\n`,
  );
  // Written at once: what comes later may take an hour, or be stopped.
  writeFileSync(options.output, sections.join("\n"));
}

/** Shows what it prints; answers it, without what it says of its progress. */
function run(file: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const program = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (bytes: Buffer) => {
    output += bytes.toString();
    process.stdout.write(bytes);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

function headOf(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const commit = said("git", ["rev-parse", "--short", "HEAD"]);
  const versions = said("dpkg-query", ["--show", ...peers])
    .replaceAll("\t", " ")
    .split("\n");
  const processors = cpus();
  const rows = [
    ["date", new Date().toISOString().slice(0, 10)],
    ["sidus", [version, commit].filter((part) => part !== "").join(", ")],
    ["machine", `${processors.length} x ${processors[0]?.model ?? "?"}, ${gib(totalmem())} GiB`],
    ["kernel", `Linux ${release()}`],
    ["Node", process.version],
    ["peers", versions.filter((line) => line !== "").join("; ") || "none installed"],
  ];
  return [
    "# What was measured\n",
    "Written by `npm run bench`. Figures of different machines, or days, say nothing beside each other: only ratios do.\n",
    "| | |\n|---|---|",
    ...rows.map(([what, is]) => `| ${what} | ${is} |`),
    "",
  ].join("\n");
}

function said(command: string, args: readonly string[]): string {
  return spawnSync(command, args, { encoding: "utf8" }).stdout?.trim() ?? "";
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(0);
}
