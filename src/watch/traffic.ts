import type { Traffic } from "../net/traffic.ts";
import type { BootEvent, Protocol } from "./events.ts";

/** How often files ended so. */
type Ended = Record<Exclude<Extract<BootEvent, { kind: "file" }>["outcome"], "started">, number>;
type FileProtocol = Extract<BootEvent, { kind: "file" }>["protocol"];

/** What each protocol moved: NFS, MOUNT and iSCSI as their threads say, the others as far as events tell. */
export class Traffics {
  readonly #traffic = new Map<Protocol, Traffic>();
  readonly #files: Readonly<Record<FileProtocol, Ended>> = {
    tftp: { done: 0, aborted: 0, missing: 0 },
    http: { done: 0, aborted: 0, missing: 0 },
  };

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
        // Not told of those that are sent at once.
        if (outcome === "started") break;
        const traffic = this.#of(protocol);
        traffic.calls += 1;
        traffic.sent += bytes;
        this.#files[protocol][outcome] += 1;
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
    return Object.entries(this.#files).flatMap(([protocol, ended]) =>
      Object.entries(ended).map(([outcome, times]) => ({ protocol, outcome, times })),
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
