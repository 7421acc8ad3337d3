import { availableParallelism, totalmem } from "node:os";
import { formatIpv4 } from "../bytes/ipv4.ts";
import { CACHE_CONFIGURED_BYTES_MIN, CACHE_DEFAULT_BYTES_MAX, THREADS_MAX } from "../limits.ts";
import { formatInterface, type InterfaceAddress } from "../net/interfaces.ts";
import type { Config, IscsiConfig } from "./config.ts";
import { bootOf } from "./resolve/boot.ts";
import { dhcpOf } from "./resolve/dhcp.ts";
import { exportsOf, withoutTrailingSlash } from "./resolve/exports.ts";
import { nodesOf } from "./resolve/nodes.ts";
import { portsOf } from "./resolve/ports.ts";
import type { Written } from "./schema.ts";
import type { Source } from "./source.ts";

const VOLUME_BYTES_DEFAULT = 8 * 2 ** 30;

/** Fills in what the file leaves out, and checks what hangs together. */
export function resolveConfig(
  written: Written,
  source: Source,
  interfaces: readonly InterfaceAddress[],
): Config {
  const own = ownAddress(written, source, interfaces);
  const dhcp = dhcpOf(written, source, own);
  const networks = dhcp.subnets.map((subnet) => subnet.network);
  const exports = exportsOf(written, source, networks);
  const boot = bootOf(written, source, exports);
  const state = written.state ?? "/var/lib/sidus";
  return {
    file: source.file,
    interface: own.name,
    address: own.address,
    subnet: own.subnet,
    state,
    images: written.images ?? "/var/lib/sidus/images",
    imageKeys: written["image-keys"],
    threads: written.threads ?? Math.min(availableParallelism(), THREADS_MAX),
    cache: written.cache ?? defaultCache(),
    ports: portsOf(written, source),
    dhcp,
    iscsi: iscsiOf(written, state),
    exports,
    boot,
    nodes: nodesOf(written, source, { own, dhcp, labels: boot.labels }),
    log: { level: written.log?.level ?? "info" },
  };
}

/** A quarter of the memory, within bounds. */
function defaultCache(): number {
  const quarter = Math.floor(totalmem() / 4);
  return Math.max(CACHE_CONFIGURED_BYTES_MIN, Math.min(quarter, CACHE_DEFAULT_BYTES_MAX));
}

function ownAddress(
  written: Written,
  source: Source,
  interfaces: readonly InterfaceAddress[],
): InterfaceAddress {
  const ofInterface = interfaces.filter((found) => found.name === written.interface);
  const [first] = ofInterface;
  if (first === undefined) {
    const there = interfaces.map(formatInterface).join(", ") || "none";
    throw source.complain(
      ["interface"],
      `no interface "${written.interface}" with an IPv4 address; this machine has: ${there}`,
    );
  }
  if (written.address === undefined) return first;
  const chosen = ofInterface.find((found) => found.address === written.address);
  if (chosen !== undefined) return chosen;
  const there = ofInterface.map(formatInterface).join(", ");
  throw source.complain(
    ["address"],
    `${formatIpv4(written.address)} is not an address of ${written.interface}; it has: ${there}`,
  );
}

function iscsiOf({ iscsi }: Written, state: string): IscsiConfig {
  return {
    iqn: iscsi?.iqn ?? "iqn.2013-04.zone.sidus.target",
    bytes: iscsi?.size ?? VOLUME_BYTES_DEFAULT,
    chap: iscsi?.chap ?? "none",
    volumes: iscsi?.volumes ?? `${withoutTrailingSlash(state)}/volumes`,
  };
}
