import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { stringify } from "yaml";
import { parseMac } from "../../bytes/mac.ts";
import { loadConfig } from "../../config/load.ts";
import { systemClock } from "../../net/clock.ts";
import { interfaceAddresses } from "../../net/interfaces.ts";
import { stopSignals } from "../private-network.ts";
import { openRoom, type Room } from "../room.ts";
import type { Row } from "./display.ts";
import type { Firmware } from "./firmware.ts";
import { type Machine, powerOn } from "./machine.ts";
import { type DemoNode, demoNetwork, demoNodes, makeNetwork } from "./network.ts";
import { openScreen, type Screen } from "./screen.ts";
import type { DemoTree } from "./tree.ts";

/** How often the display is drawn and the nodes are looked at. */
const LOOK_EVERY_MS = 250;
/** Ctrl-] leaves the console, as it does telnet. */
const LEAVE_CONSOLE = 0x1d;

export interface InsideOptions {
  readonly tree: DemoTree;
  /** Directory for configuration, state and console logs; the caller removes it. */
  readonly work: string;
  readonly nodes: number;
  readonly layer: "tmpfs" | "iscsi";
  readonly firmware: Firmware;
  readonly memory: number;
  readonly timeout: number;
  readonly kvm: boolean;
  readonly console: boolean;
  /** End when all are up, or when one cannot come up any more. */
  readonly check: boolean;
  readonly json: boolean;
}

/** The demonstration itself; runs in network, mount and process namespaces of its own. Answers the exit code. */
export async function runInside(options: InsideOptions): Promise<number> {
  const stop = stopSignals();
  const nodes = demoNodes(options.nodes);
  makeNetwork(nodes);
  const config = writeConfig(options, nodes);
  const screen = openScreen(options.json ? "none" : options.console ? "lines" : "live");
  const complaints: string[] = [];
  const complain = (text: string): void => void complaints.push(text);

  await using opened = new AsyncDisposableStack();
  const room = opened.use(
    await openRoom(loadConfig(config, interfaceAddresses()), {
      clock: systemClock,
      report: (what, error) => complain(`${what}: ${String(error)}`),
      warn: complain,
      tell: () => {},
      reached: () => {},
    }),
  );
  const machines: Machine[] = [];
  for (const node of nodes) {
    const watch = options.console && node === nodes[0] ? showConsole : undefined;
    const consoleFile = join(options.work, `${node.name}.console`);
    machines.push(
      opened.use(
        powerOn({
          node,
          firmware: options.firmware,
          memoryMiB: options.memory,
          kvm: options.kvm,
          consoleFile,
          watch,
        }),
      ),
    );
  }
  using _ = options.console ? attachKeyboard(machines[0], stop) : undefined;

  const outcome = await watchBoots({ machines, room, screen, options, stop: stop.signal });
  for (const text of complaints) process.stderr.write(`sidus: ${text}\n`);
  if (options.json) process.stdout.write(`${JSON.stringify(summary(machines, room), null, 2)}\n`);
  if (outcome === "failed") for (const machine of machines) showTail(machine, room);
  return outcome === "failed" ? 1 : 0;
}

interface Watching {
  readonly machines: readonly Machine[];
  readonly room: Room;
  readonly screen: Screen;
  readonly options: InsideOptions;
  readonly stop: AbortSignal;
}

async function watchBoots({
  machines,
  room,
  screen,
  options,
  stop,
}: Watching): Promise<"done" | "failed"> {
  const ended = new Map<Machine, string>();
  for (const machine of machines) void machine.ended.then((how) => ended.set(machine, how));
  const deadline = performance.now() + options.timeout * 1000;
  let told = false;
  while (!stop.aborted) {
    const rows = machines.map((machine) => rowOf(machine, room, ended.get(machine)));
    const up = rows.filter((row) => row.boot?.stage === "up").length;
    told ||= up === rows.length;
    screen.show(rows, performance.now(), told ? howToLogIn(options) : "");
    if (told && options.check) return "done";
    if (options.check && (ended.size > 0 || performance.now() > deadline)) return "failed";
    if (ended.size === machines.length) return told ? "done" : "failed";
    await setTimeout(LOOK_EVERY_MS, undefined, { signal: stop }).catch(() => {});
  }
  return told || !options.check ? "done" : "failed";
}

function rowOf({ node, poweredOnAt }: Machine, room: Room, ended: string | undefined): Row {
  const mac = parseMac(node.mac);
  const boot = room.boots().find((candidate) => candidate.mac === mac);
  return { name: node.name, address: node.address, poweredOnAt, boot, ended };
}

function howToLogIn(options: InsideOptions): string {
  if (options.check) return "All up.";
  const where = options.console
    ? "log in here; Ctrl-] ends the demonstration"
    : "`--console` shows a node's console to log in; Ctrl-C ends the demonstration";
  return `All up. User root, password sidus: ${where}.`;
}

function writeConfig({ tree, work, layer }: InsideOptions, nodes: readonly DemoNode[]): string {
  const file = join(work, "sidus.yaml");
  writeFileSync(
    file,
    stringify({
      interface: demoNetwork.bridge,
      state: join(work, "state"),
      dhcp: { range: demoNetwork.range, lease: "1h" },
      ...("images" in tree ? { images: tree.images } : {}),
      exports: { demo: "images" in tree ? { image: tree.image } : { source: tree.source } },
      boot: {
        default: layer,
        labels: { [layer]: { append: "console=ttyS0,115200 mitigations=off" } },
      },
      nodes: nodes.map(({ mac, name, address }) => ({ mac, name, ip: address })),
    }),
  );
  return file;
}

function showConsole(bytes: Uint8Array): void {
  process.stdout.write(bytes);
}

function attachKeyboard(machine: Machine | undefined, stop: AbortController): Disposable {
  const { stdin } = process;
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on("data", (bytes: Buffer) => {
    if (bytes.includes(LEAVE_CONSOLE)) stop.abort();
    else machine?.type(bytes);
  });
  return {
    [Symbol.dispose]() {
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
    },
  };
}

/** What a node's console showed last says more than any guess of ours. */
function showTail({ node, consoleFile }: Machine, room: Room): void {
  if (room.boots().some((boot) => boot.mac === parseMac(node.mac) && boot.stage === "up")) return;
  const lines = readFileSync(consoleFile, "utf8").replaceAll("\r", "").split("\n").slice(-25);
  process.stderr.write(`\n--- console of ${node.name}, its end ---\n${lines.join("\n")}\n`);
}

function summary(machines: readonly Machine[], room: Room): object {
  return {
    nodes: machines.map((machine) => {
      const { boot } = rowOf(machine, room, undefined);
      return {
        name: machine.node.name,
        mac: machine.node.mac,
        address: machine.node.address,
        stage: boot?.stage,
        secondsAfterPowerOn: Object.fromEntries(
          [...(boot?.reached ?? [])].map(([stage, at]) => [
            stage,
            Math.round((at - machine.poweredOnAt) / 100) / 10,
          ]),
        ),
        tree: boot?.tree,
      };
    }),
    refused: room.refused(),
  };
}
