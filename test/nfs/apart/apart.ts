import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Answer, Asked, State } from "./messages.ts";

/** A server as a process of its own: its memory and descriptors are its alone, and a crash is seen. */
export interface Apart extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Throws when it has ended. */
  state(collected?: boolean): Promise<State>;
}

const script = fileURLToPath(new URL("server.ts", import.meta.url));

type Spawn = (command: string, args: readonly string[], options: SpawnOptions) => ChildProcess;

/** Serves a directory or an image as `/srv/nfsroot/test`, on this machine's loopback or where `start` starts it. */
export async function serveApart(source: string, start: Spawn = spawn): Promise<Apart> {
  const child = start(process.execPath, ["--expose-gc", script, source], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = new Promise<never>((_, reject) => {
    child.once("exit", (code, signal) => reject(new Error(`the server ended: ${code ?? signal}`)));
  });
  ended.catch(() => {});
  const next = async (): Promise<Answer> => {
    const [answer] = await Promise.race([once(child, "message"), ended]);
    return answer as Answer;
  };
  const first = await next();
  if (first.kind !== "listening") throw new Error("the server did not say its port");
  return {
    port: first.port,
    pid: child.pid ?? 0,
    async state(collected = false) {
      const answered = next();
      child.send({ collected } satisfies Asked);
      const answer = await answered;
      if (answer.kind !== "state") throw new Error("not a state");
      return answer;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}
