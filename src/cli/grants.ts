import type { Chap } from "../boot/iscsi.ts";
import { contains, formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import type { Config } from "../config/config.ts";
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

/** The volume of the node that has this address: the one that the configuration names, or else the address's. */
export function grantsFor(
  address: Ipv4,
  { config, inventory }: Current,
  mac: MacAddress | undefined,
  chapFor: ChapFor,
): readonly VolumeGrant[] {
  const known = (mac && inventory.byMac(mac)) ?? inventory.byAddress(address);
  const isStranger = known === undefined && mac === undefined;
  if (isStranger && (config.dhcp.denyUnknown || !contains(config.subnet, address))) return [];
  const volume = known?.volume ?? formatIpv4(address);
  const node = config.nodes.find((one) => one.mac === known?.mac);
  return [{ volume, bytes: node?.volume.bytes ?? config.iscsi.bytes, chap: chapFor(volume) }];
}
