import type { Ipv4 } from "../bytes/ipv4.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { Traffic } from "../net/traffic.ts";
import type { BootEvent, Protocol } from "../watch/events.ts";
import { freeEndpoint } from "./free-endpoint.ts";
import type { VolumeGrant } from "./messages.ts";
import { PlaneThread, type Unasked } from "./thread.ts";

export interface IscsiOptions {
  /** Port 0 lets the system choose. */
  readonly local: Endpoint;
  /** Targets are this, a colon, and the name of their volume. */
  readonly iqn: string;
  /** Directory of the volumes. */
  readonly volumes: string;
  /** Which volumes an address may have, now. */
  readonly grants: (address: Ipv4) => Promise<readonly VolumeGrant[]>;
  /** Addresses that have connections: told every now and then. */
  readonly present: (addresses: readonly Ipv4[]) => void;
  /** What was moved since this was last said. */
  readonly moved?: (protocol: Protocol, traffic: Traffic) => void;
  readonly tell: (event: BootEvent) => void;
  readonly warn: (text: string) => void;
  readonly report: (what: string, error: unknown) => void;
  /** The thread ended, though nobody stopped it: no volume is served any more. */
  readonly failed: (error: unknown) => void;
}

type Grants = Extract<Unasked, { kind: "grants" }>;

export interface Iscsi extends AsyncDisposable {
  readonly local: Endpoint;
}

/**
 * Starts the thread that serves iSCSI. It is one, since all sessions of a volume must agree on its reservations and on
 * the order of what they write; who may have which volume is asked of the main thread at each login.
 * @throws UserError where the port is taken or the volumes are another process's.
 */
export async function openIscsi(options: IscsiOptions): Promise<Iscsi> {
  const { iqn, volumes, failed } = options;
  const local = await freeEndpoint(options.local);
  function hear(message: Unasked, from: PlaneThread): void {
    switch (message.kind) {
      case "told":
        message.events.forEach(options.tell);
        break;
      case "warned":
        options.warn(message.text);
        break;
      case "report":
        options.report(message.what, message.error);
        break;
      case "present":
        options.present(message.addresses);
        break;
      case "traffic":
        options.moved?.(message.protocol, message.traffic);
        break;
      case "grants":
        grant(message, from).catch((error) => options.report("iSCSI login", error));
        break;
      default:
        throw new Error(`the thread that serves iSCSI says ${message.kind}`);
    }
  }
  async function grant({ ticket, address }: Grants, from: PlaneThread): Promise<void> {
    from.post({ kind: "granted", ticket, grants: await options.grants(address) });
  }
  const thread = new PlaneThread({ start: { kind: "iscsi", local, iqn, volumes }, hear, failed });
  await thread.listening();
  return { local, [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose]() };
}
