import { Identities } from "../boot/identities.ts";
import { whyNoLoader } from "../boot/loader.ts";
import { Loaders } from "../boot/loaders.ts";
import type { SaidIdentity } from "../boot/served/settings.ts";
import { servedFiles } from "../boot/served.ts";
import type { Ipv4 } from "../bytes/ipv4.ts";
import { formatMac, type MacAddress } from "../bytes/mac.ts";
import type { Config } from "../config/config.ts";
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
import type { NodeBoot, Stage, StageReached } from "../watch/timeline.ts";
import { oddVersions } from "../watch/versions.ts";
import { type Addresses, openAddresses } from "./addresses.ts";
import { currentOf, refuseFixedChanges, warnOfKernels } from "./current.ts";
import type { ExplanationShown } from "./explain-answer.ts";
import { chapOf, grantsFor, lostLayer } from "./grants.ts";
import { ImageWatch } from "./image-watch.ts";
import { type BootFileFor, loaderSettings, servedSettings } from "./room-settings.ts";
import { upReportOf } from "./up-report.ts";
import { openWatching } from "./watching.ts";

/** All servers of one configuration, in this process. */
export interface Room extends AsyncDisposable {
  /** Takes on what can change while it runs. @throws UserError for what cannot; the old configuration then stays. */
  reload(config: Config): Promise<void>;
  boots(): readonly NodeBoot[];
  /** Why a node is where it is. */
  explain(mac: MacAddress): ExplanationShown;
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
  /** Frames of the interface are recorded: each is to be there as it is on the wire. */
  readonly isCaptured?: boolean;
}

export async function openRoom(config: Config, deps: RoomDeps): Promise<Room> {
  await using opened = new AsyncDisposableStack();
  const { clock, report, warn, isCaptured = false } = deps;
  let addresses: Addresses | undefined;
  const nodeAt = (of: Ipv4) => addresses?.nodeAt(of);
  const presence = new Presence(clock);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const state = opened.use(openState(config.state));
  const nodeBy = (mac: MacAddress) => current.inventory.byMac(mac);
  const watching = opened.use(
    openWatching({
      clock,
      past: state.boots({ clock, report }),
      whoHas(of) {
        const mac = nodeAt(of)?.mac;
        return mac === undefined ? undefined : { mac, name: nodeBy(mac)?.name };
      },
      reached(boot, stage) {
        if (isBeyondLoader(stage)) loaders.cameFurther(boot.mac);
        if (stage === "up") for (const text of oddVersions(boot)) warn(text);
        deps.reached(boot, stage);
      },
      nodeBy,
      mode: config.dhcp.mode,
      isPresent: (of) => presence.has(of),
      leases: () => addresses?.countLeases?.(),
      report,
    }),
  );
  const tell = (event: BootEvent): void => {
    watching.tell(event);
    deps.tell(event);
  };
  const identities = new Identities(
    state.identities({ clock, report }),
    () => clock.epochMs(),
    (identity) => current.inventory.byIdentity(identity) !== undefined,
  );
  const heardOf = (mac: MacAddress) => identities.of(mac);
  const cache = BlockCache.create(config.cache);
  const parents = Parents.create();
  const trees = opened.use(new Trees({ clock, cache, parents, warn }));
  let current = await currentOf(config, trees, heardOf);
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
      present: (seen) => presence.see(seen),
      moved: watching.moved,
      used: (uses) => void images?.used(uses).catch((error) => report("images", error)),
      warn,
      report,
      failed: failed.reject,
    }),
  );
  const change = inTurn(async (next: () => Config) => {
    const changed = await currentOf(next(), trees, heardOf);
    await warnOfKernels(changed, warn);
    await plane.take(changed.specs);
    current = changed;
    await trees.closeRemoved(changed.specs.map(({ source }) => source));
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
      present: (seen) => presence.see(seen),
      moved: watching.moved,
      tell,
      warn,
      report,
      failed: failed.reject,
    }),
  );

  const loaders = new Loaders({
    now: () => clock.now(),
    settings: () => loaderSettings(current),
    warn,
  });
  const served = {
    nodeAt,
    loaders,
    learn: (said: SaidIdentity) => identities.learn({ ...said, architecture: undefined }),
  };
  const files = servedFiles(() => servedSettings(current, chapFor, served));
  opened.use(await serveTftp({ local: at(ports.tftp), files, clock, tell, report, isCaptured }));
  opened.use(
    await serveHttp({
      local: at(ports.http),
      files,
      up(from, body) {
        const { layer, ...runs } = upReportOf(body);
        tell({ kind: "up", address: from, ...runs });
        const lost = lostLayer(from, layer, current, nodeAt(from)?.mac);
        if (lost !== undefined) warn(lost);
      },
      status: () => watching.status(),
      explain: (mac) => ({
        isHeard: watching.timeline.boot(mac) !== undefined,
        shown: watching.explain(mac),
      }),
      page: () => watching.page(),
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
  addresses = await openAddresses(config, {
    clock,
    store: state.leases,
    current: () => current,
    bootFile: warnedLoader(loaders, warn),
    isPresent: (of) => presence.has(of),
    learn: (facts) => identities.learn(facts),
    tell,
    warn,
    report,
  });
  if (addresses !== undefined) opened.use(addresses);
  started.resolve();
  const stack = opened.move();
  return {
    reload: (next) =>
      change(() => {
        refuseFixedChanges(current.config, next);
        return next;
      }),
    boots: () => watching.timeline.boots(),
    explain: (mac) => watching.explain(mac),
    refused: () => watching.refusals.counts(),
    failed: failed.promise,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** What the node loaded has started something. */
function isBeyondLoader(stage: Stage): boolean {
  return stage === "kernel" || stage === "root";
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
function warnedLoader(loaders: Loaders, warn: (text: string) => void): BootFileFor {
  const warned = new Set<number>();
  return (facts) => {
    const file = loaders.bootFile(facts);
    const { architecture, mac } = facts;
    const isNews = architecture !== undefined && !warned.has(architecture);
    if (file === undefined && isNews && warned.size < ARCHITECTURES_WARNED_MAX) {
      warned.add(architecture);
      warn(`${formatMac(mac)} ${whyNoLoader(facts)}`);
    }
    return file;
  };
}
