import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import { afterArrivals, type Clock } from "../net/clock.ts";
import type { NodeHandler } from "../net/http.ts";
import type { Traffic } from "../net/traffic.ts";
import type { BootEvent, Protocol } from "../watch/events.ts";
import { History } from "../watch/history.ts";
import { Live } from "../watch/live.ts";
import { openMetrics } from "../watch/metrics.ts";
import type { PastBoots } from "../watch/past.ts";
import { Refusals } from "../watch/refusals.ts";
import type { Situation } from "../watch/seen.ts";
import { type NodeBoot, type StageReached, Timeline, type WhoHas } from "../watch/timeline.ts";
import { Told } from "../watch/told.ts";
import { Traffics } from "../watch/traffic.ts";
import {
  type ExplainDeps,
  type ExplanationShown,
  explainedOf,
  explanationOf,
} from "./explain-answer.ts";
import { historyOf, nodeHistoryOf } from "./history-answer.ts";
import { nodeOf, seldomMade, statusOf } from "./status-answer.ts";
import type { Totals } from "./status-watch.ts";

/** All that follows the events of one room: what /status.json, the page, its events and metrics show. */
export interface Watching extends Disposable {
  /** Of all that was told, as `refusals`. */
  readonly timeline: Timeline;
  readonly refusals: Refusals;
  /** Followed after everything that has arrived by now, or when somebody asks for what is here. */
  tell(event: BootEvent): void;
  /** What a protocol's threads moved since they last said so. */
  moved(protocol: Protocol, traffic: Traffic): void;
  status(): object;
  /** Why a node is where it is. */
  explain(mac: MacAddress): ExplanationShown;
  /** Made when somebody asks for it first: most rooms are watched by nobody. */
  page(): Promise<NodeHandler>;
}

export interface WatchingDeps {
  readonly clock: Clock;
  readonly past: PastBoots;
  readonly whoHas: WhoHas;
  readonly reached: StageReached;
  readonly nodeBy: (mac: MacAddress) => { readonly name?: string | undefined } | undefined;
  readonly mode: Situation["mode"];
  /** Somebody at the address has connections. */
  readonly isPresent: (address: Ipv4) => boolean;
  /** Addresses in use; undefined: we give none. */
  readonly leases: () => number | undefined;
  readonly report: (what: string, error: unknown) => void;
}

export function openWatching(deps: WatchingDeps): Watching {
  const { clock, past, report } = deps;
  const history = new History(clock, past);
  const refusals = new Refusals();
  const traffics = new Traffics();
  const reached: StageReached = (boot, stage) => {
    history.reached(boot);
    metrics.reached(boot, stage);
    deps.reached(boot, stage);
  };
  /** What is told together has one time. */
  let toldAt = clock.now();
  const timeline = new Timeline({ now: () => toldAt }, reached, deps.whoHas);
  const situation = (): ExplainDeps => ({
    timeline,
    mode: deps.mode,
    now: clock.now(),
    isPresent: deps.isPresent,
  });
  const isKnown = (mac: MacAddress): boolean => deps.nodeBy(mac) !== undefined;
  const shown = { clock, history, isKnown };
  const totals = (): Totals => ({
    now: clock.epochMs(),
    traffic: traffics.moved(),
    refused: sumOf(refusals),
    leases: deps.leases(),
    readers: live.readers,
  });
  const live = new Live({
    clock,
    boots: () => timeline.boots(),
    boot: (mac) => timeline.boot(mac),
    explain: (boot) => explainedOf(boot, situation()),
    isSlower: (boot) => history.isSlower(boot),
    shown: (boot: NodeBoot, judgement) => nodeOf(boot, judgement, shown),
    totals,
  });
  const metrics = openMetrics({
    boots: () => timeline.boots(),
    refused: () => refusals.counts(),
    traffics,
    leases: deps.leases,
    readers: () => live.readers,
  });
  const nameOf = (mac: MacAddress) => deps.nodeBy(mac)?.name;
  const historyOfAll = seldomMade(clock, () => historyOf({ past, nameOf, now: clock.epochMs() }));
  const told = new Told({
    soon: afterArrivals,
    now: () => clock.now(),
    report,
    follow(event, now) {
      toldAt = now;
      const boot = timeline.tell(event);
      refusals.tell(event);
      traffics.tell(event);
      if (boot !== undefined) live.touch(boot.mac);
    },
  });
  const metricsText = seldomMade(clock, () => metrics.text());
  const open = async (): Promise<NodeHandler> => {
    const { openPage } = await import("../http/page/app.ts");
    return openPage({
      follow: (reader) => live.follow(reader),
      metrics: {
        contentType: metrics.contentType,
        text() {
          told.follow();
          return metricsText();
        },
      },
      history(mac) {
        told.follow();
        return mac === undefined ? historyOfAll() : nodeHistoryOf(mac, { past, nameOf });
      },
      refused: (reason) => told.tell({ kind: "refused", protocol: "http", reason }),
      report,
    });
  };
  const status = seldomMade(clock, () => statusOf(timeline.boots(), refusals.counts(), shown));
  let page: Promise<NodeHandler> | undefined;
  return {
    get timeline() {
      told.follow();
      return timeline;
    },
    get refusals() {
      told.follow();
      return refusals;
    },
    tell: (event) => told.tell(event),
    moved: (protocol, traffic) => traffics.add(protocol, traffic),
    status() {
      told.follow();
      return status();
    },
    explain(mac) {
      told.follow();
      return explanationOf(mac, situation());
    },
    page() {
      page ??= open().catch((error) => {
        page = undefined;
        throw error;
      });
      return page;
    },
    [Symbol.dispose]() {
      told.follow();
      live[Symbol.dispose]();
    },
  };
}

function sumOf(refusals: Refusals): number {
  return Object.values(refusals.counts())
    .flatMap((reasons) => Object.values(reasons))
    .reduce((sum, times) => sum + times, 0);
}
