import { ipv4, LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { openWatching, type Watching } from "../../src/cli/watching.ts";
import { serveHttp } from "../../src/http/server.ts";
import { type Clock, systemClock } from "../../src/net/clock.ts";
import { openState } from "../../src/state/state.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { numberedMac } from "../dhcp/messages.ts";
import { directoryOf } from "../sidus.ts";

export interface WatchedRoom extends AsyncDisposable {
  readonly watching: Watching;
  readonly origin: string;
  readonly port: number;
  readonly events: BootEvent[];
  readonly reports: string[];
}

/** All that watches a room, behind its HTTP server, with a state of its own and no other servers. */
export async function watchedRoom(
  names: ReadonlyMap<string, string> = new Map(),
  clock: Clock = systemClock,
  directory = directoryOf({}),
): Promise<WatchedRoom> {
  const stack = new AsyncDisposableStack();
  const events: BootEvent[] = [];
  const reports: string[] = [];
  const report = (what: string, error: unknown): void => void reports.push(`${what}: ${error}`);
  const state = stack.use(openState(directory));
  const watching = stack.use(
    openWatching({
      clock,
      past: state.boots({ clock, report }),
      whoHas: () => undefined,
      reached: () => {},
      nodeBy: (mac) => (names.has(mac) ? { name: names.get(mac) } : undefined),
      mode: "server",
      isPresent: () => false,
      leases: () => 7,
      report,
    }),
  );
  const server = stack.use(
    await serveHttp({
      local: { address: LOOPBACK_ADDRESS, port: 0 },
      files: async () => "missing",
      up: () => {},
      status: () => watching.status(),
      explain: (mac) => ({
        isHeard: watching.timeline.boot(mac) !== undefined,
        shown: watching.explain(mac),
      }),
      page: () => watching.page(),
      tell: (event) => {
        events.push(event);
        watching.tell(event);
      },
      report,
    }),
  );
  const { port } = server.local;
  const origin = `http://127.0.0.1:${port}`;
  return {
    watching,
    origin,
    port,
    events,
    reports,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export const addressOf = (number: number) => ipv4(0x0a4d_0000 + number);

/** What a node's boot tells, stage by stage. */
export function bootEvents(
  number: number,
  name: string | undefined,
  tree = "sidus",
): BootEvent[][] {
  const mac = numberedMac(number);
  const address = addressOf(number);
  const dhcp = (client: "pxe" | "kernel", message: string, reply: string): BootEvent => ({
    kind: "dhcp",
    mac,
    client,
    message,
    reply,
    address,
    name,
    architecture: client === "pxe" ? 7 : undefined,
    bootFile: client === "pxe" ? "grubx64.efi" : undefined,
  });
  const file = (path: string): BootEvent[] =>
    (["started", "done"] as const).map((outcome) => ({
      kind: "file",
      protocol: "http",
      address,
      path,
      outcome,
      bytes: outcome === "done" ? 8_000_000 : 0,
    }));
  return [
    [dhcp("pxe", "DISCOVER", "OFFER"), dhcp("pxe", "REQUEST", "ACK")],
    file("/grubx64.efi"),
    [...file("/sidus/boot/vmlinuz-6.1.0"), ...file("/sidus/boot/initrd.img-6.1.0")],
    [
      dhcp("kernel", "DISCOVER", "OFFER"),
      dhcp("kernel", "REQUEST", "ACK"),
      { kind: "mount", address, path: "/srv/nfsroot/sidus", outcome: "granted" },
    ],
    [{ kind: "session", address, initiator: "iqn.x:i", target: "iqn.x:t", outcome: "began" }],
    [{ kind: "up", address, tree, digest: "ab".repeat(32) }],
  ];
}
