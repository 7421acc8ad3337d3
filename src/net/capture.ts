import { once } from "node:events";
import { closeSync, fchmodSync, fstatSync, openSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { unreachable } from "../bytes/unreachable.ts";
import { UserError } from "../user-error.ts";
import type { CaptureStart } from "./capture-worker.ts";
import { type NoPacketSocket, openPacketSocket } from "./packet-socket.ts";

/** Frames that wait to be written: a quarter of a second at 1 Gb/s. */
const RECEIVE_BYTES = 32 << 20;
/** It has what nodes read, and root's files among that. */
const MODE = 0o600;

export interface CaptureOptions {
  readonly interface: string;
  /** Made anew: classic pcap. */
  readonly file: string;
  /** It never gets longer. */
  readonly bytesMax: number;
}

export interface Captured {
  readonly frames: number;
  readonly bytes: number;
  /** Frames that came faster than they could be written. */
  readonly dropped: number;
  /** Why it ended before it was stopped. */
  readonly ended: "full" | { readonly error: string } | undefined;
}

/** Frames of an interface, written to a file by a thread of its own; until it is disposed of. */
export interface Capture extends AsyncDisposable {
  /** When all is written. */
  readonly done: Promise<Captured>;
}

/** @throws UserError where there may be no packet socket, or the file cannot be written. */
export function openCapture({ interface: name, file, bytesMax }: CaptureOptions): Capture {
  const socket = openPacketSocket(name, RECEIVE_BYTES);
  if (typeof socket === "string") throw new UserError(`--record: ${whyNot(socket, name, file)}`);
  let fd: number;
  try {
    fd = openSync(file, "w", MODE);
    // One that was there before, but no device.
    if (fstatSync(fd).isFile()) fchmodSync(fd, MODE);
  } catch (cause) {
    closeSync(socket);
    throw new UserError(`--record ${file}: cannot be written: ${String(cause)}`, { cause });
  }
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const suffix = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const start: CaptureStart = { socket, file: fd, bytesMax, stop };
  const worker = new Worker(new URL(`./capture-worker.${suffix}`, import.meta.url), {
    workerData: start,
  });
  const done = resultOf(worker).finally(() => {
    closeSync(socket);
    closeSync(fd);
  });
  return {
    done,
    async [Symbol.asyncDispose]() {
      Atomics.store(stop, 0, 1);
      Atomics.notify(stop, 0);
      await done;
    },
  };
}

async function resultOf(worker: Worker): Promise<Captured> {
  const [[captured]] = await Promise.all([once(worker, "message"), once(worker, "exit")]);
  return captured;
}

function whyNot(reason: NoPacketSocket, name: string, file: string): string {
  const instead = `\`tcpdump -i ${name} -w ${file}\` records as well`;
  switch (reason) {
    case "denied":
      return "may not see the network: run sidus as root, or give it CAP_NET_RAW";
    case "no-ffi":
      return `this Node cannot open packet sockets (node:ffi, on Linux); ${instead}`;
    case "no-interface":
      return `${name} is not there, or cannot be listened to`;
    case "no-ethernet":
      return `${name} has no Ethernet frames; ${instead}`;
    default:
      return unreachable(reason);
  }
}
