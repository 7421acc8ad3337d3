import type { Inventory } from "../boot/inventory.ts";
import { loaderFor } from "../boot/loader.ts";
import { type ServedSettings, servedFiles } from "../boot/served.ts";
import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import { formatMac } from "../bytes/mac.ts";
import type { Config } from "../config/config.ts";
import { type DhcpServer, serveDhcp } from "../dhcp/server.ts";
import { serveHttp } from "../http/server.ts";
import { ARCHITECTURES_WARNED_MAX } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import { openIscsi } from "../plane/iscsi.ts";
import { openDataPlane } from "../plane/plane.ts";
import { Trees } from "../plane/trees.ts";
import { servePortmap } from "../rpc/portmap/server.ts";
import { openState } from "../state/state.ts";
import { serveTftp } from "../tftp/server.ts";
import { BlockCache } from "../tree/cache/cache.ts";
import { Parents } from "../tree/parents.ts";
import type { BootEvent } from "../watch/events.ts";
import { Presence } from "../watch/presence.ts";
import { Refusals } from "../watch/refusals.ts";
import { type NodeBoot, type StageReached, Timeline } from "../watch/timeline.ts";
import { type Current, currentOf, refuseFixedChanges, warnOfKernels } from "./current.ts";
import { type ChapFor, chapOf, grantsFor, lostVolume } from "./grants.ts";
import { ImageWatch } from "./image-watch.ts";
import { statusOf, treeOf } from "./status.ts";

/** All servers of one configuration, in this process. */
export interface Room extends AsyncDisposable {
  /** Takes on what can change while it runs. @throws UserError for what cannot; the old configuration then stays. */
  reload(config: Config): Promise<void>;
  boots(): readonly NodeBoot[];
  refused(): Record<string, Record<string, number>>;
  /** Rejects when part of it ended: what is left serves only some of the nodes. */
  readonly failed: Promise<never>;
}

export interface RoomDeps {
  readonly clock: Clock;
  readonly report: (what: string, error: unknown) => void;
  readonly warn: (text: string) => void;
  readonly tell: (event: BootEvent) => void;
  readonly reached: StageReached;
}

