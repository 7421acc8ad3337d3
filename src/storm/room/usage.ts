import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import type { Clock } from "../../net/clock.ts";

/** What processes took of the machine: proc(5). Everything that has ended meanwhile counts as nothing, not as an error. */

export interface Usage {
  /** Cores since the usage before: 1 is one processor, all the time. */
  readonly serverCpu: number | undefined;
  /** Bytes that are resident now. */
  readonly serverRss: number | undefined;
  /** Of this process, all its threads. */
  readonly loadCpu: number;
  /** Of the whole machine, by anybody. */
  readonly machineCpu: number;
}

/** USER_HZ: what the kernel tells user space in, whatever its own clock. */
const TICKS_PER_SECOND = 100;

interface Seconds {
  readonly server: number;
  readonly load: number;
  readonly machine: number;
}

/** Looks at the servers, at ourselves and at the machine; a few hundred µs a time. */
export class UsageMeter {
  readonly #clock: Pick<Clock, "now">;
  readonly #servers: ProcessUsage | undefined;
  #at: number;
  #before: Seconds;
  readonly #first: Seconds;
  #rssMax = 0;

  /** `pids`: of the servers, at each time; undefined: they are not ours to look at. */
  constructor(clock: Pick<Clock, "now">, pids: (() => readonly number[]) | undefined) {
    this.#clock = clock;
    this.#servers = pids === undefined ? undefined : new ProcessUsage(pids);
    this.#at = clock.now();
    this.#before = this.#seconds();
    this.#first = this.#before;
  }

  take(): Usage {
    const at = this.#clock.now();
    const elapsed = Math.max((at - this.#at) / 1000, 0.001);
    const before = this.#before;
    const now = this.#seconds();
    this.#at = at;
    this.#before = now;
    const isWatched = this.#servers !== undefined;
    const rss = this.#servers?.rss;
    this.#rssMax = Math.max(this.#rssMax, rss ?? 0);
    return {
      serverCpu: isWatched ? (now.server - before.server) / elapsed : undefined,
      serverRss: rss,
      loadCpu: (now.load - before.load) / elapsed,
      machineCpu: (now.machine - before.machine) / elapsed,
    };
  }

  /** Seconds of CPU since the meter was made, as of the last `take`; server: undefined where it is not watched. */
  total(): {
    readonly server: { readonly cpuSeconds: number; readonly rssMax: number } | undefined;
    readonly load: { readonly cpuSeconds: number };
  } {
    const { server, load } = this.#before;
    const cpuSeconds = server - this.#first.server;
    return {
      server: this.#servers === undefined ? undefined : { cpuSeconds, rssMax: this.#rssMax },
      load: { cpuSeconds: load - this.#first.load },
    };
  }

  #seconds(): Seconds {
    const { user, system } = process.cpuUsage();
    return {
      server: this.#servers?.seconds() ?? 0,
      load: (user + system) / 1_000_000,
      machine: machineSeconds(readOr("/proc/stat")),
    };
  }
}

/** Of processes and all that descend from them. One that is started again is another process: it adds to what was. */
export class ProcessUsage {
  readonly #pids: () => readonly number[];
  /** Of each that was ever named: what it had taken when it was last seen. */
  readonly #seen = new Map<number, number>();
  /** Bytes, all together, when last asked. */
  rss = 0;

  constructor(pids: () => readonly number[]) {
    this.#pids = pids;
  }

  /** Of CPU, by all that were ever named; never less than before. */
  seconds(): number {
    this.rss = 0;
    for (const pid of this.#pids()) {
      const seconds = this.#secondsOf(pid);
      this.#seen.set(pid, Math.max(seconds, this.#seen.get(pid) ?? 0));
    }
    let sum = 0;
    for (const seconds of this.#seen.values()) sum += seconds;
    return sum;
  }

  #secondsOf(pid: number): number {
    const stat = readOr(`/proc/${pid}/stat`);
    if (stat === "") return 0;
    this.rss += residentBytes(readOr(`/proc/${pid}/status`));
    let seconds = ticksOf(stat) / TICKS_PER_SECOND;
    for (const child of childrenOf(pid)) seconds += this.#secondsOf(child);
    return seconds;
  }
}

/** proc_pid_stat(5), fields 14 to 17: user and system time, its own and of children that have ended. */
function ticksOf(stat: string): number {
  // The name before it may hold anything, blanks and brackets too.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
}

function childrenOf(pid: number): number[] {
  return namesIn(`/proc/${pid}/task`).flatMap((thread) =>
    readOr(`/proc/${pid}/task/${thread}/children`)
      .split(" ")
      .filter((text) => text.trim() !== "")
      .map(Number),
  );
}

/** proc_pid_status(5): VmRSS, in KiB. */
function residentBytes(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** proc_stat(5): user, nice, system, then idle and waiting for disks, which is no work; interrupts, stolen by a hypervisor. */
function machineSeconds(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
    /^cpu +(.+)$/m.exec(stat)?.[1] ?? ""
  )
    .split(" ")
    .map(Number);
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
