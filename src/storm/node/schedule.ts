import { NEEDED_STEPS_MAX, THINK_GRAIN_MS, THINK_LATE_MS } from "../../limits.ts";
import { after, type Instant } from "../../net/clock.ts";
import type { FileId, Trace } from "../trace/trace.ts";

/** What all nodes of a trace share of its order. */
export interface Order {
  /** The step whose end each step waits for; -1: it was switched on. */
  readonly after: Int32Array;
  /** ms after that end, already times the factor. */
  readonly think: Float64Array;
  /** Another step, without which this one cannot be sent: it tells the handle; -1: none. */
  readonly needs: Int32Array;
  /** The last step that waits for each step's end; -1: none. */
  readonly lastWaiting: Int32Array;
}

export function orderOf(trace: Pick<Trace, "files" | "steps">, factor: number): Order {
  const { steps } = trace;
  const after = Int32Array.from(steps, (step) => step.after);
  const needs = neededBy(trace);
  const lastWaiting = new Int32Array(steps.length).fill(-1);
  for (const befores of [after, needs]) {
    for (const [index, before] of befores.entries()) {
      if (before >= 0) lastWaiting[before] = Math.max(lastWaiting[before] ?? -1, index);
    }
  }
  return {
    after,
    think: Float64Array.from(steps, ({ think }) => (think / 1000) * factor),
    needs,
    lastWaiting,
  };
}

/**
 * A recorded call went out after the last answer that had come by then; which of the answers before it told its handle, only
 * the calls say: the LOOKUP of its file, or of the directory that is looked in. Answers may come in another order here.
 */
function neededBy({ files, steps }: Pick<Trace, "files" | "steps">): Int32Array {
  const ids = new Map(files.map(({ path }, file) => [path, file]));
  const foundBy = new Map<FileId, number>();
  return Int32Array.from(steps, ({ deed }, index) => {
    if (deed.kind !== "nfs") return -1;
    const { op, file } = deed.call;
    const path = files[file]?.path ?? "";
    const isLookup = op === "lookup";
    const used = isLookup ? ids.get(path.slice(0, Math.max(0, path.lastIndexOf("/")))) : file;
    const found = used === undefined ? undefined : foundBy.get(used);
    if (isLookup && !foundBy.has(file)) foundBy.set(file, index);
    return found === undefined || index - found > NEEDED_STEPS_MAX ? -1 : found;
  });
}

/**
 * Which step a node sends, and when: step i when the step that it waits for has ended and the node's own time after it has
 * passed, and never before step i - 1, so that the order is the recorded one whatever the answers take.
 *
 * Most of a node's own times are far below a millisecond, which is the least that a timer can wait. The node's time may
 * therefore be ahead of the clock: such a step is sent at once, and what was not waited for is waited for later, with
 * others. A timer that was late is made up for in the same way.
 */
export class Schedule {
  readonly #order: Order;
  readonly #grain: number;
  readonly #begunAt: Instant;
  #next = 0;
  #ended = 0;
  /** ms, of the node's time before the clock's. */
  #ahead = 0;
  /** This and the ends are in the node's time. */
  #lastSentAt: Instant;
  /** Of steps that a step not yet sent waits for: few at any time, where a trace has tens of thousands. */
  readonly #endedAt = new Map<number, Instant>();

  /** `grain`: ms that the node's time may be ahead. */
  constructor(order: Order, begunAt: Instant, grain = THINK_GRAIN_MS) {
    this.#order = order;
    this.#begunAt = begunAt;
    this.#lastSentAt = begunAt;
    this.#grain = grain;
  }

  get isDone(): boolean {
    return this.#ended === this.#order.after.length;
  }

  /** When the next step is due; undefined: it waits for an answer, or there is none. */
  dueAt(): Instant | undefined {
    const { after: befores, needs, think } = this.#order;
    const before = befores[this.#next];
    const needed = needs[this.#next] ?? -1;
    if (before === undefined) return undefined;
    const since = before < 0 ? this.#begunAt : this.#endedAt.get(before);
    const told = needed < 0 ? this.#begunAt : this.#endedAt.get(needed);
    if (since === undefined || told === undefined) return undefined;
    return Math.max(since + (think[this.#next] ?? 0), told, this.#lastSentAt) as Instant;
  }

  /** The step to send now, which counts as sent; undefined: none yet. */
  take(now: Instant): number | undefined {
    const due = this.dueAt();
    if (due === undefined || due - now > this.#grain) return undefined;
    const index = this.#next;
    this.#ahead = Math.max(due - now, -THINK_LATE_MS);
    this.#lastSentAt = after(now, this.#ahead);
    this.#next += 1;
    this.#forget(this.#order.after[index] ?? -1, index);
    this.#forget(this.#order.needs[index] ?? -1, index);
    return index;
  }

  ended(index: number, now: Instant): void {
    this.#ended += 1;
    if ((this.#order.lastWaiting[index] ?? -1) < this.#next) return;
    this.#endedAt.set(index, after(now, this.#ahead));
  }

  #forget(before: number, index: number): void {
    if (before >= 0 && this.#order.lastWaiting[before] === index) this.#endedAt.delete(before);
  }
}
