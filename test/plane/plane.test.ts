import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { listenTcp } from "../../src/net/tcp.ts";
import type { ExportSpec } from "../../src/plane/messages.ts";
import { type DataPlane, openDataPlane } from "../../src/plane/plane.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { Parents } from "../../src/tree/parents.ts";
import { UserError } from "../../src/user-error.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { Client, loopback, temporaryDirectory } from "../nfs/served.ts";

/** The data plane as the main thread sees it: threads, one port, one cache. */

interface Opened {
  readonly plane: DataPlane;
  readonly events: BootEvent[];
  readonly failures: unknown[];
  readonly reports: unknown[];
}

async function specOf(stack: AsyncDisposableStack, name: string): Promise<ExportSpec> {
  const path = await temporaryDirectory(stack);
  await writeFile(join(path, "name"), name);
  return {
    name,
    path: `/srv/nfsroot/${name}`,
    clients: [loopback],
    squash: "none",
    source: { kind: "directory", path },
  };
}

async function open(
  stack: AsyncDisposableStack,
  exports: readonly ExportSpec[],
  { threads = 2, port = 0 } = {},
): Promise<Opened> {
  const events: BootEvent[] = [];
  const failures: unknown[] = [];
  const reports: unknown[] = [];
  const plane = stack.use(
    await openDataPlane({
      local: { address: LOOPBACK_ADDRESS, port },
      threads,
      cache: BlockCache.create(16 << 20),
      parents: Parents.create(),
      exports,
      tell: (event) => events.push(event),
      present() {},
      used() {},
      warn() {},
      report: (_, error) => reports.push(error),
      failed: (error) => failures.push(error),
    }),
  );
  return { plane, events, failures, reports };
}

/** So many that each of two threads has some of them, but for one run in a million. */
async function clients(stack: AsyncDisposableStack, port: number, count = 20): Promise<Client[]> {
  return Promise.all(
    Array.from({ length: count }, async () => stack.use(await Client.connect(port))),
  );
}

describe("threads that share one port", () => {
  test("every connection is served, whichever thread has it; DUMP lists what all of them mounted", async () => {
    await using stack = new AsyncDisposableStack();
    const { plane, events } = await open(stack, [await specOf(stack, "test")]);
    const all = await clients(stack, plane.local.port);
    for (const client of all) {
      const { handle } = await client.find("name");
      expect(await client.read(handle, 0n, 10)).toMatchObject({ data: Buffer.from("test") });
    }
    await expect.poll(() => events.filter(({ kind }) => kind === "mount")).not.toEqual([]);
    for (const client of all) {
      await expect.poll(() => client.dump()).toEqual([["127.0.0.1", "/srv/nfsroot/test"]]);
    }
  });

  test("another list of exports is taken on by all; one that cannot be served by none", async () => {
    await using stack = new AsyncDisposableStack();
    const one = await specOf(stack, "one");
    const two = await specOf(stack, "two");
    const { plane } = await open(stack, [one]);
    const all = await clients(stack, plane.local.port);
    await plane.take([one, two]);
    for (const client of all) {
      expect(await client.mnt("/srv/nfsroot/two")).toBeInstanceOf(Buffer);
    }
    const missing = { ...two, source: { kind: "directory" as const, path: "/nowhere" } };
    await expect(plane.take([missing])).rejects.toThrow(UserError);
    await expect(plane.take([missing])).rejects.toThrow("/nowhere does not exist");
    for (const client of all) {
      expect(await client.mnt("/srv/nfsroot/two")).toBeInstanceOf(Buffer);
    }
  });

  test("refusals of all threads are counted", async () => {
    await using stack = new AsyncDisposableStack();
    const { plane, events } = await open(stack, [await specOf(stack, "one")]);
    const all = await clients(stack, plane.local.port, 10);
    for (const client of all) {
      for (let call = 0; call < 5; call += 1) await client.getattr(Buffer.alloc(28));
    }
    const refused = () =>
      events
        .filter((event) => event.kind === "refused" && event.reason === "bad-handle")
        .reduce((sum, event) => sum + (event.kind === "refused" ? (event.times ?? 1) : 0), 0);
    await expect.poll(refused).toBe(50);
  });
});

describe("starting", () => {
  test("a port that is taken is refused, also by threads that would share it", async () => {
    await using stack = new AsyncDisposableStack();
    const spec = await specOf(stack, "one");
    const { plane } = await open(stack, [spec]);
    const again = open(stack, [spec], { port: plane.local.port });
    await expect(again).rejects.toThrow(UserError);
    const nobody = { data() {}, drained() {}, closed() {} };
    const options = { connectionsMax: 1, keepAliveMs: 1000, accept: () => nobody, refused() {} };
    const other = stack.use(
      await listenTcp({ ...options, local: { address: LOOPBACK_ADDRESS, port: 0 } }),
    );
    await expect(open(stack, [spec], { port: other.local.port })).rejects.toThrow(UserError);
  });

  test("a tree that cannot be served is said in one line, and nothing is left running", async () => {
    await using stack = new AsyncDisposableStack();
    const spec = await specOf(stack, "one");
    const missing = { ...spec, source: { kind: "directory" as const, path: "/nowhere" } };
    await expect(open(stack, [missing])).rejects.toThrow("/nowhere does not exist");
  });
});
