import process from "node:process";
import { Command } from "commander";
import { z } from "zod";
import { formatIpv4 } from "../bytes/ipv4.ts";
import { formatMac, type MacAddress } from "../bytes/mac.ts";
import { STATUS_PAUSE_TIMES } from "../limits.ts";
import type { Clock, Instant } from "../net/clock.ts";
import { architectureName } from "../watch/architecture.ts";
import { shortDigest, timeText } from "../watch/describe.ts";
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
  const { mac, name, address, firmware, architecture, stage, reached, startedAt } = boot;
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
    tree: boot.tree,
    digest: boot.digest,
    base: boot.base,
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
  /** SHA-256 of the sealed version that it runs, as it says. */
  digest: z.string().optional(),
  /** Of the version on which its layer was begun. */
  base: z.string().optional(),
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
      runsText(node),
    ]),
  ]);
}

function firmwareText({ firmware, architecture }: StatusNode): string {
  const name = architecture === undefined ? "-" : architectureName(architecture);
  return firmware === "ipxe" ? `${name}, iPXE` : name;
}

function runsText({ tree = "", digest }: StatusNode): string {
  return digest === undefined ? tree : `${tree}, version ${shortDigest(digest)}`;
}

function afterText({ stage, seconds }: StatusNode): string {
  const after = seconds[stage];
  return after === undefined ? "-" : `${after.toFixed(1)} s`;
}
