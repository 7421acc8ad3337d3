import { type Cidr, contains, formatCidr, formatIpv4, type Ipv4 } from "../../bytes/ipv4.ts";
import type { InterfaceAddress } from "../../net/interfaces.ts";
import type { DhcpConfig, SubnetConfig } from "../config.ts";
import type { Written } from "../schema.ts";
import type { Path, Source } from "../source.ts";

type WrittenDhcp = NonNullable<Written["dhcp"]>;
type WrittenSubnet = NonNullable<WrittenDhcp["subnets"]>[number];

const LEASE_SECONDS_DEFAULT = 12 * 3600;

/** What means something only to who gives addresses. */
const ofServers = ["range", "lease", "router", "dns", "domain", "subnets"] as const;
/** What means something only to who answers. */
const ofAnswers = ["deny-unknown", "allow"] as const;

export function dhcpOf(written: Written, source: Source, own: InterfaceAddress): DhcpConfig {
  const dhcp = written.dhcp ?? {};
  const mode = dhcp.mode ?? "server";
  refuseIdleKeys(dhcp, mode, source);
  if (dhcp.allow?.length === 0) {
    throw source.complain(
      ["dhcp", "allow"],
      "expected one MAC address at least; without this key everybody is answered",
    );
  }
  const [first, ...others] = [
    subnetOf(dhcp, own.subnet, ["dhcp"], source),
    ...(dhcp.subnets ?? []).map((entry, index) => relayedOf(entry, dhcp, index, source)),
  ];
  if (first === undefined) throw new Error("an interface without a network");
  refuseOverlaps([first, ...others], source);
  const subnets = [first, ...others];
  const hasReservations = (written.nodes ?? []).some((node) => node.ip !== undefined);
  const hasRanges = subnets.some(({ ranges }) => ranges.length > 0);
  if (mode === "server" && !hasRanges && !hasReservations) {
    throw source.complain(
      ["dhcp"],
      "expected range: FIRST-LAST (or nodes with ip:), found nothing to hand out; mode: proxy leaves that to another server, mode: off serves no DHCP",
    );
  }
  return {
    mode,
    subnets,
    denyUnknown: dhcp["deny-unknown"] ?? false,
    allow: dhcp.allow ?? [],
  };
}

function refuseIdleKeys(dhcp: WrittenDhcp, mode: DhcpConfig["mode"], source: Source): void {
  if (mode === "server") return;
  const idle = mode === "proxy" ? ofServers : [...ofServers, ...ofAnswers];
  const found = idle.find((key) => dhcp[key] !== undefined);
  if (found === undefined) return;
  const why =
    mode === "proxy" ? "the addresses are another server's to give" : "no DHCP is served at all";
  throw source.complain(
    ["dhcp", found],
    `means nothing with mode: ${mode}, where ${why}; remove it, or choose another mode`,
  );
}

/** A network behind a relay: what it does not say of leases, name servers and domain is as on our own. */
function relayedOf(
  entry: WrittenSubnet,
  dhcp: WrittenDhcp,
  index: number,
  source: Source,
): SubnetConfig {
  const path = ["dhcp", "subnets", index];
  if (entry.router === undefined) {
    throw source.complain(
      path,
      "expected router: ADDRESS, as its nodes reach this server through one, found nothing",
    );
  }
  const { lease, dns, domain } = dhcp;
  const inherited = {
    ...entry,
    lease: entry.lease ?? lease,
    dns: entry.dns ?? dns,
    domain: entry.domain ?? domain,
  };
  return subnetOf(inherited, entry.network, path, source);
}

function subnetOf(
  entry: Omit<WrittenSubnet, "network">,
  network: Cidr,
  path: Path,
  source: Source,
): SubnetConfig {
  const ranges = entry.range ?? [];
  const inside = (key: string, address: Ipv4): void => {
    if (contains(network, address)) return;
    const whose = path.length === 1 ? ", the network of the interface" : "";
    throw source.complain(
      [...path, key],
      `expected an address in ${formatCidr(network)}${whose}, found ${formatIpv4(address)}`,
    );
  };
  for (const { first, last } of ranges) {
    inside("range", first);
    inside("range", last);
  }
  if (entry.router !== undefined) inside("router", entry.router);
  return {
    network,
    ranges,
    leaseSeconds: entry.lease ?? LEASE_SECONDS_DEFAULT,
    router: entry.router,
    dns: entry.dns ?? [],
    domain: entry.domain,
  };
}

function refuseOverlaps(subnets: readonly SubnetConfig[], source: Source): void {
  subnets.forEach(({ network }, at) => {
    const other = subnets
      .slice(0, at)
      .map((subnet) => subnet.network)
      .find((before) => contains(before, network.network) || contains(network, before.network));
    if (other === undefined) return;
    throw source.complain(
      ["dhcp", "subnets", at - 1, "network"],
      `${formatCidr(network)} overlaps ${formatCidr(other)}; a node is in one network only`,
    );
  });
}
