import type { Traffic } from "../net/traffic.ts";
import type { BootEvent, Protocol } from "./events.ts";

type Outcome = Extract<BootEvent, { kind: "file" }>["outcome"];

/** What each protocol moved: NFS, MOUNT and iSCSI as their threads say, the others as far as events tell. */
export class Traffics {
  readonly #traffic = new Map<Protocol, Traffic>();
  readonly #files = new Map<"tftp" | "http", Map<Outcome, number>>();

  /** More of it. */
  add(protocol: Protocol, { calls, received, sent }: Readonly<Traffic>): void {
    const traffic = this.#of(protocol);
    traffic.calls += calls;
    traffic.received += received;
    traffic.sent += sent;
  }

  tell(event: BootEvent): void {
    switch (event.kind) {
      case "dhcp":
        this.#of("dhcp").calls += 1;
        break;
      case "file": {
        const { protocol, outcome, bytes } = event;
        const traffic = this.#of(protocol);
        if (outcome === "started" || outcome === "missing") traffic.calls += 1;
        traffic.sent += bytes;
        const outcomes = this.#files.get(protocol) ?? new Map<Outcome, number>();
        this.#files.set(protocol, outcomes);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        break;
      }
      case "portmap":
        this.#of("portmap").calls += 1;
        break;
      // Counted by their threads.
      case "mount":
      case "session":
      case "up":
      case "refused":
        break;
    }
  }

  /** `{ nfs: { calls: 12, received: 1200, sent: 34000 } }` */
  moved(): Readonly<Record<string, Readonly<Traffic>>> {
    return Object.fromEntries(this.#traffic);
  }

  /** Files by protocol and how they ended. */
  files(): { readonly protocol: string; readonly outcome: string; readonly times: number }[] {
    return [...this.#files].flatMap(([protocol, outcomes]) =>
      [...outcomes].map(([outcome, times]) => ({ protocol, outcome, times })),
    );
  }

  #of(protocol: Protocol): Traffic {
    const known = this.#traffic.get(protocol);
    if (known !== undefined) return known;
    const traffic: Traffic = { calls: 0, received: 0, sent: 0 };
    this.#traffic.set(protocol, traffic);
    return traffic;
  }
}
