import { type Ipv4, ipv4 } from "../../bytes/ipv4.ts";
import { type MacAddress, parseMac } from "../../bytes/mac.ts";
import type { Requester } from "../files.ts";
import type { KnownNode } from "../inventory.ts";
import type { PlannedNode } from "../plan.ts";
import type { SaidIdentity, ServedSettings } from "./settings.ts";

/** Whom a configuration is for, and whether it is that node itself that asks. */

/** Whether the asker's address alone says which node of the inventory it is. */
export function isIdentified(
  { address }: Requester,
  { inventory, nodeAt }: ServedSettings,
): boolean {
  return inventory.at(address, nodeAt(address)?.mac) !== undefined;
}

/** The node that has the address from which this comes. */
export function whoAsks({ address }: Requester, settings: ServedSettings): PlannedNode {
  const mac = settings.nodeAt(address)?.mac;
  const known = settings.inventory.at(address, mac);
  return { known, address: isOf(address, known, mac, mac) ? address : undefined };
}

/** Whom `01-52-54-00-77-00-01` or `0A4D000B` names; undefined: nobody. */
export function whoIsNamed(
  asked: string,
  requester: Requester,
  settings: ServedSettings,
): PlannedNode | undefined {
  const mac = asked.startsWith("01-") ? parseMac(asked.slice(3)) : undefined;
  if (mac !== undefined) return claimed(mac, requester, settings);
  if (!/^[0-9A-F]{8}$/.test(asked)) return undefined;
  const address = ipv4(Number.parseInt(asked, 16));
  if (address === requester.address) return whoAsks(requester, settings);
  const known = settings.inventory.at(address, settings.nodeAt(address)?.mac);
  return { known, address: undefined };
}

/** Who says to have this MAC address: its plans, but its secrets only if it asks from where that node is. */
export function claimed(
  mac: MacAddress,
  { address }: Requester,
  { inventory, nodeAt }: ServedSettings,
): PlannedNode {
  const known = inventory.at(address, mac);
  return { known, address: isOf(address, known, mac, nodeAt(address)?.mac) ? address : undefined };
}

/**
 * Who asks from an address is the node it claims to be: by its lease, or where we gave none, by the configuration. A
 * volume without a name is the address's own, whoever has that.
 */
function isOf(
  address: Ipv4,
  known: KnownNode | undefined,
  claimed: MacAddress | undefined,
  leased: MacAddress | undefined,
): boolean {
  if (leased !== undefined) return leased === claimed;
  return known?.volume === undefined || known.address === address;
}

/** Any program on a node can ask so. Only iPXE is believed: later, the kernel has spoken DHCP from this address. */
export function learnSaid(
  said: SaidIdentity,
  requester: Requester,
  settings: ServedSettings,
): void {
  const facts = settings.nodeAt(requester.address);
  if (said.uuid === undefined && said.serial === undefined) return;
  if (facts === undefined || (facts.mac === said.mac && facts.isIpxe)) settings.learn(said);
}
