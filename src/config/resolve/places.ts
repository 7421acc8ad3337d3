import { type Cidr, contains, formatCidr, formatIpv4, type Ipv4 } from "../../bytes/ipv4.ts";
import type { LabelConfig } from "../config.ts";
import type { Path, Source } from "../source.ts";

/** Refuses what names a label, or a network, that is not there. */

export function inNetworks(
  source: Source,
  path: Path,
  address: Ipv4,
  networks: readonly Cidr[],
): void {
  if (networks.some((network) => contains(network, address))) return;
  const [own, ...others] = networks.map(formatCidr);
  const relayed = others.length === 0 ? "" : `, or in ${others.join(", ")}`;
  throw source.complain(
    path,
    `expected an address in ${own}, the network of the interface${relayed}, found ${formatIpv4(address)}`,
  );
}

export function knownLabel(
  source: Source,
  path: Path,
  label: string | undefined,
  labels: ReadonlyMap<string, LabelConfig>,
): void {
  if (label === undefined || labels.has(label)) return;
  throw source.complain(path, `expected one of ${[...labels.keys()].join(", ")}, found "${label}"`);
}
