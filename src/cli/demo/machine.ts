import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { type Firmware, firmwareArguments, romArguments } from "./firmware.ts";
import type { DemoNode } from "./network.ts";

export interface Machine extends AsyncDisposable {
  readonly node: DemoNode;
  /** When its power went on, on performance.now()'s clock. */
  readonly poweredOnAt: number;
  readonly consoleFile: string;
  /** Resolves with what QEMU said when it ended by itself. */
  readonly ended: Promise<string>;
  type(bytes: Uint8Array): void;
}

export interface MachineOptions {
  readonly node: DemoNode;
  readonly firmware: Firmware;
  readonly memoryMiB: number;
  readonly kvm: boolean;
  readonly consoleFile: string;
  /** Sees the serial console as it comes. */
  readonly watch: ((bytes: Uint8Array) => void) | undefined;
}

/** A diskless computer: firmware, a network card, and nothing else. */
export function powerOn(options: MachineOptions): Machine {
  const { node, consoleFile, watch } = options;
  const qemu = spawn("qemu-system-x86_64", qemuArguments(options), {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const log = createWriteStream(consoleFile);
  let complaint = "";
  qemu.stdout.on("data", (bytes: Uint8Array) => {
    log.write(bytes);
    watch?.(bytes);
  });
  qemu.stderr.on("data", (bytes: Buffer) => {
    complaint = `${complaint}${bytes.toString()}`.slice(-2000);
  });
  qemu.stdin.on("error", () => {});
  return {
    node,
    poweredOnAt: performance.now(),
    consoleFile,
    ended: endOf(qemu).then((how) => complaint.trim() || how),
    type: (bytes) => void qemu.stdin.write(bytes),
    async [Symbol.asyncDispose]() {
      if (qemu.exitCode === null && qemu.signalCode === null) {
        const ended = once(qemu, "exit");
        qemu.kill("SIGKILL");
        await ended;
      }
      log.end();
    },
  };
}

function endOf(qemu: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    qemu.once("error", (error) => resolve(error.message));
    qemu.once("exit", (code, signal) => resolve(`QEMU ended (${signal ?? `exit code ${code}`})`));
  });
}

function qemuArguments(options: MachineOptions): string[] {
  const { node, firmware, memoryMiB, kvm, consoleFile } = options;
  const { mac, tap } = node;
  return [
    ...["-accel", kvm ? "kvm" : "tcg"],
    ...firmwareArguments(firmware, `${consoleFile}.variables`),
    ...["-cpu", "max", "-m", String(memoryMiB), "-nodefaults"],
    ...["-vga", "none", "-display", "none", "-serial", "stdio", "-device", "virtio-rng-pci"],
    ...["-netdev", `tap,id=net0,ifname=${tap},script=no,downscript=no`],
    ...["-device", `virtio-net-pci,netdev=net0,mac=${mac},bootindex=1${romArguments(firmware)}`],
  ];
}
