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

/** Out of the `key: value` lines that a node posts when it is up: `sidus, built 2026-01-31T12:00:00Z`. Printable only: it is logged. */
export function treeOf(body: string): string {
  const value = (key: string): string | undefined =>
    new RegExp(`^${key}: *([\\x20-\\x7e]{1,100})$`, "m").exec(body)?.[1]?.trim();
  return [value("tree") ?? "?", value("built")].filter((part) => part).join(", built ");
}
