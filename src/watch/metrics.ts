import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { processMetrics } from "./process-metrics.ts";
import { isWhole, type NodeBoot, type Stage, stages } from "./timeline.ts";
import type { Traffics } from "./traffic.ts";

export interface MetricsDeps {
  readonly boots: () => readonly NodeBoot[];
  readonly refused: () => Record<string, Record<string, number>>;
  readonly traffics: Pick<Traffics, "moved" | "files">;
  /** Addresses in use; undefined: we give none. */
  readonly leases: () => number | undefined;
  /** Who follows the live events. */
  readonly readers: () => number;
}

export interface Metrics {
  reached(boot: NodeBoot, stage: Stage): void;
  readonly contentType: string;
  /** Prometheus' text format, version 0.0.4. */
  text(): Promise<string>;
}

/** From firmware that is told its loader to a server that checks its memory first. */
const BOOT_SECONDS = [1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600];

/** What Prometheus reads. Labels have few values, and none is of a node: a thousand nodes make no more series. */
export function openMetrics(deps: MetricsDeps): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const begun = new Counter({
    name: "sidus_boots_total",
    help: "Boots that began: firmware got an address, or a file was asked for.",
    registers,
  });
  const seconds = new Histogram({
    name: "sidus_boot_seconds",
    help: "From the beginning of a boot until it reached a stage.",
    labelNames: ["stage"],
    buckets: BOOT_SECONDS,
    registers,
  });
  for (const stage of stages) seconds.zero({ stage });
  const counted = new WeakSet<NodeBoot>();
  processMetrics(registers);
  nodeGauges(deps, registers);
  trafficCounters(deps, registers);
  return {
    reached(boot, stage) {
      if (!isWhole(boot)) return;
      if (!counted.has(boot)) begun.inc();
      counted.add(boot);
      seconds.observe({ stage }, ((boot.reached.get(stage) ?? 0) - boot.startedAt) / 1000);
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

function nodeGauges({ boots, leases, readers }: MetricsDeps, registers: Registry[]): void {
  new Gauge({
    name: "sidus_nodes",
    help: "Nodes by the stage that their last boot reached; heard: without an address of ours.",
    labelNames: ["stage"],
    registers,
    collect() {
      const counts = new Map<string, number>(["heard", ...stages].map((stage) => [stage, 0]));
      for (const { stage } of boots()) counts.set(stage, (counts.get(stage) ?? 0) + 1);
      for (const [stage, nodes] of counts) this.set({ stage }, nodes);
    },
  });
  new Gauge({
    name: "sidus_leases",
    help: "Addresses in use that were given by DHCP.",
    registers,
    collect() {
      this.set(leases() ?? 0);
    },
  });
  new Gauge({
    name: "sidus_live_readers",
    help: "Connections that follow /events.",
    registers,
    collect() {
      this.set(readers());
    },
  });
}

/** Counted elsewhere: each is put in anew when it is asked for. */
function trafficCounters({ traffics, refused }: MetricsDeps, registers: Registry[]): void {
  new Counter({
    name: "sidus_calls_total",
    help: "Calls by protocol, each counted once: DHCP messages, files as they end, RPC calls, iSCSI PDUs.",
    labelNames: ["protocol"],
    registers,
    collect() {
      this.reset();
      for (const [protocol, { calls }] of Object.entries(traffics.moved())) {
        this.inc({ protocol }, calls);
      }
    },
  });
  new Counter({
    name: "sidus_bytes_total",
    help: "Bytes by protocol, where they are counted: NFS (with MOUNT) and iSCSI both ways, files as sent.",
    labelNames: ["protocol", "direction"],
    registers,
    collect() {
      this.reset();
      for (const [protocol, { received, sent }] of Object.entries(traffics.moved())) {
        if (received > 0) this.inc({ protocol, direction: "received" }, received);
        if (sent > 0) this.inc({ protocol, direction: "sent" }, sent);
      }
    },
  });
  new Counter({
    name: "sidus_files_total",
    help: "Boot files by protocol and outcome.",
    labelNames: ["protocol", "outcome"],
    registers,
    collect() {
      this.reset();
      for (const { protocol, outcome, times } of traffics.files()) {
        this.inc({ protocol, outcome }, times);
      }
    },
  });
  new Counter({
    name: "sidus_refused_total",
    help: "What was not answered as asked, by protocol and reason.",
    labelNames: ["protocol", "reason"],
    registers,
    collect() {
      this.reset();
      for (const [protocol, reasons] of Object.entries(refused())) {
        for (const [reason, times] of Object.entries(reasons))
          this.inc({ protocol, reason }, times);
      }
    },
  });
}
