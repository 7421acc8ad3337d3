import { formatIpv4 } from "../../bytes/ipv4.ts";
import { formatMac } from "../../bytes/mac.ts";
import type { Config, NodeConfig } from "../../config/config.ts";
import { timeText } from "../../watch/describe.ts";
import type { StatusNode } from "../status-answer.ts";
import { renderTable } from "../table.ts";

/** A node that the configuration names, that the server heard, or both. */
export interface ListedNode {
  readonly name: string | undefined;
  readonly mac: string | undefined;
  readonly uuid: string | undefined;
  readonly serial: string | undefined;
  readonly address: string | undefined;
  readonly label: string;
  /** Whether the configuration names it. */
  readonly known: boolean;
  /** Undefined: it was not heard. */
  readonly stage: string | undefined;
  readonly lastHeardSecondsAgo: number | undefined;
}

/** Those of the configuration in its order, then the others in that of the server. */
export function joined({ boot, nodes }: Config, heard: readonly StatusNode[]): ListedNode[] {
  const heardOf = finder(heard);
  const named = nodes.map((node) => ({ node, one: heardOf(node) }));
  const taken = new Set(named.map(({ one }) => one));
  return [
    ...named.map(({ node, one }) => ({
      name: node.name,
      mac: node.mac === undefined ? one?.mac : formatMac(node.mac),
      uuid: node.uuid,
      serial: node.serial,
      address: addressText(node) ?? one?.address,
      label: node.label ?? boot.default,
      known: true,
      stage: one?.stage,
      lastHeardSecondsAgo: one?.lastHeardSecondsAgo,
    })),
    ...heard
      .filter((one) => !taken.has(one))
      .map(({ name, mac, address, known, stage, lastHeardSecondsAgo }) => ({
        name,
        mac,
        uuid: undefined,
        serial: undefined,
        address,
        label: known ? boot.default : (boot.unknown ?? boot.default),
        known,
        stage,
        lastHeardSecondsAgo,
      })),
  ];
}

/** Who is known by its UUID or serial number has the name, or else the address, that the configuration gives it. */
function finder(heard: readonly StatusNode[]): (node: NodeConfig) => StatusNode | undefined {
  const known = heard.filter((one) => one.known);
  const macs = new Map(heard.map((one) => [one.mac, one]));
  const names = new Map(known.map((one) => [one.name, one]));
  const addresses = new Map(known.map((one) => [one.address, one]));
  return (node) => {
    if (node.mac !== undefined) return macs.get(formatMac(node.mac));
    if (node.name !== undefined) return names.get(node.name);
    return node.address === undefined ? undefined : addresses.get(addressText(node));
  };
}

function addressText({ address }: NodeConfig): string | undefined {
  return address === undefined ? undefined : formatIpv4(address);
}

export function renderNodes(nodes: readonly ListedNode[]): string {
  if (nodes.length === 0) return "no nodes\n";
  return renderTable([
    ["NAME", "MAC", "ADDRESS", "LABEL", "STAGE", "LAST HEARD"],
    ...nodes.map((node) => [
      node.name ?? (node.known ? "-" : "unknown"),
      node.mac ?? node.serial ?? node.uuid ?? "-",
      node.address ?? "-",
      node.label,
      node.stage ?? "-",
      heardText(node),
    ]),
  ]);
}

function heardText({ lastHeardSecondsAgo: seconds }: ListedNode): string {
  return seconds === undefined ? "-" : `${timeText(seconds * 1000)} ago`;
}
