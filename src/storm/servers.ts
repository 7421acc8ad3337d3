import type { Ipv4 } from "../bytes/ipv4.ts";
import type { Endpoint } from "../net/endpoint.ts";

/**
 * Where the servers are. One that is undefined is left out: what a trace wants of it is passed over. Where a node is told
 * of another (by a boot configuration's URL, say) it goes there.
 */
export interface StormServers {
  readonly dhcp: Endpoint | undefined;
  readonly tftp: Endpoint | undefined;
  readonly http: Endpoint | undefined;
  readonly nfs: NfsServer | undefined;
  readonly iscsi: IscsiServer | undefined;
}

export interface NfsServer {
  readonly address: Ipv4;
  /** Port of portmap; those of NFS and MOUNT are asked there unless they are said. Undefined: it has none, both are said. */
  readonly portmap: number | undefined;
  readonly nfs: number | undefined;
  readonly mount: number | undefined;
  /** What is mounted where no configuration says so (`nfsroot=`). */
  readonly path: string | undefined;
}

export interface IscsiServer {
  readonly local: Endpoint;
  /** Names where no configuration tells them; `{name}`, `{mac}` (without colons) and `{ip}` are the node's. */
  readonly target: string | undefined;
  readonly initiator: string | undefined;
}