export async function openRoom(config: Config, deps: RoomDeps): Promise<Room> {
  await using opened = new AsyncDisposableStack();
  const { clock, report, warn } = deps;
  let dhcp: DhcpServer | undefined;
  const timeline = new Timeline(clock, deps.reached, (of) => {
    const mac = dhcp?.nodeAt(of)?.mac;
    return mac === undefined ? undefined : { mac, name: current.inventory.byMac(mac)?.name };
  });
  const refusals = new Refusals();
  const presence = new Presence(clock);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const tell = (event: BootEvent): void => {
    timeline.tell(event);
    refusals.tell(event);
    deps.tell(event);
  };

  const cache = BlockCache.create(config.cache);
  const parents = Parents.create();
  const trees = opened.use(new Trees({ clock, cache, parents }));
  let current = await currentOf(config, trees);
  await warnOfKernels(current, warn);

  const { address, ports } = config;
  const at = (port: number) => ({ address, port });
  let images: ImageWatch | undefined;
  const plane = opened.use(
    await openDataPlane({
      local: at(ports.nfs),
      threads: config.threads,
      cache,
      parents,
      exports: current.specs,
      tell,
      present: (addresses) => presence.see(addresses),
      used: (uses) => void images?.used(uses).catch((error) => report("images", error)),
      report,
      failed: failed.reject,
    }),
  );
  const change = inTurn(async (next: () => Config) => {
    const changed = await currentOf(next(), trees);
    await warnOfKernels(changed, warn);
    await plane.take(changed.specs);
    current = changed;
  });
  images = opened.use(
    new ImageWatch({
      clock,
      specs: () => current.specs,
      changed: () => change(() => current.config),
      warn,
      report,
    }),
  );
  const loader = warnedLoader(warn);
  const nodeAt = (of: Ipv4) => dhcp?.nodeAt(of);
  const chapFor = await chapOf(config);
  // Before the leases are read, nobody can say whose volume is whose.
  const started = Promise.withResolvers<void>();
  opened.use(
    await openIscsi({
      local: at(ports.iscsi),
      iqn: config.iscsi.iqn,
      volumes: config.iscsi.volumes,
      async grants(of) {
        await started.promise;
        return grantsFor(of, current, nodeAt(of)?.mac, chapFor);
      },
      present: (addresses) => presence.see(addresses),
      tell,
      warn,
      report,
      failed: failed.reject,
    }),
  );
  const files = servedFiles(() => servedSettings(current, chapFor, nodeAt));

  opened.use(await serveTftp({ local: at(ports.tftp), files, clock, tell, report }));
  opened.use(
    await serveHttp({
      local: at(ports.http),
      files,
      up(from, body) {
        tell({ kind: "up", address: from, tree: treeOf(body) });
        const lost = lostVolume(from, body, current, nodeAt(from)?.mac);
        if (lost !== undefined) warn(lost);
      },
      status: () => statusOf(timeline.boots(), refusals.counts()),
      tell,
      report,
    }),
  );
  opened.use(
    await servePortmap({
      local: at(ports.portmap),
      mappings: () => [
        { program: 100_003, version: 3, port: ports.nfs },
        { program: 100_005, version: 3, port: ports.nfs },
      ],
      clock,
      tell,
      report,
    }),
  );

  // Last, so that no firmware is sent to what does not listen yet, or not any more.
  if (config.dhcp.mode === "server") {
    const store = opened.use(openState(config.state)).leases;
    dhcp = opened.use(
      await serveDhcp({
        settings: () => dhcpSettings(current, loader),
        clock,
        store,
        isPresent: (of) => presence.has(of),
        tell,
        report,
        ports: { server: ports.dhcp, client: ports.dhcp + 1 },
      }),
    );
  }
  started.resolve();
  const stack = opened.move();
  return {
    reload: (next) =>
      change(() => {
        refuseFixedChanges(current.config, next);
        return next;
      }),
    boots: () => timeline.boots(),
    refused: () => refusals.counts(),
    failed: failed.promise,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Calls that come while one is under way wait for it. */
function inTurn<T>(work: (given: T) => Promise<void>): (given: T) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (given) => {
    const mine = last.then(() => work(given));
    last = mine.catch(() => {});
    return mine;
  };
}

/** Firmware that gets no loader is named, once an architecture: its own screen seldom says more than a number. */
function warnedLoader(warn: (text: string) => void): typeof loaderFor {
  const warned = new Set<number>();
  return (facts) => {
    const { architecture, mac } = facts;
    const file = loaderFor(facts);
    const isNews = architecture !== undefined && !warned.has(architecture);
    if (file === undefined && isNews && warned.size < ARCHITECTURES_WARNED_MAX) {
      warned.add(architecture);
      warn(
        `${formatMac(mac)} has firmware of PXE architecture ${architecture}: only BIOS (0) has a loader yet`,
      );
    }
    return file;
  };
}

function dhcpSettings({ config, inventory, exports, labels }: Current, bootFile: typeof loaderFor) {
  const { address, subnet, dhcp, boot } = config;
  return {
    serverAddress: address,
    subnet,
    ranges: dhcp.ranges,
    leaseSeconds: dhcp.leaseSeconds,
    router: dhcp.router,
    dns: dhcp.dns,
    domain: dhcp.domain,
    denyUnknown: dhcp.denyUnknown,
    inventory,
    bootFile,
    rootPath: (facts: { mac: Parameters<Inventory["byMac"]>[0] }) => {
      const label = labels.get(inventory.byMac(facts.mac)?.label ?? boot.default);
      const from = label?.kind === "linux" ? label.export : exports[0];
      return from === undefined ? undefined : `${formatIpv4(address)}:${from.path}`;
    },
  };
}

function servedSettings(
  current: Current,
  chapFor: ChapFor,
  nodeAt: ServedSettings["nodeAt"],
): ServedSettings {
  const { config, inventory, exports, overlay, labels } = current;
  return {
    boot: {
      serverAddress: config.address,
      httpPort: config.ports.http,
      nfsPort: config.ports.nfs,
      iscsi: { port: config.ports.iscsi, iqn: config.iscsi.iqn, chapFor },
      default: config.boot.default,
      labels,
    },
    inventory,
    exports,
    overlay,
    nodeAt,
  };
}
