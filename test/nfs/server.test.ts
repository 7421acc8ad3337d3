import { mkdir, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseCidr } from "../../src/bytes/ipv4.ts";
import { UserError } from "../../src/user-error.ts";
import { Out, RpcTestClient } from "./client.ts";
import { Client, loopback, type Served, serve, temporaryDirectory, until } from "./served.ts";

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

const elsewhere = parseCidr("192.0.2.0/24") ?? loopback;

function first(): Served["exports"][number] {
  const [only] = server.exports;
  if (only === undefined) throw new Error("nothing is exported");
  return only;
}

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
    await until(async () => typeof (await client.lookup(await client.root(), "etc")) === "number");
    expect((await client.readAll(passwd.handle)).toString()).toBe("root:x:0");
    await unlink(join(path, "config/passwd"));
    await until(async () => (await client.getattr(passwd.handle)) === 70);
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
    const { handle } = await client.find("etc");
    server.exports = [
      { ...first(), clients: [elsewhere] },
      { ...first(), name: "second", path: "/second" },
    ];
    expect(await client.getattr(handle)).toBe(13);
    const second = await client.mnt("/second");
    if (typeof second === "number") throw new Error(`MNT failed: ${second}`);
    expect(await client.getattr(second)).toMatchObject({ type: 2 });
    expect(await client.lookup(second, "etc")).not.toMatchObject({ handle });
  });

  test("with the number of another export in them open nothing of either tree", async () => {
    const otherPath = await temporaryDirectory(cleanup);
    await writeFile(join(otherPath, "secret"), "theirs");
    const other = cleanup.use(await serve(otherPath));
    const [theirs] = other.exports;
    if (theirs === undefined) throw new Error("nothing is exported");
    server.exports = [first(), { ...theirs, name: "second", path: "/second" }];
    const second = await client.mnt("/second");
    if (typeof second === "number") throw new Error(`MNT failed: ${second}`);
    const secret = await client.lookup(second, "secret");
    if (typeof secret === "number") throw new Error(`LOOKUP failed: ${secret}`);
    const big = await client.find("big");
    for (const [from, to] of [
      [secret.handle, big.handle],
      [big.handle, secret.handle],
    ] as const) {
      const forged = Buffer.from(from);
      to.copy(forged, 4, 4, 8);
      expect(await client.getattr(forged)).toBe(70);
      expect(await client.read(forged, 0n, 8)).toBe(70);
    }
  });
});

describe("the access list", () => {
  test("is asked at every call, and takes effect at once", async () => {
    const root = await client.root();
    const { handle } = await client.find("etc", "passwd");
    const only = first();
    server.exports = [{ ...only, clients: [elsewhere] }];
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
