import type { NodeFacts } from "../boot/facts.ts";
import type { LoaderSettings, Loaders } from "../boot/loaders.ts";
import { firstLabel } from "../boot/plan.ts";
import type { ServedSettings } from "../boot/served.ts";
import { formatIpv4 } from "../bytes/ipv4.ts";
import type { ProxySettings } from "../dhcp/proxy/answer.ts";
import type { DhcpSettings } from "../dhcp/settings.ts";
import type { Current } from "./current.ts";
import type { ChapFor } from "./grants.ts";

/** What each server asks for, out of what holds just now. */

export type BootFileFor = (facts: NodeFacts) => string | undefined;

export function loaderSettings({ config, inventory, loaders }: Current): LoaderSettings {
  return {
    serverAddress: config.address,
    httpPort: config.ports.http,
    available: loaders,
    choiceOf: ({ mac }) => inventory.byMac(mac)?.loader ?? config.boot.loader,
    proxied: config.dhcp.mode === "proxy",
  };
}

export function proxySettings(
  { config, inventory }: Current,
  bootFile: BootFileFor,
): ProxySettings {
  const { denyUnknown, allow } = config.dhcp;
  return { serverAddress: config.address, inventory, denyUnknown, allow, bootFile };
}

export function dhcpSettings(current: Current, bootFile: BootFileFor): DhcpSettings {
  const { config, inventory, exports, labels } = current;
  return {
    ...proxySettings(current, bootFile),
    subnets: config.dhcp.subnets,
    rootPath({ mac }) {
      const label = labels.get(firstLabel(inventory.byMac(mac), config.boot));
      const from = label?.kind === "linux" ? label.export : exports[0];
      return from === undefined ? undefined : `${formatIpv4(config.address)}:${from.path}`;
    },
  };
}

export function servedSettings(
  { config, inventory, exports, overlay, labels }: Current,
  chapFor: ChapFor,
  others: Pick<ServedSettings, "nodeAt" | "learn"> & { readonly loaders: Loaders },
): ServedSettings {
  const { boot, ports, iscsi } = config;
  return {
    boot: {
      serverAddress: config.address,
      httpPort: ports.http,
      nfsPort: ports.nfs,
      iscsi: { port: ports.iscsi, iqn: iscsi.iqn, chapFor },
      default: boot.default,
      unknown: boot.unknown,
      menuSeconds: boot.menuSeconds,
      labels,
    },
    inventory,
    exports,
    overlay,
    ...others,
  };
}
