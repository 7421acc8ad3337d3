import type { Ipv4 } from "../bytes/ipv4.ts";
import { TFTP_TRANSFERS_MAX, TFTP_TRANSFERS_PER_HOST_MAX } from "../limits.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { Refusal } from "./request.ts";
import type { Session } from "./session.ts";

/** One client's address and port, and what it asked for: on its way to a session, or there. */
export interface Entry {
  readonly client: Endpoint;
  /** The datagram that asked, to know it again. */
  readonly request: string;
  /** Undefined until its file was found. */
  session: Session | undefined;
}

/** All transfers, at most one for each client's address and port; bounded in all and for each host. */
export class Table {
  readonly #entries = new Map<number, Entry>();
  /** Those whose client only asked so far, the oldest first: its address can be forged. */
  readonly #unanswered = new Set<Entry>();
  readonly #perHost = new Map<Ipv4, number>();

  get all(): Iterable<Entry> {
    return this.#entries.values();
  }

  /**
   * Who makes room for a transfer to a host: its longest stalled one, where it has as many as it may have; else, where the
   * table is full, the oldest that never answered. Undefined: there is room, or nobody makes it.
   */
  superfluous(host: Ipv4): Entry | undefined {
    if ((this.#perHost.get(host) ?? 0) >= TFTP_TRANSFERS_PER_HOST_MAX) {
      return longestStalled([...this.all].filter(({ client }) => client.address === host));
    }
    if (this.#entries.size < TFTP_TRANSFERS_MAX) return undefined;
    return this.#unanswered.values().next().value ?? longestStalled([...this.all]);
  }

  get(client: Endpoint): Entry | undefined {
    return this.#entries.get(keyOf(client));
  }

  /** False once the entry was removed, also when another took its place. */
  has(entry: Entry): boolean {
    return this.get(entry.client) === entry;
  }

  /** The entry, unless a limit stands against it. */
  add(client: Endpoint, request: string): Entry | Refusal {
    const ofHost = this.#perHost.get(client.address) ?? 0;
    if (this.#entries.size >= TFTP_TRANSFERS_MAX) return "too many transfers";
    if (ofHost >= TFTP_TRANSFERS_PER_HOST_MAX) return "too many transfers to one host";
    const entry: Entry = { client, request, session: undefined };
    this.#entries.set(keyOf(client), entry);
    this.#unanswered.add(entry);
    this.#perHost.set(client.address, ofHost + 1);
    return entry;
  }

  answered(entry: Entry): void {
    this.#unanswered.delete(entry);
  }

  remove(entry: Entry): void {
    if (!this.has(entry)) return;
    this.#unanswered.delete(entry);
    this.#entries.delete(keyOf(entry.client));
    const ofHost = (this.#perHost.get(entry.client.address) ?? 1) - 1;
    if (ofHost > 0) this.#perHost.set(entry.client.address, ofHost);
    else this.#perHost.delete(entry.client.address);
  }
}

function longestStalled(entries: readonly Entry[]): Entry | undefined {
  const since = ({ session }: Entry): number => session?.stalledSince ?? Number.POSITIVE_INFINITY;
  const [first, ...others] = entries.filter(({ session }) => session?.stalledSince !== undefined);
  if (first === undefined) return undefined;
  return others.reduce((longest, one) => (since(one) < since(longest) ? one : longest), first);
}

function keyOf({ address, port }: Endpoint): number {
  return address * 0x1_0000 + port;
}
