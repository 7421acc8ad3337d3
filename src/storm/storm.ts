import { STORM_SAMPLE_MS } from "../limits.ts";
import { after, type Clock } from "../net/clock.ts";
import { nodeOfXid } from "./dhcp/message.ts";
import { openRelay, type Relay } from "./dhcp/relay.ts";
import { Incidents } from "./incidents.ts";
import { type StormDeps, type StormOptions, servedEntries } from "./options.ts";
import type { StormResult } from "./result.ts";
import { Samples } from "./samples.ts";
import { StormThread, startsOf, threadOf } from "./threads.ts";
import { resultOf } from "./together.ts";
import { mapFiles } from "./trace/mapping.ts";
import { Watch } from "./watch.ts";

/** Port of DHCP servers and relays (RFC 2131 §4.1). */
const RELAY_PORT = 67;

/** Runs a storm to its end. @throws UserError where the relay's port cannot be had */
export async function runStorm(options: StormOptions, deps: StormDeps): Promise<StormResult> {
  const { clock, progress, serverPids, version } = deps;
  await using opened = new AsyncDisposableStack();
  const threads: StormThread[] = [];
  const files = mapFiles(options.trace, servedEntries(options));
  const relay = await openStormRelay(options, deps, threads);
  if (relay !== undefined) opened.use(relay);
  for (const start of startsOf(options, files.places)) {
    threads.push(opened.use(new StormThread(start, (datagram) => relay?.send(datagram))));
  }
  await Promise.all(threads.map(({ ready }) => ready));

  const begunAt = new Date(clock.epochMs()).toISOString();
  const watch = new Watch(clock, threads, serverPids);
  const samples = new Samples();
  const look = (): void => {
    const sample = watch.take();
    samples.add(sample);
    progress(sample);
  };
  for (const thread of threads) thread.post({ kind: "begin" });
  const incidents = opened.use(new Incidents(clock, deps.incidents));
  opened.use(regularly(clock, look));
  opened.use(onAbort(deps.signal, () => stopAll(threads)));
  const ended = await Promise.race([
    Promise.all(threads.map((thread) => thread.ended)),
    incidents.failed,
  ]);
  look();
  return await resultOf(options, {
    begunAt,
    files: files.summary,
    ended,
    counts: threads.map(({ counts }) => counts),
    watch,
    series: samples.all(),
    incidents: incidents.happened,
    notReached: incidents.notReached,
    version,
  });
}

/** The one socket of all nodes' DHCP; undefined where that is left out. */
async function openStormRelay(
  { servers, relay, skip }: StormOptions,
  { report }: StormDeps,
  threads: readonly StormThread[],
): Promise<Relay | undefined> {
  if (servers.dhcp === undefined || skip.includes("dhcp")) return undefined;
  if (relay === undefined) throw new RangeError("DHCP without a relay's address");
  return await openRelay({
    local: { address: relay, port: RELAY_PORT },
    servers: [servers.dhcp],
    reply(xid, datagram) {
      const index = nodeOfXid(xid);
      threads[threadOf(index, threads.length)]?.post({ kind: "dhcp", index, datagram });
    },
    report,
  });
}

function stopAll(threads: readonly StormThread[]): void {
  for (const thread of threads) thread.post({ kind: "stop", failure: "the storm was broken off" });
}

function onAbort(signal: AbortSignal, run: () => void): Disposable {
  if (signal.aborted) run();
  signal.addEventListener("abort", run);
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", run) };
}

/** A look that was late does not move the next one; one that would follow at its heels is left out. */
function regularly(clock: Clock, look: () => void): Disposable {
  let next = after(clock.now(), STORM_SAMPLE_MS);
  const alarm = clock.alarm(() => {
    look();
    const now = clock.now();
    while (next - now < STORM_SAMPLE_MS / 2) next = after(next, STORM_SAMPLE_MS);
    alarm.set(next);
  });
  alarm.set(next);
  return alarm;
}
