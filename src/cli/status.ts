import process from "node:process";
import { Command } from "commander";
import { z } from "zod";
import { formatIpv4 } from "../bytes/ipv4.ts";
import { formatMac, type MacAddress } from "../bytes/mac.ts";
import { STATUS_PAUSE_TIMES } from "../limits.ts";
import type { Clock, Instant } from "../net/clock.ts";
import { architectureName } from "../watch/architecture.ts";
import { timeText } from "../watch/describe.ts";
import type { NodeBoot } from "../watch/timeline.ts";
import { type Asked, askServer, withServerOptions } from "./ask.ts";
import { renderTable } from "./table.ts";

export interface StatusParts {
  readonly boots: readonly NodeBoot[];
  readonly refused: Record<string, Record<string, number>>;
  readonly now: Instant;
  /** Whether the configuration names the node. */
  readonly isKnown: (mac: MacAddress) => boolean;
}

/** What /status.json answers: every node that was heard, answered or not. */
export function statusOf({ boots, refused, now, isKnown }: StatusParts): object {
  return { nodes: boots.map((boot) => nodeOf(boot, now, isKnown(boot.mac))), refused };
}

/** Made anew only after some times as long as that took: who asks again and again gets the same, and no core. */
export function seldomMade(clock: Pick<Clock, "now">, make: () => object): () => object {
  let made: object | undefined;
  let until = 0;
  return () => {
    const before = clock.now();
    if (made !== undefined && before < until) return made;
    made = make();
    until = clock.now() + STATUS_PAUSE_TIMES * (clock.now() - before);
    return made;
  };
}

function nodeOf(boot: NodeBoot, now: Instant, known: boolean): z.input<typeof nodeShape> {
  const { mac, name, address, firmware, architecture, stage, reached, startedAt, tree } = boot;
  return {
    mac: formatMac(mac),
    name,
    address: address === undefined ? undefined : formatIpv4(address),
    known,
    firmware,
    architecture,
    stage,
    seconds: Object.fromEntries(
      [...reached].map(([reachedStage, at]) => [reachedStage, Math.round(at - startedAt) / 1000]),
    ),
    lastHeardSecondsAgo: Math.round((now - boot.lastHeardAt) / 1000),
    tree,
  };
}

const nodeShape = z.object({
  mac: z.string(),
  name: z.string().optional(),
  address: z.string().optional(),
  known: z.boolean(),
  firmware: z.string().optional(),
  /** Option 93. */
  architecture: z.number().optional(),
  /** `heard`, or the last of those below `seconds`. */
  stage: z.string(),
  /** After the beginning of the boot. */
  seconds: z.record(z.string(), z.number()),
  lastHeardSecondsAgo: z.number(),
  tree: z.string().optional(),
});

/** As far as commands use it. */
export const statusShape = z.object({ nodes: z.array(nodeShape) });
export type StatusNode = z.infer<typeof nodeShape>;

export function statusCommand(): Command {
  return withServerOptions(new Command("status"))
    .description("Show what every node is doing, as the running server sees it.")
    .addHelpText(
      "after",
      `
Exits with 1 when no server answers. sidus explain says more of one node.

Example:
  sidus status --config /etc/sidus.yaml`,
    )
    .action(status);
}

async function status(given: Asked): Promise<void> {
  process.stdout.write(await statusText(given));
}

/** @throws UserError */
export async function statusText(given: Asked): Promise<string> {
  const { body, read } = await askServer(given, "/status.json", statusShape);
  return given.json === true ? `${body}\n` : renderStatus(read.nodes);
}

function renderStatus(nodes: readonly StatusNode[]): string {
  if (nodes.length === 0) return "no node was heard since the server was started\n";
  return renderTable([
    ["NODE", "MAC", "ADDRESS", "FIRMWARE", "STAGE", "AFTER", "LAST HEARD", "RUNS"],
    ...nodes.map((node) => [
      node.name ?? (node.known ? "-" : "unknown"),
      node.mac,
      node.address ?? "-",
      firmwareText(node),
      node.stage,
      afterText(node),
      `${timeText(node.lastHeardSecondsAgo * 1000)} ago`,
      node.tree ?? "",
    ]),
  ]);
}

function firmwareText({ firmware, architecture }: StatusNode): string {
  const name = architecture === undefined ? "-" : architectureName(architecture);
  return firmware === "ipxe" ? `${name}, iPXE` : name;
}

function afterText({ stage, seconds }: StatusNode): string {
  const after = seconds[stage];
  return after === undefined ? "-" : `${after.toFixed(1)} s`;
}

/** Out of the `key: value` lines that a node posts when it is up: `sidus, built 2026-01-31T12:00:00Z`. */
export function treeOf(body: string): string {
  const built = valueIn(body, "built");
  return [valueIn(body, "tree") ?? "?", built].filter((part) => part).join(", built ");
}

/** Where its changes go, as it says itself. */
export function layerOf(body: string): string | undefined {
  return valueIn(body, "layer");
}

/** Printable only: it is logged. */
function valueIn(body: string, key: string): string | undefined {
  return new RegExp(`^${key}: *([\\x20-\\x7e]{1,100})$`, "m").exec(body)?.[1]?.trim();
}
