import type { NodeFacts } from "../boot/facts.ts";
import type { Ipv4 } from "../bytes/ipv4.ts";
import type { Config } from "../config/config.ts";
import type { LeaseStore } from "../dhcp/leases.ts";
import { serveProxyDhcp } from "../dhcp/proxy/server.ts";
import { type DhcpServer, serveDhcp } from "../dhcp/server.ts";
import type { Clock } from "../net/clock.ts";
import type { BootEvent } from "../watch/events.ts";
import type { Current } from "./current.ts";
import { type BootFileFor, dhcpSettings, proxySettings } from "./room-settings.ts";

/** Who has which address, as far as DHCP says. */
export type Addresses = AsyncDisposable &
  Pick<DhcpServer, "nodeAt"> &
  Partial<Pick<DhcpServer, "countLeases">>;

interface AddressesDeps {
  readonly clock: Clock;
  readonly store: LeaseStore;
  readonly current: () => Current;
  readonly bootFile: BootFileFor;
  readonly isPresent: (address: Ipv4) => boolean;
  readonly learn: (facts: NodeFacts) => void;
  readonly tell: (event: BootEvent) => void;
  readonly warn: (text: string) => void;
  readonly report: (what: string, error: unknown) => void;
}

/** The DHCP server, the ProxyDHCP server, or neither. */
export async function openAddresses(
  { dhcp, ports }: Config,
  { current, bootFile, ...deps }: AddressesDeps,
): Promise<Addresses | undefined> {
  const own = { server: ports.dhcp, client: ports.dhcp + 1 };
  switch (dhcp.mode) {
    case "server":
      return serveDhcp({ ...deps, settings: () => dhcpSettings(current(), bootFile), ports: own });
    case "proxy":
      return serveProxyDhcp({
        ...deps,
        settings: () => proxySettings(current(), bootFile),
        ports: { ...own, proxy: ports.proxy },
      });
    case "off":
      return undefined;
  }
}
