import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { Bounded } from "../bytes/bounded.ts";
import { NODES_HEARD_MAX, NODES_WATCHED_MAX } from "../limits.ts";
import { UserError } from "../user-error.ts";
import { type Asked, reasonOf } from "./ask.ts";
import { type ServerEvent, serverEvents } from "./events.ts";
import { openInterrupt } from "./interrupt.ts";
import { printable } from "./printable.ts";
import { nodesShape, type StatusNode } from "./status-answer.ts";
import { isStuck, type Rates, renderWatch } from "./status-screen.ts";

/** What /events says that is not of one node: since the server was started. */
export const totalsShape = z.object({
  /** Milliseconds since 1970, there. */
  now: z.number(),
  traffic: z.record(
    z.string(),
    z.object({ calls: z.number(), received: z.number(), sent: z.number() }),
  ),
  refused: z.number(),
  leases: z.number().optional(),
  readers: z.number(),
});
export type Totals = z.infer<typeof totalsShape>;

/** A server that is started again takes a second. */
const AGAIN_MS = 2000;
/** Drawn no more often: a storm changes hundreds of nodes a second. */
const DRAWN_EVERY_MS = 200;
/** As many as the server keeps. */
const NODES_MAX = NODES_WATCHED_MAX + NODES_HEARD_MAX;

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Follows the server until it is interrupted. @throws UserError where it did not answer to begin with. */
export async function watchStatus(given: Asked): Promise<void> {
  using interrupt = openInterrupt();
  const { signal } = interrupt;
  using shown = given.json === true ? jsonLines(process.stdout) : displayOn(process.stdout);
  let hasAnswered = false;
  while (!signal.aborted) {
    try {
      for await (const event of serverEvents(given, signal)) {
        shown.take(event);
        hasAnswered = true;
      }
      shown.lost("the server ended");
    } catch (error) {
      if (signal.aborted) return;
      if (!hasAnswered) throw error;
      shown.lost(reasonOf(error));
    }
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => {});
  }
}

export interface Display extends Disposable {
  take(event: ServerEvent): void;
  lost(why: string): void;
}

function jsonLines(output: Output): Display {
  return {
    take: ({ name, data }) =>
      void output.write(`{"event":${JSON.stringify(name)},"data":${data}}\n`),
    lost() {},
    [Symbol.dispose]() {},
  };
}

export function displayOn(output: Output): Display {
  return output.isTTY === true ? screen(output) : lines(output);
}

/** On a terminal: all of it, in place. */
function screen(output: Output): Display {
  let nodes = new Bounded<string, StatusNode>(NODES_MAX);
  const rates = new RateOf();
  /** The server's clock, ahead of ours. */
  let aheadMs = 0;
  let note = "waiting for the server";
  let isDue = true;
  const draw = (): void => {
    if (!isDue) return;
    isDue = false;
    const size = { columns: output.columns ?? 80, rows: output.rows ?? 24 };
    const now = Date.now() + aheadMs;
    const text = renderWatch([...nodes.values()], { ...size, rates: rates.last, note, now });
    output.write(`\x1b[H${text}\x1b[J`);
  };
  // The other screen of the terminal: what was there comes back.
  output.write("\x1b[?1049h\x1b[?25l");
  const timer = setInterval(draw, DRAWN_EVERY_MS);
  return {
    take(event) {
      isDue = true;
      // A server that was started again knows other nodes.
      if (note !== "") nodes = new Bounded(NODES_MAX);
      note = "";
      for (const node of nodesOf(event)) nodes.put(node.mac, node);
      const totals = totalsOf(event);
      if (totals === undefined) return;
      aheadMs = totals.now - Date.now();
      rates.take(totals);
    },
    lost(why) {
      isDue = true;
      note = `${why}; trying again`;
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      output.write("\x1b[?25h\x1b[?1049l");
    },
  };
}

/** Elsewhere: a line for each stage that a node reaches from now on, and for each that stands still. */
function lines(output: Output): Display {
  const said = new Bounded<string, string>(NODES_MAX);
  const beganAt = Date.now();
  return {
    take(event) {
      for (const node of nodesOf(event)) {
        const text = newsOf(node);
        const before = said.get(node.mac);
        if (before === text) continue;
        said.put(node.mac, text);
        const isOld = before === undefined && (node.heardAt ?? 0) < beganAt;
        if (!isOld)
          output.write(`${new Date().toISOString()} ${printable(node.name ?? node.mac)} ${text}\n`);
      }
    },
    lost: (why) => void output.write(`${new Date().toISOString()} ${why}; trying again\n`),
    [Symbol.dispose]() {},
  };
}

function newsOf(node: StatusNode): string {
  const { stage, seconds, cause, usual, slower } = node;
  if (isStuck(node)) return `stands still in stage ${stage}. ${cause ?? ""}`;
  const after = seconds[stage];
  const at = after === undefined ? "" : ` after ${after.toFixed(1)} s`;
  const usually =
    slower === true && stage === "up" ? `, usually ${usual?.median.toFixed(1)} s` : "";
  return `${stage === "heard" ? "was heard" : `reached ${stage}`}${at}${usually}`;
}

/** From what was moved in all to what moves in a second. */
class RateOf {
  #before: Totals | undefined;
  last: Rates = { bytes: 0, calls: 0, refused: 0 };

  take(totals: Totals): void {
    const before = this.#before;
    this.#before = totals;
    const seconds = before === undefined ? 0 : (totals.now - before.now) / 1000;
    if (before === undefined || seconds <= 0) return;
    const rate = (value: (of: Totals["traffic"][string]) => number): number =>
      Math.max(0, sum(totals, value) - sum(before, value)) / seconds;
    this.last = {
      bytes: rate(({ sent, received }) => sent + received),
      calls: rate(({ calls }) => calls),
      refused: totals.refused,
    };
  }
}

function sum({ traffic }: Totals, value: (of: Totals["traffic"][string]) => number): number {
  return Object.values(traffic).reduce((all, of) => all + value(of), 0);
}

function nodesOf({ name, data }: ServerEvent): readonly StatusNode[] {
  return name === "nodes" ? read(nodesShape, data) : [];
}

function totalsOf({ name, data }: ServerEvent): Totals | undefined {
  return name === "totals" ? read(totalsShape, data) : undefined;
}

function read<T>(shape: z.ZodType<T>, data: string): T {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    // Below.
  }
  const found = shape.safeParse(value);
  if (found.success) return found.data;
  throw new UserError("the server tells events that this version of sidus does not know", {
    exitCode: 1,
  });
}
