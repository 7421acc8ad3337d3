import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import { NODES_WATCHED_MAX } from "../limits.ts";
import type { Clock, Instant } from "../net/clock.ts";
import type { BootEvent, DhcpClient } from "./events.ts";

/** How far a boot has come, as the server sees it. */
export const stages = ["dhcp", "loader", "kernel", "root", "volume", "up"] as const;
export type Stage = (typeof stages)[number];

/** One boot of one node. */
export interface NodeBoot {
  readonly mac: MacAddress;
  readonly name: string | undefined;
  readonly address: Ipv4 | undefined;
  readonly startedAt: Instant;
  /** When each stage was reached; a missing one was not. */
  readonly reached: ReadonlyMap<Stage, Instant>;
  readonly stage: Stage;
  /** Which firmware began it; undefined where only a kernel or an operating system was heard. */
  readonly firmware: "pxe" | "ipxe" | undefined;
  /** When the firmware got its address: what follows until its first request is its own time. */
  readonly addressedAt: Instant | undefined;
  /** What the node said of the tree that it runs. */
  readonly tree: string | undefined;
  readonly lastHeardAt: Instant;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Entry = Mutable<Omit<NodeBoot, "reached">> & { reached: Map<Stage, Instant> };

/** Who has an address, though no boot of this process gave it to it. */
export type WhoHas = (
  address: Ipv4,
) => { readonly mac: MacAddress; readonly name: string | undefined } | undefined;

export type StageReached = (boot: NodeBoot, stage: Stage) => void;

/** Follows every node's boot from the events; the oldest node is forgotten when there are too many. */
export class Timeline {
  readonly #clock: Clock;
  readonly #reached: StageReached;
  readonly #whoHas: WhoHas;
  readonly #boots = new Map<MacAddress, Entry>();
  readonly #macs = new Map<Ipv4, MacAddress>();

  constructor(clock: Clock, reached: StageReached, whoHas: WhoHas) {
    this.#clock = clock;
    this.#reached = reached;
    this.#whoHas = whoHas;
  }

  boots(): readonly NodeBoot[] {
    return [...this.#boots.values()];
  }

  tell(event: BootEvent): void {
    switch (event.kind) {
      case "dhcp":
        this.#dhcp(event);
        break;
      case "file":
        this.#file(event);
        break;
      case "mount":
        if (event.outcome === "granted") this.#reach(this.#at(event.address), "root");
        break;
      case "up":
        this.#up(event);
        break;
      case "session":
        this.#session(event);
        break;
      case "refused":
        break;
    }
  }

  #file(event: Extract<BootEvent, { kind: "file" }>): void {
    const entry = this.#at(event.address);
    if (event.outcome === "missing" || event.outcome === "aborted") this.#heard(entry);
    else this.#reach(entry, isKernel(event.path) ? "kernel" : "loader");
  }

  /** Firmware may log in before there is a root. */
  #session({ address, outcome }: Extract<BootEvent, { kind: "session" }>): void {
    const entry = this.#at(address);
    if (entry?.stage === "root" && outcome === "began") this.#reach(entry, "volume");
    else this.#heard(entry);
  }

  #up(event: Extract<BootEvent, { kind: "up" }>): void {
    const entry = this.#at(event.address);
    if (entry !== undefined) entry.tree = event.tree;
    this.#reach(entry, "up");
  }

  #dhcp(event: Extract<BootEvent, { kind: "dhcp" }>): void {
    if (event.reply !== "OFFER" && event.reply !== "ACK") return;
    const known = this.#boots.get(event.mac);
    const firmware = isFirmware(event.client);
    const again =
      firmware && event.reply === "OFFER" && known !== undefined && known.stage !== "dhcp";
    const entry = known === undefined || again ? this.#begin(event.mac) : known;
    entry.name = event.name ?? entry.name;
    if (isFirmware(event.client)) entry.firmware = event.client;
    if (event.reply === "ACK" && event.address !== undefined) {
      this.#leave(entry);
      entry.address = event.address;
      this.#macs.set(event.address, event.mac);
      if (firmware) entry.addressedAt = this.#clock.now();
    }
    this.#reach(entry, "dhcp");
  }

  #begin(mac: MacAddress): Entry {
    const now = this.#clock.now();
    const before = this.#boots.get(mac);
    this.#boots.delete(mac);
    if (this.#boots.size >= NODES_WATCHED_MAX) this.#forgetOldest();
    const entry: Entry = {
      mac,
      name: before?.name,
      address: before?.address,
      startedAt: now,
      reached: new Map(),
      stage: "dhcp",
      firmware: undefined,
      addressedAt: undefined,
      tree: undefined,
      lastHeardAt: now,
    };
    this.#boots.set(mac, entry);
    return entry;
  }

  #forgetOldest(): void {
    const [oldest] = this.#boots.values();
    if (oldest === undefined) return;
    this.#boots.delete(oldest.mac);
    this.#leave(oldest);
  }

  /** Its address may be another node's by now. */
  #leave({ address, mac }: Entry): void {
    if (address !== undefined && this.#macs.get(address) === mac) this.#macs.delete(address);
  }

  #at(address: Ipv4): Entry | undefined {
    const mac = this.#macs.get(address);
    return mac === undefined ? this.#fromBefore(address) : this.#boots.get(mac);
  }

  /** A node that got its address before the server was started again, and boots on. */
  #fromBefore(address: Ipv4): Entry | undefined {
    const node = this.#whoHas(address);
    if (node === undefined || this.#boots.has(node.mac)) return undefined;
    const entry = this.#begin(node.mac);
    entry.name = node.name;
    entry.address = address;
    this.#macs.set(address, node.mac);
    return entry;
  }

  #heard(entry: Entry | undefined): void {
    if (entry !== undefined) entry.lastHeardAt = this.#clock.now();
  }

  #reach(entry: Entry | undefined, stage: Stage): void {
    if (entry === undefined) return;
    this.#heard(entry);
    if (entry.reached.has(stage) || stages.indexOf(stage) < stages.indexOf(entry.stage)) return;
    entry.reached.set(stage, entry.lastHeardAt);
    entry.stage = stage;
    this.#reached(entry, stage);
  }
}

function isFirmware(client: DhcpClient): client is "pxe" | "ipxe" {
  return client === "pxe" || client === "ipxe";
}

function isKernel(path: string): boolean {
  return /(?:^|\/)vmlinu[xz][^/]*$/.test(path);
}
