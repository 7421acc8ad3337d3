import { mkdir, rename, unlink, writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseCidr } from "../../src/bytes/ipv4.ts";
import { UserError } from "../../src/user-error.ts";
import { callBytes, Out, RpcTestClient } from "./client.ts";
import { Client, type Served, serve, temporaryDirectory } from "./served.ts";

let cleanup: AsyncDisposableStack;
let path: string;
let server: Served;
let client: Client;

beforeEach(async () => {
  cleanup = new AsyncDisposableStack();
  path = await temporaryDirectory(cleanup);
  await mkdir(join(path, "etc/init.d"), { recursive: true });
  await writeFile(join(path, "etc/passwd"), "root:x:0");
  await writeFile(join(path, "big"), Buffer.alloc(8 << 20, 7));
  server = cleanup.use(await serve(path));
  client = cleanup.use(await Client.connect(server.port));
});
afterEach(() => cleanup.disposeAsync());

const reasons = () =>
  server.events.flatMap((event) => (event.kind === "refused" ? [event.reason] : []));

describe("handles", () => {
  test("survive a restart of the server, in the middle of using them", async () => {
    const passwd = await client.find("etc", "passwd");
    const init = await client.find("etc", "init.d");
    const big = await client.find("big");
    await client.read(big.handle, 0n, 65_536);
    const { port } = server;
    await server[Symbol.asyncDispose]();
    await using again = await serve(path, port);
    await using other = await Client.connect(again.port);
    expect(await other.read(big.handle, 65_536n, 10)).toMatchObject({ data: Buffer.alloc(10, 7) });
    expect(await other.getattr(passwd.handle)).toEqual(passwd.attributes);
    expect((await other.readAll(passwd.handle)).toString()).toBe("root:x:0");
    expect((await other.list(init.handle)).map(({ name }) => name)).toEqual([".", ".."]);
    expect(await other.lookup(init.handle, "..")).toEqual(await other.find("etc"));
  });

  test("survive a rename; end with their file: NFS3ERR_STALE", async () => {
    const passwd = await client.find("etc", "passwd");
    await rename(join(path, "etc"), join(path, "config"));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await client.readAll(passwd.handle)).toString()).toBe("root:x:0");
    await unlink(join(path, "config/passwd"));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await client.getattr(passwd.handle)).toBe(70);
    expect(await client.read(passwd.handle, 0n, 8)).toBe(70);
    expect(reasons()).toEqual(["stale", "stale"]);
  });

  test("of another generation, export or tree are stale; of another form bad", async () => {
    const { handle } = await client.find("etc");
    const changed = (at: number) => {
      const other = Buffer.from(handle);
      other[at] = (other[at] ?? 0) ^ 1;
      return client.getattr(other);
    };
    expect(await changed(27)).toBe(70);
    expect(await changed(4)).toBe(70);
    expect(await changed(8)).toBe(70);
    expect(await changed(3)).toBe(10_001);
    expect(await client.getattr(Buffer.alloc(0))).toBe(10_001);
    expect(await client.getattr(Buffer.alloc(64))).toBe(10_001);
    const long = { program: 100_003, version: 3, procedure: 1 };
    const reply = await client.rpc.call(long, new Out().opaque(Buffer.alloc(65)).bytes());
    expect(reply).toMatchObject({ accepted: 4 });
  });

  test("of one export never open another, though both are the same tree", async () => {
    const [only] = server.exports;
    const network = parseCidr("192.0.2.0/24");
    if (only === undefined || network === undefined) throw new Error("nothing is exported");
    const { handle } = await client.find("etc");
    server.exports = [
      { ...only, clients: [network] },
      { ...only, name: "second", path: "/second" },
    ];
    expect(await client.getattr(handle)).toBe(13);
    const second = await client.mnt("/second");
    expect(second).toBeInstanceOf(Buffer);
    if (typeof second === "number") return;
    expect(await client.getattr(second)).toMatchObject({ type: 2 });
    expect(await client.lookup(second, "etc")).not.toMatchObject({ handle });
  });
});

describe("the access list", () => {
  test("is asked at every call, and takes effect at once", async () => {
    const root = await client.root();
    const { handle } = await client.find("etc", "passwd");
    const [only] = server.exports;
    const network = parseCidr("192.0.2.0/24");
    if (only === undefined || network === undefined) throw new Error("nothing is exported");
    server.exports = [{ ...only, clients: [network] }];
    server.events.length = 0;
    expect(await client.getattr(handle)).toBe(13);
    expect(await client.lookup(root, "etc")).toBe(13);
    expect(await client.read(handle, 0n, 8)).toBe(13);
    expect(await client.readdirplus(root, 0n, 4096, 4096)).toBe(13);
    expect(await client.mnt()).toBe(13);
    expect(reasons()).toEqual(["denied", "denied", "denied", "denied"]);
    server.exports = [];
    expect(await client.getattr(handle)).toBe(70);
    server.exports = [only];
    expect(await client.getattr(handle)).toMatchObject({ type: 1 });
  });
});

describe("the connection", () => {
  test("a client that does not read its replies is bounded, and others are answered meanwhile", async () => {
    const { handle } = await client.find("big");
    const args = new Out()
      .opaque(handle)
      .u64(0n)
      .u32(1 << 20)
      .bytes();
    const call = (xid: number) =>
      callBytes(xid, { program: 100_003, version: 3, procedure: 6 }, args);
    const idle = net.connect({ port: server.port, host: "127.0.0.1" });
    cleanup.defer(() => void idle.destroy());
    idle.on("error", () => {});
    idle.pause();
    const before = process.memoryUsage().rss;
    for (let xid = 0; xid < 2000; xid += 1) idle.write(call(xid));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await client.getattr(handle)).toMatchObject({ type: 1 });
    // 2,000 MiB were asked for.
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
    let received = 0;
    idle.on("data", (chunk) => {
      received += chunk.length;
    });
    idle.resume();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(received).toBeGreaterThan(10 << 20);
  });

  test("many calls at once, all answered whatever their order", async () => {
    const { handle } = await client.find("big");
    const parts = await Promise.all(
      Array.from({ length: 300 }, (_, at) => client.read(handle, BigInt(at * 1000), 1000)),
    );
    const expected = Buffer.alloc(1000, 7);
    const isRight = (part: (typeof parts)[number]) =>
      typeof part === "object" && part.data.equals(expected);
    expect(parts.filter(isRight)).toHaveLength(300);
  });

  test("a port in use is one line that says what to do", async () => {
    const error = await serve(path, server.port).catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(UserError);
  });

  test("at the end all connections are closed", async () => {
    await using other = await RpcTestClient.connect(server.port);
    const closed = new Promise((resolve) => other.socket.once("close", resolve));
    await server[Symbol.asyncDispose]();
    await closed;
  });
});
