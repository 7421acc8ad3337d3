import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { Command } from "commander";
import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import { formatMac } from "../bytes/mac.ts";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { CAPTURE_BYTES_MAX } from "../limits.ts";
import { type Captured, openCapture } from "../net/capture.ts";
import { systemClock } from "../net/clock.ts";
import { interfaceAddresses } from "../net/interfaces.ts";
import { UserError } from "../user-error.ts";
import type { BootEvent } from "../watch/events.ts";
import { StuckWatch } from "../watch/stuck.ts";
import type { NodeBoot, Stage } from "../watch/timeline.ts";
import { openControl } from "./control.ts";
import { fewDescriptors } from "./descriptors.ts";
import { type Log, openLog } from "./log.ts";
import { openRoom, type Room } from "./room.ts";

/** How often the log says what was refused since it last said so. */
const REFUSALS_LOGGED_EVERY_MS = 60_000;

interface ServeOptions {
  readonly config: string;
  readonly readyFile?: string;
  readonly record?: string;
}

export function serveCommand(): Command {
  return new Command("serve")
    .description(
      "Serve DHCP, TFTP, HTTP, NFS and iSCSI in the foreground, as the configuration says.",
    )
    .requiredOption("-c, --config <file>", "the configuration, sidus.yaml")
    .option("--ready-file <file>", "write this file when every port listens")
    .option("--record <file>", "record what the served interface receives and sends (pcap)")
    .addHelpText(
      "after",
      `
dhcp.mode says what it does about addresses: server gives them; proxy only says what to boot, beside the network's own
DHCP server; off does neither.
SIGTERM or Ctrl-C stops it, SIGHUP reads the configuration again. As a service of systemd: Type=notify, NotifyAccess=all.
--record begins its file anew, ends it at 2 GiB, and makes it the superuser's: it has what nodes read, passwords too.
tshark reads it, and sidus storm record makes a trace of it.
While it runs, sidus status says what every node is doing, and sidus explain why one does not boot; browsers are shown
both at http:// and its address, and Prometheus asks for /metrics there.

Example:
  sidus serve --config /etc/sidus.yaml`,
    )
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const config = loadConfig(options.config, interfaceAddresses());
  const log = openLog(config.log.level);
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
  // One of an earlier run would say too soon that this one is ready.
  writeReady(options.readyFile, (file) => rmSync(file, { force: true }));
  const opened = Promise.withResolvers<Room>();
  let reloaded: Promise<unknown> = opened.promise;
  const reloadInTurn = (): Promise<void> => {
    const mine = reloaded.then(async () => reload(options.config, await opened.promise, log));
    reloaded = mine.catch(() => {});
    return mine;
  };
  process.on("SIGHUP", () => void reloadInTurn().catch((error) => logFailure(log, error)));
  await using _recording = record(options.record, config, log);
  await using room = await openRoom(config, {
    clock: systemClock,
    report: (what, error) => log.error({ err: error }, what),
    warn: (text) => log.warn(text),
    tell: (event) => logEvent(log, event),
    reached: (boot, stage) => logStage(log, boot, stage),
    isCaptured: options.record !== undefined,
  });
  opened.resolve(room);
  await using _control = await openControl({
    state: config.state,
    reload: reloadInTurn,
    report: (what, error) => log.error({ err: error }, what),
  });
  using _stuck = new StuckWatch({
    clock: systemClock,
    boots: room.boots,
    explain: room.explain,
    warn: (text) => log.warn(text),
  });
  logListening(log, config);
  const few = fewDescriptors(config.nodes.length);
  if (few !== undefined) log.warn(few);
  const refusals = logRefusals(log, room);
  sayReady(options.readyFile, log);
  await Promise.race([stopped, room.failed]).finally(() => clearInterval(refusals));
  log.info("stopping");
}

/** Begins before anybody is answered, ends after. */
function record(file: string | undefined, config: Config, log: Log): AsyncDisposable | undefined {
  if (file === undefined) return undefined;
  const recording = openCapture({ interface: config.interface, file, bytesMax: CAPTURE_BYTES_MAX });
  log.info({ file, interface: config.interface }, "recording");
  recording.done.then(
    (captured) => logRecorded(log, file, captured),
    (error) => log.error({ err: error }, "recording failed"),
  );
  return recording;
}

