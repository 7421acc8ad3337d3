import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** An iSCSI target over one file, as a process of its own. */
export interface MortalTarget extends AsyncDisposable {
  readonly port: number;
  /** Resolves with the signal that killed it. */
  readonly ended: Promise<unknown>;
}

export const TARGET_NAME = "iqn.2024-01.org.example:disk";

export interface MortalTargetOptions {
  readonly file: string;
  /** Unless written, or 0: one that is free. */
  readonly port?: number;
  /** At the last of so many it kills itself (-9): begun, not answered. Unless written, it lives on. */
  readonly writes?: number;
}

const script = fileURLToPath(new URL("mortal-target-process.ts", import.meta.url));

export async function startTarget(options: MortalTargetOptions): Promise<MortalTarget> {
  const { file, port = 0, writes = Number.MAX_SAFE_INTEGER } = options;
  const child = fork(script, [file, TARGET_NAME, String(port), String(writes)]);
  const ended = once(child, "exit").then(([_, signal]) => signal);
  const [said] = await Promise.race([once(child, "message"), ended.then(() => [])]);
  if (said === undefined) throw new Error("the target did not start");
  return {
    port: Number(said),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
