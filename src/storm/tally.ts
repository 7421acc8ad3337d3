import { STORM_EXAMPLES_MAX, STORM_WORDS_MAX } from "../limits.ts";
import { type StormProtocol, stormProtocols, type Tally } from "./client.ts";
import { Histogram } from "./histogram.ts";
import type { NodeResult, ProtocolResult, StormResult } from "./result.ts";

const fields = ["calls", "received", "sent", "retransmits"] as const;
type Field = (typeof fields)[number];

/**
 * What one thread's nodes did, in memory that the main thread reads while that is busy. Not atomic: a reader sees a number
 * before or after an addition, as Node runs on machines that write 64 bits at once.
 */
export class SharedCounts {
  readonly memory: SharedArrayBuffer;
  readonly #values: Float64Array;

  constructor(memory = new SharedArrayBuffer(stormProtocols.length * fields.length * 8)) {
    this.memory = memory;
    this.#values = new Float64Array(memory);
  }

  add(protocol: number, field: number, value: number): void {
    const place = protocol * fields.length + field;
    this.#values[place] = (this.#values[place] ?? 0) + value;
  }

  get(protocol: StormProtocol, field: Field): number {
    const place = stormProtocols.indexOf(protocol) * fields.length + fields.indexOf(field);
    return this.#values[place] ?? 0;
  }
}

/** What a thread hands over at its end: values only. */
export interface Counted {
  readonly latencies: readonly Float64Array[];
  readonly operations: readonly ReadonlyMap<string, number>[];
  readonly complaints: readonly ReadonlyMap<string, number>[];
  readonly verified: StormResult["verified"];
}

const places = Object.fromEntries(stormProtocols.map((name, place) => [name, place])) as Readonly<
  Record<StormProtocol, number>
>;

/** Of all nodes of one thread. */
export class ThreadTally {
  readonly shared: SharedCounts;
  readonly #latencies = stormProtocols.map(() => new Histogram());
  readonly #operations = stormProtocols.map(() => new Map<string, { count: number }>());
  readonly #complaints = stormProtocols.map(() => new Map<string, { count: number }>());
  #verified = 0;
  #differences = 0;
  readonly #examples: string[] = [];

  constructor(shared: SharedCounts) {
    this.shared = shared;
  }

  answered(place: number, operation: string, ms: number): void {
    this.#latencies[place]?.record(ms);
    count(this.#operations[place], operation);
  }

  complained(place: number, reason: string): void {
    count(this.#complaints[place], reason);
  }

  verified(bytes: number): void {
    this.#verified += bytes;
  }

  differed(what: string): void {
    this.#differences += 1;
    if (this.#examples.length < STORM_EXAMPLES_MAX) this.#examples.push(what);
  }

  counted(): Counted {
    return {
      latencies: this.#latencies.map(({ counts }) => counts),
      operations: this.#operations.map(plain),
      complaints: this.#complaints.map(plain),
      verified: {
        bytes: this.#verified,
        differences: this.#differences,
        examples: this.#examples,
      },
    };
  }
}

/** Of one node, told by its clients; what is of all nodes goes on to its thread's. */
export class NodeTally implements Tally {
  readonly #thread: ThreadTally;
  readonly #calls = new Uint32Array(stormProtocols.length);
  readonly #received = new Float64Array(stormProtocols.length);
  #retransmits = 0;
  readonly #name: string;

  constructor(thread: ThreadTally, name: string) {
    this.#thread = thread;
    this.#name = name;
  }

  answered(
    protocol: StormProtocol,
    operation: string,
    ms: number,
    received: number,
    sent: number,
  ): void {
    const place = places[protocol];
    this.#calls[place] = (this.#calls[place] ?? 0) + 1;
    this.#received[place] = (this.#received[place] ?? 0) + received;
    const { shared } = this.#thread;
    shared.add(place, 0, 1);
    shared.add(place, 1, received);
    shared.add(place, 2, sent);
    this.#thread.answered(place, operation, ms);
  }

  moved(protocol: StormProtocol, received: number, sent: number): void {
    const place = places[protocol];
    this.#received[place] = (this.#received[place] ?? 0) + received;
    this.#thread.shared.add(place, 1, received);
    this.#thread.shared.add(place, 2, sent);
  }

  retransmitted(protocol: StormProtocol): void {
    this.#retransmits += 1;
    this.#thread.shared.add(places[protocol], 3, 1);
  }

  complained(protocol: StormProtocol, reason: string): void {
    this.#thread.complained(places[protocol], reason);
  }

  verified(bytes: number): void {
    this.#thread.verified(bytes);
  }

  differed(protocol: StormProtocol, what: string): void {
    this.#thread.differed(`${this.#name}: ${protocol} ${what}`);
  }

  result(): Pick<NodeResult, "received" | "calls" | "retransmits"> {
    return {
      received: named(this.#received),
      calls: named(this.#calls),
      retransmits: this.#retransmits,
    };
  }
}

/** What all threads counted; protocols of which nothing was heard are left out. */
export function protocolResults(
  shared: readonly SharedCounts[],
  counted: readonly Counted[],
): StormResult["protocols"] {
  const results: [StormProtocol, ProtocolResult][] = stormProtocols.map((protocol, place) => {
    const latency = new Histogram();
    for (const { latencies } of counted) latency.add(new Histogram(latencies[place]));
    const sum = (field: Field): number =>
      shared.reduce((total, counts) => total + counts.get(protocol, field), 0);
    const result: ProtocolResult = {
      calls: sum("calls"),
      received: sum("received"),
      sent: sum("sent"),
      retransmits: sum("retransmits"),
      complaints: together(counted.map(({ complaints }) => complaints[place])),
      operations: together(counted.map(({ operations }) => operations[place])),
      latency: latency.percentiles(),
      waited: latency.sum / 1000,
    };
    return [protocol, result];
  });
  return Object.fromEntries(
    results.filter(([, { calls, retransmits, complaints }]) => {
      return calls + retransmits + Object.keys(complaints).length > 0;
    }),
  );
}

function count(words: Map<string, { count: number }> | undefined, word: string): void {
  const known = words?.get(word);
  if (known !== undefined) known.count += 1;
  else if (words !== undefined && words.size < STORM_WORDS_MAX) words.set(word, { count: 1 });
}

function plain(words: ReadonlyMap<string, { count: number }>): Map<string, number> {
  return new Map([...words].map(([word, { count }]) => [word, count]));
}

function together(
  all: readonly (ReadonlyMap<string, number> | undefined)[],
): Record<string, number> {
  const sums = new Map<string, number>();
  for (const words of all) {
    for (const [word, times] of words ?? []) sums.set(word, (sums.get(word) ?? 0) + times);
  }
  return Object.fromEntries([...sums].sort(([, a], [, b]) => b - a));
}

function named(values: ArrayLike<number>): NodeResult["calls"] {
  const entries = stormProtocols.map((protocol, place) => [protocol, values[place] ?? 0] as const);
  return Object.fromEntries(entries.filter(([, value]) => value > 0));
}