function logRecorded(log: Log, file: string, { ended, ...counts }: Captured): void {
  log.info({ file, ...counts }, "recorded");
  if (counts.dropped > 0) {
    log.warn(
      `--record: ${counts.dropped} frames came faster than ${file} was written: it has gaps`,
    );
  }
  if (ended === "full") {
    log.warn(`--record: ${file} is as long as can be read again: nothing more is recorded`);
  } else if (ended !== undefined) {
    log.warn(`--record ${file}: cannot be written: ${ended.error}: nothing more is recorded`);
  }
}

function logListening(log: Log, { address, ports, dhcp, exports, file }: Config): void {
  const isOff = dhcp.mode === "off";
  const shown = {
    ...ports,
    dhcp: isOff ? undefined : ports.dhcp,
    proxy: dhcp.mode === "proxy" ? ports.proxy : undefined,
  };
  log.info(
    {
      address: formatIpv4(address),
      dhcp: dhcp.mode,
      ports: shown,
      exports: exports.map((entry) => entry.path),
      file,
    },
    "listening",
  );
}

function writeReady(file: string | undefined, write: (file: string) => void): void {
  if (file === undefined) return;
  try {
    write(file);
  } catch (cause) {
    throw new UserError(`--ready-file ${file}: cannot be written: ${String(cause)}`, { cause });
  }
}

function sayReady(readyFile: string | undefined, log: Log): void {
  writeReady(readyFile, (file) => writeFileSync(file, `${process.pid}\n`));
  if (process.env["NOTIFY_SOCKET"] !== undefined) {
    execFile("systemd-notify", ["--ready"], (error) => {
      if (error !== null) log.warn({ err: error }, "systemd-notify failed");
    });
  }
}

async function reload(file: string, room: Room, log: Log): Promise<void> {
  const config = loadConfig(file, interfaceAddresses());
  await room.reload(config);
  log.level = config.log.level;
  log.info({ file }, "configuration reloaded");
}

function logFailure(log: Log, error: unknown): void {
  if (error instanceof UserError) log.error(error.message);
  else log.error({ err: error }, "reload failed");
}

function logStage(log: Log, boot: NodeBoot, stage: Stage): void {
  const seconds =
    Math.round(((boot.reached.get(stage) ?? boot.startedAt) - boot.startedAt) / 10) / 100;
  // Of who does not boot, an address is no news.
  const level = stage === "dhcp" && boot.firmware === undefined ? "debug" : "info";
  if (!log.isLevelEnabled(level)) return;
  log[level](
    {
      node: boot.name,
      mac: formatMac(boot.mac),
      address: addressText(boot.address),
      seconds,
      tree: boot.tree,
    },
    `reached ${stage}`,
  );
}

function logEvent(log: Log, event: BootEvent): void {
  if (event.kind === "mount" && (event.outcome === "denied" || event.outcome === "missing")) {
    log.warn({ address: formatIpv4(event.address), path: event.path }, `mount ${event.outcome}`);
  } else if (event.kind !== "refused" && log.isLevelEnabled("debug")) {
    log.debug(readable(event), event.kind);
  }
}

function readable({ kind: _, ...event }: Exclude<BootEvent, { kind: "refused" }>): object {
  const address = addressText(event.address);
  if (!("mac" in event)) return { ...event, address };
  const { mac, elsewhere, relay } = event;
  const others = { elsewhere: addressText(elsewhere), relay: addressText(relay) };
  return { ...event, ...others, address, mac: formatMac(mac) };
}

function addressText(address: Ipv4 | undefined): string | undefined {
  return address === undefined ? undefined : formatIpv4(address);
}

function logRefusals(log: Log, room: Room): NodeJS.Timeout {
  let said = "{}";
  const timer = setInterval(() => {
    const refused = room.refused();
    const text = JSON.stringify(refused);
    if (text === said) return;
    said = text;
    log.info({ refused }, "refused so far");
  }, REFUSALS_LOGGED_EVERY_MS);
  return timer.unref();
}
