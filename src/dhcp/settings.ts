import type { NodeFacts } from "../boot/facts.ts";
import type { Inventory } from "../boot/inventory.ts";
import type { Cidr, Ipv4, Ipv4Range } from "../bytes/ipv4.ts";
import type { MacPattern } from "../bytes/mac.ts";

/** What the administrator decides. Asked for at each message, so that a reload needs no restart; only `serverAddress` must stay. */
export interface DhcpSettings {
  readonly serverAddress: Ipv4;
  /** The interface's own network first; the others are reached through relays. */
  readonly subnets: readonly DhcpSubnet[];
  readonly inventory: Inventory;
  /** Only nodes of the inventory are answered. */
  readonly denyUnknown: boolean;
  /** Who is answered at all; none: everybody. */
  readonly allow: readonly MacPattern[];
  /** The loader for firmware that netboots: a path for TFTP, or a URL. */
  readonly bootFile: (facts: NodeFacts) => string | undefined;
  /** Option 17 for what asks for it and is not firmware: `10.0.0.1:/srv/nfsroot/sidus`. */
  readonly rootPath: (facts: NodeFacts) => string | undefined;
}

export interface DhcpSubnet {
  readonly network: Cidr;
  readonly ranges: readonly Ipv4Range[];
  readonly leaseSeconds: number | "infinite";
  readonly router: Ipv4 | undefined;
  readonly dns: readonly Ipv4[];
  readonly domain: string | undefined;
}

/** Well-known ports (RFC 2131 §4.1), others where tests need them. */
export interface DhcpPorts {
  readonly server: number;
  readonly client: number;
}
