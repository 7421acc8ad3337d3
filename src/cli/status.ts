import { formatIpv4 } from "../bytes/ipv4.ts";
import { formatMac } from "../bytes/mac.ts";
import type { NodeBoot } from "../watch/timeline.ts";

/** What /status.json answers. */
export function statusOf(
  boots: readonly NodeBoot[],
  refused: Record<string, Record<string, number>>,
): object {
  return {
    nodes: boots.map((boot) => ({
      mac: formatMac(boot.mac),
      name: boot.name,
      address: boot.address === undefined ? undefined : formatIpv4(boot.address),
      stage: boot.stage,
      seconds: Object.fromEntries(
        [...boot.reached].map(([stage, at]) => [stage, Math.round(at - boot.startedAt) / 1000]),
      ),
      tree: boot.tree,
    })),
    refused,
  };
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
