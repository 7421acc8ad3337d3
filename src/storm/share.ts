import { after, type Clock, type Instant } from "../net/clock.ts";
import { SeenContent } from "./expectations.ts";
import { identityOf } from "./identity.ts";
import { Agenda } from "./node/agenda.ts";
import { SharedPlaces } from "./node/places.ts";
import { orderOf } from "./node/schedule.ts";
import type { NodeSetting } from "./node/setting.ts";
import { SimulatedNode } from "./node/simulated-node.ts";
import { seededRandom } from "./random.ts";
import { SharedCounts, ThreadTally } from "./tally.ts";
import { mappingOf } from "./trace/mapping.ts";
import type { WorkerEnded, WorkerStart } from "./worker-messages.ts";

export interface ShareDeps {
  readonly clock: Clock;
  /** To the relay. */
  readonly sendDhcp: (datagram: Uint8Array) => void;
  /** All nodes are up or have failed. */
  readonly ended: (ended: WorkerEnded) => void;
}

/** A thread's share of a storm's nodes. */
export class Share {
  readonly #start: WorkerStart;
  readonly #deps: ShareDeps;
  readonly #setting: NodeSetting;
  readonly #expectations = new SeenContent();
  readonly #nodes: ReadonlyMap<number, SimulatedNode>;
  #begunAt: Instant | undefined;
  #left: number;

  constructor(start: WorkerStart, deps: ShareDeps) {
    this.#start = start;
    this.#deps = deps;
    this.#setting = this.#settingOf(start);
    this.#left = start.nodes.length;
    const places = new SharedPlaces(start.places);
    places.begin(start.nodes.length);
    const hearer = {
      places,
      ended: () => this.#ended(),
    };
    const { seed } = start.options;
    this.#nodes = new Map(
      start.nodes.map(({ index }) => {
        return [index, new SimulatedNode(this.#setting, identityOf(index, seed), hearer)];
      }),
    );
  }

  /** Now: nodes are switched on as it is their time. */
  begin(): void {
    const { clock, agenda } = this.#setting;
    const begunAt = clock.now();
    this.#begunAt = begunAt;
    for (const { index, at } of this.#start.nodes) {
      agenda.add(after(begunAt, at * 1000), () => this.#nodes.get(index)?.start());
    }
    if (this.#left === 0) this.#tellEnd();
  }

  receiveDhcp(index: number, datagram: Uint8Array): void {
    this.#nodes.get(index)?.receiveDhcp(datagram);
  }

  /** Nodes that are not up have failed, and this is why. */
  stop(failure: string): void {
    for (const node of this.#nodes.values()) node.stop(failure);
  }

  #settingOf({ options, files, isTreeKnown, thread, counts }: WorkerStart): NodeSetting {
    const { clock, sendDhcp } = this.#deps;
    const { trace, seed, skip } = options;
    return {
      ...options,
      clock,
      agenda: new Agenda(clock),
      random: seededRandom(seed * 1009 + thread),
      order: orderOf(trace, options.think),
      mapping: mappingOf(files),
      isTreeKnown,
      skip: new Set(skip),
      tally: new ThreadTally(new SharedCounts(counts)),
      expectations: this.#expectations,
      sendDhcp,
    };
  }

  #ended(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#tellEnd();
  }

  #tellEnd(): void {
    const { clock, agenda, tally } = this.#setting;
    const begunAt = this.#begunAt ?? clock.now();
    agenda[Symbol.dispose]();
    this.#deps.ended({
      kind: "ended",
      at: (clock.now() - begunAt) / 1000,
      nodes: [...this.#nodes.values()].map((node) => node.result(begunAt)),
      counted: tally.counted(),
      seen: [...this.#expectations.entries()],
    });
  }
}
