import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cidr, LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { systemClock } from "../../src/net/clock.ts";
import { type Export, serveNfs } from "../../src/nfs/server.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { openDirectory } from "../../src/tree/directory.ts";
import type { Tree } from "../../src/tree/tree.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { type Caller, type In, Out, RpcTestClient } from "./client.ts";
import { type Fattr3, fattr3, type Page, postOp, readPage } from "./results.ts";

export const loopback: Cidr = { network: LOOPBACK_ADDRESS, prefix: 32 };

export async function temporaryDirectory(stack: AsyncDisposableStack): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "sidus-test-"));
  stack.defer(() => rm(path, { recursive: true, force: true }));
  return path;
}

export interface Served extends AsyncDisposable {
  readonly port: number;
  /** Open now. */
  readonly connections: number;
  readonly tree: Tree;
  readonly events: BootEvent[];
  /** Replaced as a reload does. */
  exports: readonly Export[];
}

/** A server for one directory, as `/srv/nfsroot/test`; what it reports fails the test. */
export async function serve(directory: string, port = 0): Promise<Served> {
  await using opened = new AsyncDisposableStack();
  const events: BootEvent[] = [];
  const problems: unknown[] = [];
  const tree = opened.use(
    await openDirectory(directory, { clock: systemClock, cache: BlockCache.create(16 << 20) }),
  );
  const first = { name: "test", path: "/srv/nfsroot/test", tree, clients: [loopback] };
  const state: { exports: readonly Export[] } = { exports: [first] };
  const server = opened.use(
    await serveNfs({
      local: { address: LOOPBACK_ADDRESS, port },
      exports: () => state.exports,
      tell: (event) => events.push(event),
      report: (_, error) => problems.push(error),
    }),
  );
  const stack = opened.move();
  return {
    port: server.local.port,
    tree,
    events,
    get connections() {
      return server.connections;
    },
    get exports() {
      return state.exports;
    },
    set exports(list) {
      state.exports = list;
    },
    async [Symbol.asyncDispose]() {
      await stack.disposeAsync();
      if (problems.length > 0) throw new AggregateError(problems, "the server reported");
    },
  };
}

const NFS = { program: 100_003, version: 3 };
const MOUNT = { program: 100_005, version: 3 };

export interface Found {
  readonly handle: Buffer;
  readonly attributes: Fattr3;
}

/** NFS procedures by name. Those that can fail answer the status instead. */
export class Client implements AsyncDisposable {
  readonly rpc: RpcTestClient;
  readonly caller: Caller | undefined;

  constructor(rpc: RpcTestClient, caller?: Caller) {
    this.rpc = rpc;
    this.caller = caller;
  }

  static async connect(port: number): Promise<Client> {
    return new Client(await RpcTestClient.connect(port));
  }

  as(caller: Caller): Client {
    return new Client(this.rpc, caller);
  }

  nfs(procedure: number, args: Out): Promise<In> {
    const caller = this.caller === undefined ? {} : { caller: this.caller };
    return this.rpc.results({ ...NFS, procedure, ...caller }, args.bytes());
  }

  mount(procedure: number, args = new Out()): Promise<In> {
    return this.rpc.results({ ...MOUNT, procedure }, args.bytes());
  }

  async mnt(path = "/srv/nfsroot/test"): Promise<Buffer | number> {
    const results = await this.mount(1, new Out().opaque(path));
    const status = results.u32();
    if (status !== 0) return status;
    const handle = results.opaque();
    if (results.u32() !== 1 || results.u32() !== 1) throw new Error("flavors are not AUTH_SYS");
    results.end();
    return handle;
  }

  /** Host and path of all that is mounted. */
  async dump(): Promise<[string, string][]> {
    const results = await this.mount(2);
    const found = results.list((from): [string, string] => [from.text(), from.text()]);
    results.end();
    return found;
  }

  async root(): Promise<Buffer> {
    const handle = await this.mnt();
    if (typeof handle === "number") throw new Error(`MNT failed: ${handle}`);
    return handle;
  }

