import process from "node:process";
import { runInTree } from "../../../src/image/chroot/in-tree.ts";
import { runAsNamespaceRoot } from "../../../src/image/namespace/user-namespace.ts";

/** A program that works in a tree: to be killed, or started by an ordinary user. Tree and shell script. */
const [tree = "", script = ""] = process.argv.slice(2);

async function work(): Promise<number> {
  const interrupt = new AbortController();
  process.once("SIGTERM", () => interrupt.abort());
  const status = await runInTree({
    tree,
    command: ["sh", "-c", script],
    log: (line) => process.stdout.write(`${line}\n`),
    signal: interrupt.signal,
  });
  if (interrupt.signal.aborted) process.stdout.write("ended in order\n");
  return status;
}

process.exitCode =
  process.getuid?.() === 0 ? await work() : await runAsNamespaceRoot([tree, script]);
