import { formatIpv4 } from "../../bytes/ipv4.ts";
import { formatMac } from "../../bytes/mac.ts";
import type { Instant } from "../../net/clock.ts";
import type { SimulatedIdentity } from "../client.ts";
import type { NodeResult, StormStage } from "../result.ts";
import { NodeTally } from "../tally.ts";
import type { Deed } from "../trace/trace.ts";
import { NodeClients } from "./clients.ts";
import type { SharedPlaces } from "./places.ts";
import { Schedule } from "./schedule.ts";
import type { NodeSetting } from "./setting.ts";
import { type Progress, progresses, reachedBy, stageOf } from "./stages.ts";

/** Who is told of a node's way. */
export interface NodeHearer {
  readonly places: SharedPlaces;
  /** It is up, or has failed. */
  readonly ended: () => void;
}

/** One node: does what the trace says, in its order and with its times, until it is up or cannot go on. */
export class SimulatedNode {
  readonly #setting: NodeSetting;
  readonly #identity: SimulatedIdentity;
  readonly #hearer: NodeHearer;
  readonly #tally: NodeTally;
  readonly #reached: Partial<Record<StormStage, Instant>> = {};
  #progress: Progress = "waiting";
  #startedAt: Instant | undefined;
  #clients: NodeClients | undefined;
  #schedule: Schedule | undefined;
  #failure: string | undefined;
  #isOver = false;
  #isSending = false;
  #isWaiting = false;

  constructor(setting: NodeSetting, identity: SimulatedIdentity, hearer: NodeHearer) {
    this.#setting = setting;
    this.#identity = identity;
    this.#hearer = hearer;
    this.#tally = new NodeTally(setting.tally, identity.name);
  }

  /** Switches it on. */
  start(): void {
    const { clock, order } = this.#setting;
    const now = clock.now();
    this.#startedAt = now;
    this.#clients = new NodeClients(this.#setting, this.#identity, this.#tally);
    this.#schedule = new Schedule(order, now);
    this.#advance("started");
    this.#send();
  }

  /** What its server of DHCP says. */
  receiveDhcp(datagram: Uint8Array): void {
    this.#clients?.receiveDhcp(datagram);
  }

  /** Ends it where it is. */
  stop(failure: string): void {
    this.#end(failure);
  }

  /** `origin`: when the storm began. */
  result(origin: Instant): NodeResult {
    const seconds = (at: Instant): number => (at - origin) / 1000;
    const address = this.#clients?.address;
    const reached = Object.entries(this.#reached).map(([stage, at]) => [stage, seconds(at)]);
    return {
      name: this.#identity.name,
      mac: formatMac(this.#identity.mac),
      ...(address === undefined ? {} : { address: formatIpv4(address) }),
      startedAt: seconds(this.#startedAt ?? origin),
      reached: Object.fromEntries(reached),
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
      ...this.#tally.result(),
    };
  }

  #send(): void {
    const schedule = this.#schedule;
    // A step that ends at once comes back here from within its own sending.
    if (schedule === undefined || this.#isSending) return;
    const { clock, agenda, trace } = this.#setting;
    this.#isSending = true;
    while (!this.#isOver) {
      const index = schedule.take(clock.now());
      const step = index === undefined ? undefined : trace.steps[index];
      if (index === undefined || step === undefined) break;
      this.#run(index, step.deed, schedule);
    }
    this.#isSending = false;
    if (this.#isOver) return;
    if (schedule.isDone) {
      this.#end(undefined);
      return;
    }
    const due = schedule.dueAt();
    if (due === undefined || this.#isWaiting) return;
    this.#isWaiting = true;
    agenda.add(due, this.#wake);
  }

  readonly #wake = (): void => {
    this.#isWaiting = false;
    if (!this.#isOver) this.#send();
  };

  #run(index: number, deed: Deed, schedule: Schedule): void {
    const { clock, skip } = this.#setting;
    const isSkipped = skip.has(stageOf(deed));
    const isLeftOut = isSkipped || this.#clients?.leavesOut(deed) === true;
    const ended = (failure?: string): void => {
      if (this.#isOver) return;
      if (failure !== undefined) {
        this.#end(failure);
        return;
      }
      if (!isLeftOut) this.#reach(reachedBy(deed, "end"));
      schedule.ended(index, clock.now());
      this.#send();
    };
    if (isSkipped) {
      ended();
      return;
    }
    if (!isLeftOut) this.#reach(reachedBy(deed, "sending"));
    this.#clients?.run(deed, ended);
  }

  #reach(stage: StormStage | undefined): void {
    if (stage === undefined) return;
    if (progresses.indexOf(stage) <= progresses.indexOf(this.#progress)) return;
    this.#reached[stage] = this.#setting.clock.now();
    this.#advance(stage);
  }

  #advance(to: Progress): void {
    this.#hearer.places.moved(this.#progress, to);
    this.#progress = to;
  }

  #end(failure: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    // A trace may end before the node says that it is up.
    if (failure === undefined) this.#reach("up");
    else this.#hearer.places.failed(this.#progress);
    this.#clients?.close();
    this.#hearer.ended();
  }
}
