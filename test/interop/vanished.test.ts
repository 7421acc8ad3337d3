import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Namespace, openNamespace } from "../namespace.ts";
import { lackingOf, title } from "../needs.ts";
import { serveApart } from "../nfs/apart/apart.ts";
import { directoryOf } from "../sidus.ts";

/** Nodes that are switched off: no FIN, no reset, and nobody answers any more. */

const lacking = lackingOf("ip", "nsenter", "ss");

async function privateNetwork(): Promise<Namespace> {
  const namespace = await openNamespace();
  onTestFinished(() => namespace[Symbol.asyncDispose]());
  return namespace;
}

/** Connects so often from inside, sends a text on each, reads nothing, and stays. */
function clients(namespace: Namespace, port: number, count: number, text: string): () => void {
  const program = `const net = require("node:net");
    for (let left = ${count}; left > 0; left -= 1) {
      const socket = net.connect(${port}, "127.0.0.1", () => socket.write(${JSON.stringify(text)}));
      socket.on("error", () => {});
      socket.pause();
    }
    setInterval(() => {}, 1000);`;
  const child = namespace.spawn(process.execPath, ["--eval", program], { stdio: "inherit" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return () => void child.kill("SIGKILL");
}

describe.skipIf(lacking !== undefined)(title("clients that vanish", lacking), () => {
  test("NFS: the kernel asks after a minute of silence whether each client still lives", async () => {
    const namespace = await privateNetwork();
    const start = (command: string, args: readonly string[], options = {}) =>
      namespace.spawn(command, args, options);
    await using server = await serveApart(directoryOf({ file: "x" }), start);
    clients(namespace, server.port, 5, "");
    await expect.poll(async () => (await server.state()).connections).toBe(5);
    const filter = ["state", "established", "sport", "=", `:${server.port}`];
    const lines = namespace
      .run("ss", "-Htno", ...filter)
      .trim()
      .split("\n");
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(line).toMatch(/timer:\(keepalive,(?:5\dsec|1min),0\)/);
  });

  test("those that were idle are reaped by keep-alive, those that were sent to by the time they take nothing", {
    timeout: 60_000,
  }, async () => {
    const namespace = await privateNetwork();
    const script = fileURLToPath(new URL("listener.ts", import.meta.url));
    const listener = namespace.spawn(process.execPath, [script, "1000", "3000"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void listener.kill("SIGKILL"));
    if (listener.stdout === null) throw new Error("it says nothing");
    const said: number[] = [];
    const lines = createInterface(listener.stdout).on("line", (line) => said.push(Number(line)));
    await once(lines, "line");
    const [port = 0] = said;
    const killIdle = clients(namespace, port, 3, "");
    const killStalled = clients(namespace, port, 4, "more");
    await expect.poll(() => said.at(-1)).toBe(7);
    namespace.run("ip", "link", "set", "lo", "down");
    // Their resets reach nobody.
    killIdle();
    killStalled();
    await expect.poll(() => said.at(-1), { timeout: 40_000 }).toBe(0);
  });
});
