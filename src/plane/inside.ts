import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { UserError } from "../user-error.ts";
import type { FromWorker, Problem, ToWorker } from "./messages.ts";

/** A thread's end of what it and the main thread say. */
export interface Main {
  send(message: FromWorker): void;
  hear(heard: (message: ToWorker) => void): void;
}

/** What a thread's program does: serves until it is told to stop. A UserError is the user's to mend, and told as one. */
export async function beThread<Start>(
  serve: (start: Start, main: Main) => Promise<void>,
): Promise<void> {
  if (parentPort === null) throw new Error("a thread's program is no program of its own");
  const port: MessagePort = parentPort;
  const main: Main = {
    send: (message) => port.postMessage(message),
    hear: (heard) => void port.on("message", heard),
  };
  try {
    await serve(workerData as Start, main);
  } catch (error) {
    main.send({ kind: "failed", serial: undefined, problem: problemOf(error) });
  } finally {
    port.close();
  }
}

/** An error's class does not cross; what is no UserError goes on as it is. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof UserError)) throw error;
  const { message, exitCode } = error;
  return { message, exitCode };
}
