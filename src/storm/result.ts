import { z } from "zod";
import { stormProtocols } from "./client.ts";

/** All that a storm found: what `--json` writes, reports are drawn from, and two of which are compared. Times are seconds. */

/** As the server's own timeline names them (watch/timeline.ts). */
export const stormStages = ["dhcp", "loader", "kernel", "root", "volume", "up"] as const;
export type StormStage = (typeof stormStages)[number];

const perProtocol = <T extends z.ZodType>(value: T) =>
  z.partialRecord(z.enum(stormProtocols), value);

const percentiles = z.object({
  count: z.number(),
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
  max: z.number(),
});
export type Percentiles = z.infer<typeof percentiles>;

const node = z.object({
  name: z.string(),
  mac: z.string(),
  address: z.string().optional(),
  /** After the storm began; the others are after it, too. */
  startedAt: z.number(),
  reached: z.partialRecord(z.enum(stormStages), z.number()),
  /** Why it did not come up. */
  failure: z.string().optional(),
  received: perProtocol(z.number()),
  calls: perProtocol(z.number()),
  retransmits: z.number(),
});
export type NodeResult = z.infer<typeof node>;

const protocolResult = z.object({
  calls: z.number(),
  received: z.number(),
  sent: z.number(),
  retransmits: z.number(),
  /** By what was wrong. */
  complaints: z.record(z.string(), z.number()),
  operations: z.record(z.string(), z.number()),
  /** ms from a call to its whole answer. */
  latency: percentiles,
  /** Seconds, of all calls together. */
  waited: z.number().optional(),
});
export type ProtocolResult = z.infer<typeof protocolResult>;

/** A piece of one node's boot, as its trace has it: what nodes do in it is alike. */
const bootPhase = z.object({
  /** The stage that a node is on its way to. */
  until: z.enum(stormStages),
  /** Seconds of its own, `think` times the recorded. */
  own: z.number(),
  /** Answers that it waits for, one after another. */
  rounds: z.number(),
  calls: perProtocol(z.number()),
  /** Bytes of content. */
  received: perProtocol(z.number()),
});
export type BootPhase = z.infer<typeof bootPhase>;

/** What was so at one time, and what came since the sample before. */
const sample = z.object({
  at: z.number(),
  received: perProtocol(z.number()),
  calls: perProtocol(z.number()),
  retransmits: z.number(),
  /** Nodes whose furthest stage this is; `waiting`: not switched on, `started`: before an address. */
  stages: z.record(z.string(), z.number()),
  failed: z.number(),
  /** Cores: 1 is one processor, all the time. Undefined where the servers are not ours to look at. */
  serverCpu: z.number().optional(),
  serverRss: z.number().optional(),
  loadCpu: z.number(),
  /** 0 to 1, of the busiest worker: event-loop utilization. */
  loadBusy: z.number(),
  /** Cores of the whole machine in use, by anybody. */
  machineCpu: z.number(),
});
export type Sample = z.infer<typeof sample>;

export const stormResult = z.object({
  sidus: z.literal("storm"),
  version: z.literal(1),
  /** ISO 8601. */
  begunAt: z.string(),
  title: z.string(),
  machine: z.object({
    cpus: z.number(),
    processor: z.string(),
    memory: z.number(),
    kernel: z.string(),
    node: z.string(),
    sidus: z.string(),
  }),
  options: z.object({
    nodes: z.number(),
    arrival: z.string(),
    trace: z.string(),
    /** What the node's own times are multiplied with. */
    think: z.number(),
    seed: z.number(),
    workers: z.number(),
    /** Protocol → `10.13.0.1:2049`, `left out`. */
    servers: z.record(z.string(), z.string()),
    link: z
      .object({ bitsPerSecond: z.number(), latencyMs: z.number(), loss: z.number() })
      .partial()
      .optional(),
  }),
  /** From the first node's start to the last node's end. */
  seconds: z.number(),
  up: z.number(),
  failed: z.number(),
  nodes: z.array(node),
  /** From each node's own start. */
  stages: z.partialRecord(z.enum(stormStages), percentiles),
  protocols: perProtocol(protocolResult),
  /** What a node does, in order; projections are made from it. */
  phases: z.array(bootPhase).optional(),
  series: z.array(sample),
  /** By protocol and reason, as a sidus that was stormed says: floods, and what is malformed. */
  refused: z.record(z.string(), z.record(z.string(), z.number())).optional(),
  server: z.object({ cpuSeconds: z.number(), rssMax: z.number() }).optional(),
  load: z.object({ cpuSeconds: z.number(), busyMax: z.number() }),
  verified: z.object({
    bytes: z.number(),
    differences: z.number(),
    /** The first few. */
    examples: z.array(z.string()),
  }),
  /** How the trace's files were found in the tree that is served. */
  files: z.object({
    asRecorded: z.number(),
    /** Of another version or kernel: its name differs. */
    renamed: z.number(),
    /** Another file of about that size stands for it. */
    replaced: z.number(),
    examples: z.array(z.string()),
  }),
  /** What was done to the servers or the network meanwhile. */
  incidents: z.array(z.object({ at: z.number(), what: z.string() })),
  /** What was to be done, and was not: the storm was over before. */
  notReached: z.array(z.object({ at: z.number(), what: z.string() })).optional(),
});
export type StormResult = z.infer<typeof stormResult>;
