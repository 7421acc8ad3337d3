import type { NodeFacts } from "../boot/facts.ts";
import type { Pool } from "./pool.ts";

/** What the administrator decides. Asked for at each message, so that a reload needs no restart; only `serverAddress` must stay. */
export interface DhcpSettings extends Pool {
  readonly leaseSeconds: number | "infinite";
  readonly domain: string | undefined;
  /** Only nodes of the inventory are answered. */
  readonly denyUnknown: boolean;
  /** The loader for firmware that netboots: a path for TFTP, or a URL. */
  readonly bootFile: (facts: NodeFacts) => string | undefined;
  /** Option 17 for what asks for it and is not firmware: `10.0.0.1:/srv/nfsroot/sidus`. */
  readonly rootPath: (facts: NodeFacts) => string | undefined;
}

/** Well-known ports (RFC 2131 §4.1), others where tests need them. */
export interface DhcpPorts {
  readonly server: number;
  readonly client: number;
}