  async getattr(handle: Uint8Array): Promise<Fattr3 | number> {
    const results = await this.nfs(1, new Out().opaque(handle));
    const status = results.u32();
    const attributes = status === 0 ? fattr3(results) : status;
    results.end();
    return attributes;
  }

  async lookup(directory: Uint8Array, name: string): Promise<Found | number> {
    const results = await this.nfs(3, new Out().opaque(directory).opaque(name));
    const status = results.u32();
    if (status !== 0) {
      postOp(results);
      results.end();
      return status;
    }
    const handle = results.opaque();
    const attributes = postOp(results);
    postOp(results);
    results.end();
    if (attributes === undefined) throw new Error("LOOKUP without attributes");
    return { handle, attributes };
  }

  /** Follows names from the root; throws where there is nothing. */
  async find(...names: string[]): Promise<Found> {
    let handle = await this.root();
    let found: Found | number = { handle, attributes: (await this.getattr(handle)) as Fattr3 };
    for (const name of names) {
      found = await this.lookup(handle, name);
      if (typeof found === "number") throw new Error(`${name}: ${found}`);
      handle = found.handle;
    }
    return found;
  }

  async access(handle: Uint8Array, mask: number): Promise<number> {
    const results = await this.nfs(4, new Out().opaque(handle).u32(mask));
    const status = results.u32();
    if (status !== 0) throw new Error(`ACCESS failed: ${status}`);
    postOp(results);
    return results.u32();
  }

  async readlink(handle: Uint8Array): Promise<string | number> {
    const results = await this.nfs(5, new Out().opaque(handle));
    const status = results.u32();
    postOp(results);
    return status === 0 ? results.text() : status;
  }

  async read(
    handle: Uint8Array,
    offset: bigint,
    count: number,
  ): Promise<{ data: Buffer; eof: boolean } | number> {
    const results = await this.nfs(6, new Out().opaque(handle).u64(offset).u32(count));
    const status = results.u32();
    postOp(results);
    if (status !== 0) return status;
    const length = results.u32();
    const eof = results.bool();
    const data = results.opaque();
    results.end();
    if (data.length !== length) throw new Error("count is not the data's length");
    return { data, eof };
  }

  async readAll(handle: Uint8Array, chunk = 65_536): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let offset = 0n; ; ) {
      const part = await this.read(handle, offset, chunk);
      if (typeof part === "number") throw new Error(`READ failed: ${part}`);
      parts.push(part.data);
      offset += BigInt(part.data.length);
      if (part.eof) return Buffer.concat(parts);
      if (part.data.length === 0) throw new Error("READ: nothing, and not the end");
    }
  }

  async readdir(directory: Uint8Array, cookie: bigint, count: number): Promise<Page | number> {
    const args = new Out().opaque(directory).u64(cookie).u64(0n).u32(count);
    const results = await this.nfs(16, args);
    const status = results.u32();
    return status === 0 ? readPage(results, false) : status;
  }

  async readdirplus(
    directory: Uint8Array,
    cookie: bigint,
    dircount: number,
    maxcount: number,
  ): Promise<Page | number> {
    const args = new Out().opaque(directory).u64(cookie).u64(0n).u32(dircount).u32(maxcount);
    const results = await this.nfs(17, args);
    const status = results.u32();
    return status === 0 ? readPage(results, true) : status;
  }

  /** Everything in a directory, by as many READDIRPLUS as it takes. */
  async list(directory: Uint8Array, bytes = 8192): Promise<Page["entries"]> {
    const entries: Page["entries"] = [];
    for (let cookie = 0n; ; ) {
      const page = await this.readdirplus(directory, cookie, bytes, bytes);
      if (typeof page === "number") throw new Error(`READDIRPLUS failed: ${page}`);
      entries.push(...page.entries);
      if (page.eof) return entries;
      const last = page.entries.at(-1);
      if (last === undefined) throw new Error("READDIRPLUS: nothing, and not the end");
      cookie = last.cookie;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rpc[Symbol.asyncDispose]();
  }
}

export async function until(isTrue: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
