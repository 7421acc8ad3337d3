import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { Command, InvalidArgumentError, Option } from "commander";
import { runAsNamespaceRoot } from "../image/namespace/user-namespace.ts";
import { firmwares } from "./demo/firmware.ts";
import { type InsideOptions, runInside } from "./demo/inside.ts";
import { demoSource } from "./demo/tree.ts";
import { installMissing, requirePackages } from "./packages.ts";
import { inPrivateNetwork } from "./private-network.ts";

/** The display has a line a node, and each node takes its memory. */
const NODES_MAX = 32;

interface DemoOptions {
  readonly nodes: number;
  readonly layer: InsideOptions["layer"];
  readonly firmware: InsideOptions["firmware"];
  readonly memory: number;
  readonly timeout: number;
  readonly tree?: string;
  readonly console?: true;
  readonly check?: true;
  readonly json?: true;
  readonly kvm?: true;
  readonly fix?: true;
}

export function demoCommand(): Command {
  return new Command("demo")
    .description(
      "Watch diskless QEMU nodes PXE-boot from one tree, in a private network; nothing on this machine is changed.",
    )
    .option("--nodes <n>", "how many nodes boot at once", wholeNumber(1, NODES_MAX), 1)
    .addOption(
      new Option(
        "--layer <layer>",
        "where a node's changes go; iscsi: they are there after its reboot",
      )
        .choices(["tmpfs", "iscsi"])
        .default("tmpfs"),
    )
    .addOption(
      new Option("--firmware <firmware>", "what the nodes start with")
        .choices(firmwares)
        .default("bios"),
    )
    .option("--console", "show the first node's console here, to log in; Ctrl-] ends it")
    .option(
      "--check",
      "stop when all are up (exit 0) or one cannot come up (exit 1); so too without a terminal",
    )
    .option("--json", "with --check: answer stages and times as JSON")
    .option("--tree <dir>", "boot this tree instead of one built into the cache")
    .option("--memory <MiB>", "memory of each node", wholeNumber(256, 65_536), 1024)
    .option(
      "--timeout <seconds>",
      "with --check: how long the boots may take",
      wholeNumber(1, 86_400),
      600,
    )
    .option("--fix", "first install the Debian packages that are missing, after saying which")
    .option("--kvm", "let QEMU use KVM instead of emulating the processor")
    .addHelpText(
      "after",
      `
The first run builds a small Debian tree into the cache directory ($XDG_CACHE_HOME or ~/.cache); that takes some minutes.
The nodes' user is root, the password sidus. Without root, all of it runs in a user namespace, from a sealed image.

Example:
  sidus demo --nodes 2
  sidus demo --console
  sidus demo --firmware secure-boot
  sidus demo --layer iscsi --console`,
    )
    .action(demo);
}

/** Not for people: the part of the demonstration that runs in its own namespaces. */
export function demoInsideCommand(): Command {
  return new Command("demo-inside").argument("<options>").action(async (options: string) => {
    process.exitCode = await runInside(JSON.parse(options));
  });
}

async function demo(options: DemoOptions): Promise<void> {
  if (options.fix === true) await installMissing(["demo"]);
  requirePackages("demo");
  if (process.getuid?.() !== 0) {
    process.exitCode = await runAsNamespaceRoot(process.argv.slice(2));
    return;
  }
  const check = options.check === true || !process.stdout.isTTY;
  const tree = options.tree === undefined ? await demoSource() : { source: resolve(options.tree) };
  const work = mkdtempSync(join(tmpdir(), "sidus-demo-"));
  try {
    process.exitCode = await inPrivateNetwork([
      "demo-inside",
      JSON.stringify({
        tree,
        work,
        nodes: options.nodes,
        layer: options.layer,
        firmware: options.firmware,
        memory: options.memory,
        timeout: options.timeout,
        kvm: options.kvm === true,
        console: options.console === true,
        check,
        json: options.json === true,
      } satisfies InsideOptions),
    ]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
  };
}
