import type { KnownNode } from "../boot/inventory.ts";
import type { Chap } from "../boot/iscsi.ts";
import { firstLabel, isForAdmin } from "../boot/plan.ts";
import { adminVolumeOf } from "../bytes/admin-volume.ts";
import { contains, formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import type { Config, NodeConfig } from "../config/config.ts";
import type { VolumeGrant } from "../plane/messages.ts";
import { chapKey, secretsOf } from "../volume/chap.ts";
import type { Current } from "./current.ts";

/** What a node must know to log in to a volume, and what the server proves to it; undefined: nothing. */
export type ChapFor = (volume: string) => Chap | undefined;

/** Who the server is to initiators that want to know. */
const SERVER_USER = "sidus";

/** @throws UserError where the key of the secrets cannot be read or made. */
export async function chapOf({ iscsi }: Config): Promise<ChapFor> {
  if (iscsi.chap === "none") return () => undefined;
  const key = await chapKey(iscsi.volumes);
  return (volume) => {
    const { secret, mutual } = secretsOf(key, volume);
    return {
      user: volume,
      secret,
      mutual: iscsi.chap === "mutual" ? { user: SERVER_USER, secret: mutual } : undefined,
    };
  };
}

/** What to warn of where a node is up without the layer that its label wants. */
export function lostLayer(
  address: Ipv4,
  layer: string | undefined,
  { config, inventory, labels }: Current,
  mac: MacAddress | undefined,
): string | undefined {
  const known = inventory.at(address, mac);
  const label = labels.get(firstLabel(known, config.boot));
  if (label?.kind !== "linux" || label.layer === "none") return undefined;
  const who = known?.name ?? formatIpv4(address);
  if (layer === undefined || layer === "none") {
    return `${who} is up and can write nothing, though its label wants the layer ${label.layer}: its initrd has no rootaufs (sidus build makes one)`;
  }
  if (label.layer !== "iscsi" || layer !== "tmpfs") return undefined;
  return `${who} is up without its volume and keeps nothing: its console says why, after "rootaufs:"`;
}

/**
 * The volume of the node that has this address, `mac` as we know: the one that the configuration names, or else the
 * address's. Where its label is for administration, the one for that besides.
 */
export function grantsFor(
  address: Ipv4,
  { config, inventory, labels }: Current,
  mac: MacAddress | undefined,
  chapFor: ChapFor,
): readonly VolumeGrant[] {
  const known = inventory.at(address, mac);
  if (known === undefined && (config.dhcp.denyUnknown || !isOurs(address, config))) return [];
  const volume = known?.volume ?? formatIpv4(address);
  const node = known === undefined ? undefined : configured(known, config);
  const bytes = node?.volume.bytes ?? config.iscsi.bytes;
  const whose = known?.mac ?? mac ?? formatIpv4(address);
  const label = labels.get(firstLabel(known, config.boot));
  const volumes = isForAdmin(label) ? [volume, adminVolumeOf(volume)] : [volume];
  return volumes.map((name) => ({ volume: name, node: whose, bytes, chap: chapFor(name) }));
}

function isOurs(address: Ipv4, { subnet, dhcp }: Config): boolean {
  return [subnet, ...dhcp.subnets.map(({ network }) => network)].some((network) =>
    contains(network, address),
  );
}

/** Each node has at least one of the three, which no other has. */
function configured({ mac, uuid, serial }: KnownNode, { nodes }: Config): NodeConfig | undefined {
  return nodes.find((node) => node.mac === mac && node.uuid === uuid && node.serial === serial);
}
