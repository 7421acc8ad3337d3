import { readdirSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { Counter, Gauge, type Registry } from "prom-client";

/**
 * What Prometheus' clients say of their process, and how busy the event loop is. All of it is asked for when it is read:
 * prom-client's own default metrics keep a timer of 10 ms going, which took 7 ms of a processor each second.
 */
export function processMetrics(registers: Registry[]): void {
  counter("process_cpu_seconds_total", "User and system time of all threads.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  counter(
    "sidus_event_loop_busy_seconds_total",
    "Time in which the thread of DHCP, TFTP and HTTP did not wait.",
    () => performance.eventLoopUtilization().active / 1000,
  );
  gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
  gauge("process_start_time_seconds", "When it began, since 1970.", () =>
    Math.round(performance.timeOrigin / 1000),
  );
  // Without that by which they are counted.
  gauge("process_open_fds", "Open descriptors.", () => readdirSync("/proc/self/fd").length - 1);
  gauge("process_max_fds", "Descriptors that it may open.", openFilesMax);

  function counter(name: string, help: string, value: () => number): void {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  }

  function gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(known(value));
      },
    });
  }
}

/** To ask takes a descriptor: where none is left, the rest is still told. */
function known(value: () => number): number {
  try {
    return value();
  } catch {
    return Number.NaN;
  }
}

/** The soft limit, proc(5). */
function openFilesMax(): number {
  const line = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  return line?.[1] === undefined ? Number.POSITIVE_INFINITY : Number(line[1]);
}
