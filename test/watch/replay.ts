import { readdirSync, readFileSync } from "node:fs";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { type MacAddress, parseMac } from "../../src/bytes/mac.ts";
import type { BootEvent, DhcpClient } from "../../src/watch/events.ts";
import { type Explanation, explain } from "../../src/watch/explain.ts";
import type { Situation } from "../../src/watch/seen.ts";
import { type NodeBoot, Timeline } from "../../src/watch/timeline.ts";
import { VirtualClock } from "../sim/clock.ts";

/** Boots as they were seen on the wire (fixtures/stages), told to a timeline event by event. */

const directory = new URL("../../fixtures/stages/", import.meta.url);
export const recorded: readonly string[] = readdirSync(directory).map((name) =>
  name.replace(".txt", ""),
);

export const address = ipv4(0x0a4d_000b);
export const mac = macOf("52:54:00:77:00:01");

export function macOf(text: string): MacAddress {
  const parsed = parseMac(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

export interface Moment {
  /** Milliseconds after the node was switched on. */
  readonly at: number;
  readonly event: BootEvent;
}

/** What the server would tell of one of the recorded boots. */
export function momentsOf(name: string): Moment[] {
  const lines = readFileSync(new URL(`${name}.txt`, directory), "utf8").split("\n");
  const asked = lines.flatMap((line) => {
    const [, seconds, what] = /^ +([\d.]+) (.*)$/.exec(line) ?? [];
    return seconds === undefined || what === undefined
      ? []
      : [{ at: Math.round(Number(seconds) * 1000), what }];
  });
  const quiet = asked.filter(({ what }) => !what.startsWith("serial:") || what.includes("BOOT-OK"));
  return quiet.flatMap(({ at, what }, index) =>
    eventsOf(what, quiet[index + 1]?.what ?? "").map((event) => ({ at, event })),
  );
}

function eventsOf(what: string, next: string): BootEvent[] {
  const [, message, vendor] = /^DHCP (\w+) \[(.*)\]/.exec(what) ?? [];
  if (message !== undefined && vendor !== undefined) return [dhcpEvent(message, vendor)];
  const [, protocol, path] = /^(TFTP RRQ|HTTP GET) (\S+)/.exec(what) ?? [];
  if (path !== undefined) return fileEvents(protocol === "HTTP GET" ? "http" : "tftp", path, next);
  if (what === "PORTMAP proc 3") {
    return [{ kind: "portmap", address, program: 100_005, port: 2049 }];
  }
  const root = "/srv/nfsroot/sidus";
  if (what === "MOUNT proc 1") return [{ kind: "mount", address, path: root, outcome: "granted" }];
  if (what === "MOUNT proc 3") {
    return [{ kind: "mount", address, path: root, outcome: "unmounted" }];
  }
  if (what === "iSCSI Login") return [session("began")];
  return what.includes("SIDUS-BOOT-OK") ? [{ kind: "up", address, tree: "sidus" }] : [];
}

/** The names that are looked for one after the other: the last is there. A name asked for twice is OVMF's question for the size first. */
function fileEvents(protocol: "tftp" | "http", path: string, next: string): BootEvent[] {
  const file = { kind: "file", protocol, address, path } as const;
  if (next === `TFTP RRQ ${path}`) return [];
  if (/pxelinux\.cfg\//.test(path) && /pxelinux\.cfg\//.test(next)) {
    return [{ ...file, outcome: "missing", bytes: 0 }];
  }
  return [
    { ...file, outcome: "started", bytes: 0 },
    { ...file, outcome: "done", bytes: 1_000_000 },
  ];
}

function dhcpEvent(message: string, vendor: string): BootEvent {
  const [, architecture] = /Arch:(\d+)/.exec(vendor) ?? [];
  // The version of iPXE's own UNDI.
  const isIpxe = vendor.endsWith(":002001") || vendor.endsWith(":003010");
  const client = architecture === undefined ? "kernel" : isIpxe ? "ipxe" : "pxe";
  return dhcp(client, message, {
    architecture: architecture === undefined ? undefined : Number(architecture),
  });
}

type Dhcp = Extract<BootEvent, { kind: "dhcp" }>;

/** Answered as our server answers, unless said otherwise. */
export function dhcp(client: DhcpClient, message: string, said: Partial<Dhcp> = {}): Dhcp {
  const isFirmware = client === "pxe" || client === "ipxe";
  return {
    kind: "dhcp",
    mac,
    client,
    message,
    reply: message === "DISCOVER" ? "OFFER" : "ACK",
    address,
    name: "n1",
    architecture: isFirmware ? 0 : undefined,
    bootFile: isFirmware ? "lpxelinux.0" : undefined,
    ...said,
  };
}

export function session(outcome: "began" | "ended"): BootEvent {
  return { kind: "session", address, initiator: "iqn.x:i", target: "iqn.x:t", outcome };
}

export interface Watched {
  readonly clock: VirtualClock;
  readonly timeline: Timeline;
  tell(...events: readonly BootEvent[]): void;
  boot(of?: MacAddress): NodeBoot | undefined;
  explained(situation?: Partial<Situation>, of?: MacAddress): Explanation;
}

export function watched(): Watched {
  const clock = new VirtualClock();
  const timeline = new Timeline(
    clock,
    () => {},
    () => undefined,
  );
  const boot = (of = mac) => timeline.boot(of);
  return {
    clock,
    timeline,
    tell: (...events) => {
      for (const event of events) timeline.tell(event);
    },
    boot,
    explained: (situation = {}, of = mac) =>
      explain(boot(of), {
        now: clock.now(),
        mode: "server",
        isPresent: false,
        strangers: () => timeline.kernelsAlone(),
        ...situation,
      }),
  };
}
