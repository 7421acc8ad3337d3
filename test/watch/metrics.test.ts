import { closeSync, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { describe, expect, test } from "vitest";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { openMetrics } from "../../src/watch/metrics.ts";
import { Refusals } from "../../src/watch/refusals.ts";
import { Timeline } from "../../src/watch/timeline.ts";
import { Traffics } from "../../src/watch/traffic.ts";
import { VirtualClock } from "../sim/clock.ts";
import { address, dhcp, macOf, momentsOf } from "./replay.ts";

/** A sample of Prometheus' text format (prometheus.io/docs/instrumenting/exposition_formats), read by hand. */
interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function samplesIn(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    if (line === "" || line.startsWith("#")) return [];
    const [, name = "", labels = "", value = ""] =
      /^([a-zA-Z_:][\w:]*)(?:\{((?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/.exec(line) ?? [];
    expect(name, line).not.toBe("");
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    return [
      {
        name,
        labels: Object.fromEntries(pairs.map((pair) => [pair[1], pair[2]])),
        value: Number(value),
      },
    ];
  });
}

function room() {
  const clock = new VirtualClock();
  const refusals = new Refusals();
  const traffics = new Traffics();
  const timeline = new Timeline(
    clock,
    (boot, stage) => metrics.reached(boot, stage),
    () => undefined,
  );
  const metrics = openMetrics({
    boots: () => timeline.boots(),
    refused: () => refusals.counts(),
    traffics,
    leases: () => 12,
    readers: () => 1,
  });
  for (const { at, event } of momentsOf("a-bios-tmpfs")) {
    clock.advance(at - clock.now());
    timeline.tell(event);
    traffics.tell(event);
  }
  const samples = async () => samplesIn(await metrics.text());
  const value = async (name: string, labels: Readonly<Record<string, string>> = {}) =>
    (await samples()).find(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([key, of]) => sample.labels[key] === of),
    )?.value;
  return { metrics, timeline, refusals, traffics, samples, value };
}

describe("metrics of a recorded boot", () => {
  test("nodes by stage, boots, and how long each stage took", async () => {
    const { value } = room();
    expect(await value("sidus_nodes", { stage: "up" })).toBe(1);
    expect(await value("sidus_nodes", { stage: "kernel" })).toBe(0);
    expect(await value("sidus_boots_total")).toBe(1);
    expect(await value("sidus_boot_seconds_count", { stage: "up" })).toBe(1);
    // Its kernel was asked for 16.17 s after it was switched on, 16.17 - 0 after its first DISCOVER.
    expect(await value("sidus_boot_seconds_bucket", { stage: "kernel", le: "15" })).toBe(0);
    expect(await value("sidus_boot_seconds_bucket", { stage: "kernel", le: "20" })).toBe(1);
    expect(await value("sidus_boot_seconds_bucket", { stage: "volume", le: "+Inf" })).toBe(0);
    expect(await value("sidus_leases")).toBe(12);
  });

  test("a running system that renews its address boots not", async () => {
    const { timeline, value } = room();
    const other = { mac: macOf("52:54:00:77:00:02"), address: ipv4(0x0a4d_000c) };
    timeline.tell({ ...dhcp("other", "REQUEST"), ...other });
    expect(await value("sidus_boots_total")).toBe(1);
    expect(await value("sidus_boot_seconds_count", { stage: "dhcp" })).toBe(1);
    const path = "/vmlinuz";
    const started = { protocol: "http", path, outcome: "started", bytes: 0 } as const;
    timeline.tell({ kind: "file", address: other.address, ...started });
    expect(await value("sidus_boots_total")).toBe(2);
  });

  test("what moved: as told by events, and by threads", async () => {
    const { value, traffics } = room();
    traffics.add("nfs", { calls: 5, received: 700, sent: 90_000 });
    traffics.add("nfs", { calls: 1, received: 0, sent: 0 });
    traffics.add("mount", { calls: 2, received: 0, sent: 0 });
    expect(await value("sidus_calls_total", { protocol: "nfs" })).toBe(6);
    expect(await value("sidus_bytes_total", { protocol: "nfs", direction: "received" })).toBe(700);
    expect(await value("sidus_bytes_total", { protocol: "nfs", direction: "sent" })).toBe(90_000);
    expect(await value("sidus_calls_total", { protocol: "mount" })).toBe(2);
    const files = await value("sidus_files_total", { protocol: "tftp", outcome: "done" });
    expect(await value("sidus_bytes_total", { protocol: "tftp" })).toBe(1_000_000 * (files ?? 0));
    // Asked again, they are what they were.
    expect(await value("sidus_calls_total", { protocol: "nfs" })).toBe(6);
  });

  test("files count once, when they end", async () => {
    const { value, traffics } = room();
    const of = async () => ({
      calls: await value("sidus_calls_total", { protocol: "tftp" }),
      done: await value("sidus_files_total", { protocol: "tftp", outcome: "done" }),
      aborted: await value("sidus_files_total", { protocol: "tftp", outcome: "aborted" }),
      missing: await value("sidus_files_total", { protocol: "tftp", outcome: "missing" }),
    });
    const before = await of();
    const file = { kind: "file", protocol: "tftp", address, path: "x", bytes: 7 } as const;
    traffics.tell({ ...file, outcome: "started" });
    expect(await of()).toEqual(before);
    for (const outcome of ["done", "done", "aborted", "missing"] as const) {
      traffics.tell({ ...file, outcome });
    }
    const { calls = 0, done = 0, aborted = 0, missing = 0 } = before;
    const now = { calls: calls + 4, done: done + 2, aborted: aborted + 1, missing: missing + 1 };
    expect(await of()).toEqual(now);
  });

  test("refusals by protocol and reason", async () => {
    const { value, refusals } = room();
    refusals.tell({ kind: "refused", protocol: "dhcp", reason: "unknown-node", times: 3 });
    expect(await value("sidus_refused_total", { protocol: "dhcp", reason: "unknown-node" })).toBe(
      3,
    );
  });

  test("the process: processor, memory, descriptors, and how busy its event loop is", async () => {
    const { value } = room();
    const ask = async () => ({
      cpu: (await value("process_cpu_seconds_total")) ?? 0,
      busy: (await value("sidus_event_loop_busy_seconds_total")) ?? 0,
      open: (await value("process_open_fds")) ?? 0,
    });
    const before = await ask();
    const file = openSync("/dev/null", "r");
    for (const used = process.cpuUsage(); process.cpuUsage(used).user < 20_000; );
    const after = await ask();
    closeSync(file);
    expect(after.cpu - before.cpu).toBeGreaterThan(0.02);
    expect(after.busy - before.busy).toBeGreaterThan(0);
    expect(after.open - before.open).toBe(1);
    // That by which they are counted here is one of them, and closed by then.
    const isOpen = (fd: string): boolean => existsSync(`/proc/self/fd/${fd}`);
    const open = readdirSync("/proc/self/fd").filter(isOpen);
    expect(await value("process_open_fds")).toBe(open.length);
    const status = readFileSync("/proc/self/status", "utf8");
    const residentKib = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
    const resident = await value("process_resident_memory_bytes");
    expect(resident).toBeGreaterThan(residentKib * 1024 * 0.8);
    expect(resident).toBeLessThan(residentKib * 1024 * 1.25);
    const limits = readFileSync("/proc/self/limits", "utf8");
    const most = Number(/Max open files\s+(\d+)/.exec(limits)?.[1]);
    expect(await value("process_max_fds")).toBe(most);
    const upSeconds = Date.now() / 1000 - ((await value("process_start_time_seconds")) ?? 0);
    expect(Math.abs(upSeconds - process.uptime())).toBeLessThan(2);
  });

  test("a thousand nodes with hostile names make no more series, and every line can be read", async () => {
    const { metrics, timeline, traffics, samples } = room();
    const before = (await samples()).length;
    for (let number = 0; number < 1000; number += 1) {
      const mac = `5254007${number.toString(16).padStart(5, "0")}` as never;
      const name = `"}\n# HELP x${number}`;
      timeline.tell({ ...dhcp("pxe", "DISCOVER", { mac, name }) });
      traffics.tell({
        kind: "file",
        protocol: "http",
        address,
        path: name,
        outcome: "missing",
        bytes: 0,
      });
    }
    const after = await samples();
    expect(after.length - before).toBeLessThan(10);
    expect(await metrics.text()).not.toContain("# HELP x");
    expect(metrics.contentType).toContain("text/plain; version=0.0.4");
  });
});
