import { once } from "node:events";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { ADDRESS, startGanesha } from "../../bench/nfs/servers.ts";
import { addServerInterface, type Namespace, openNamespace } from "../namespace.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";

const lacking = lackingOf("root", "ip", "nsenter", "ganesha.nfsd", "rpcbind");

const program = fileURLToPath(new URL("storm-nfs-process.ts", import.meta.url));

interface Said {
  readonly reads: number;
  readonly repeated: number;
}

interface Result extends Said {
  readonly complaints: readonly string[];
  readonly differences: readonly string[];
  readonly bytes: number;
  readonly added: number;
  readonly entries: readonly string[];
  readonly beside: { readonly bytes: number; readonly differences: readonly string[] };
}

/** A node that reads until it is told to stop. */
class Node implements AsyncDisposable {
  readonly #child: ReturnType<Namespace["spawn"]>;
  readonly #said: Said[] = [];

  constructor(namespace: Namespace, path: string) {
    const args = [program, ADDRESS, path];
    this.#child = namespace.spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#child.stdout === null) throw new Error("it says nothing");
    createInterface(this.#child.stdout).on("line", (line) => {
      this.#said.push(JSON.parse(line) as Said);
    });
  }

  get last(): Said | undefined {
    return this.#said.at(-1);
  }

  async end(): Promise<Result> {
    this.#child.stdin?.end("enough\n");
    const [code] = await once(this.#child, "close");
    expect(code).toBe(0);
    return this.last as Result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}

describe.skipIf(lacking !== undefined)(title("a simulated node and nfs-ganesha", lacking), () => {
  test("every call of a boot; the server is killed, started again, and gone on with", async () => {
    await using stack = new AsyncDisposableStack();
    const [tree, work] = [directoryOf({}), directoryOf({})];
    stack.defer(() => {
      for (const directory of [tree, work]) rmSync(directory, { recursive: true });
    });
    mkdirSync(join(tree, "usr/lib"), { recursive: true });
    mkdirSync(join(tree, "etc"));
    writeFileSync(join(tree, "etc/hostname"), "node1\n");
    symlinkSync("hostname", join(tree, "etc/link"));
    writeFileSync(join(tree, "usr/lib/long"), Buffer.alloc(1 << 20, "0123456789abc"));
    for (let at = 0; at < 100; at += 1) writeFileSync(join(tree, `etc/file-${at}`), "");
    const namespace = stack.use(await openNamespace());
    addServerInterface(namespace, "room0", `${ADDRESS}/24`);
    const first = stack.use(new AsyncDisposableStack());
    await startGanesha(namespace, tree, join(work, "first"), first);
    const node = stack.use(new Node(namespace, tree));
    await expect.poll(() => node.last?.reads ?? 0).toBeGreaterThan(100);
    await first.disposeAsync();
    await startGanesha(namespace, tree, join(work, "second"), stack);
    const before = node.last?.reads ?? 0;
    const isGoingOn = (): boolean => (node.last?.reads ?? 0) > before + 200;
    await expect.poll(isGoingOn, { timeout: 30_000 }).toBe(true);
    const result = await node.end();
    expect(result.complaints).toEqual([]);
    expect(result.differences).toEqual([]);
    expect(result.repeated).toBeGreaterThan(0);
    expect(result.bytes).toBe(6 + result.reads * 131_072);
    expect(result.beside).toEqual({ bytes: 6 + (1 << 20), differences: [] });
    // usr, usr/lib and long itself; what is in etc came with its listing.
    expect(result.added).toBe(3);
    expect(result.entries).toHaveLength(2 + 102 + 1 + 1);
  }, 90_000);
});
