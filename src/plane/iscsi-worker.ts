import { randomBytes } from "node:crypto";
import type { Ipv4 } from "../bytes/ipv4.ts";
import { serveIscsi } from "../iscsi/server.ts";
import { PRESENT_TOLD_EVERY_MS } from "../limits.ts";
import { systemClock } from "../net/clock.ts";
import { localSockets } from "../net/local.ts";
import { noTraffic, type Traffic } from "../net/traffic.ts";
import { serveClaims } from "../volume/claims.ts";
import { VolumeStore } from "../volume/store.ts";
import { every } from "./every.ts";
import { beThread, type Main } from "./inside.ts";
import type { IscsiStart, VolumeGrant } from "./messages.ts";
import { Telling } from "./telling.ts";
import { tellTraffic } from "./traffic.ts";
import { VolumeTargets } from "./volume-targets.ts";

/** The thread that serves iSCSI: it has the volumes, and asks the main thread whose they are. */

async function serve(start: IscsiStart, { send, hear }: Main): Promise<void> {
  const { local, iqn, volumes } = start;
  await using opened = new AsyncDisposableStack();
  const clock = systemClock;
  const telling = opened.use(new Telling(clock, (events) => send({ kind: "told", events })));
  const warn = (text: string): void => send({ kind: "warned", text });
  const report = (what: string, error: unknown): void => send({ kind: "report", what, error });
  const asked = new Map<number, (grants: readonly VolumeGrant[]) => void>();
  let tickets = 0;
  const grants = (address: Ipv4): Promise<readonly VolumeGrant[]> => {
    tickets += 1;
    const ticket = tickets;
    send({ kind: "grants", ticket, address });
    return new Promise((resolve) => asked.set(ticket, resolve));
  };
  const stopped = new Promise<void>((resolve) => {
    hear((message) => {
      if (message.kind === "stop") resolve();
      if (message.kind !== "granted") return;
      asked.get(message.ticket)?.(message.grants);
      asked.delete(message.ticket);
    });
  });
  const store = new VolumeStore(volumes);
  const claims = opened.use(
    await serveClaims({ directory: volumes, sockets: localSockets, clock }),
  );
  const targets = new VolumeTargets({ iqn, store, claims, grants, clock, warn, report });
  const tell = telling.tell.bind(telling);
  const traffic = noTraffic();
  const served = await serveIscsi({
    local,
    targets,
    clock,
    random: randomBytes,
    traffic,
    tell,
    report,
  });
  const server = opened.use(served);
  const present = (): void => send({ kind: "present", addresses: server.hosts() });
  opened.use(every(clock, PRESENT_TOLD_EVERY_MS, present));
  const tellMoved = (moved: Traffic): void =>
    send({ kind: "traffic", protocol: "iscsi", traffic: moved });
  opened.use(tellTraffic(clock, traffic, tellMoved));
  send({ kind: "listening" });
  await stopped;
}

await beThread(serve);
