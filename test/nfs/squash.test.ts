import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Squash, squashed } from "../../src/nfs/squash.ts";
import { lackingOf, title } from "../needs.ts";
import { type Caller, root } from "./client.ts";
import { Client, type Served, serve, temporaryDirectory } from "./served.ts";

const user: Caller = { uid: 1000, gid: 1000, gids: [0, 27] };
const NFS3ERR_ACCES = 13;

describe("whose call it is", () => {
  test("none: as it says; who says nothing is nobody", () => {
    expect(squashed(user, "none")).toBe(user);
    expect(squashed(root, "none")).toBe(root);
    expect(squashed(undefined, "none")).toEqual({ uid: 65_534, gid: 65_534, gids: [] });
  });

  test("root: each 0 is nobody's, alone or among others", () => {
    expect(squashed(root, "root")).toEqual({ uid: 65_534, gid: 65_534, gids: [] });
    expect(squashed(user, "root")).toEqual({ uid: 1000, gid: 1000, gids: [65_534, 27] });
    const wheel = { uid: 1000, gid: 0, gids: [27] };
    expect(squashed(wheel, "root")).toEqual({ uid: 1000, gid: 65_534, gids: [27] });
    const plain = { uid: 1000, gid: 1000, gids: [27] };
    expect(squashed(plain, "root")).toBe(plain);
  });

  test("all: nobody's", () => {
    for (const credential of [root, user, undefined]) {
      expect(squashed(credential, "all")).toEqual({ uid: 65_534, gid: 65_534, gids: [] });
    }
  });
});

const lacking = lackingOf("root");

describe.skipIf(lacking !== undefined)(title("an export with squash", lacking), () => {
  const cleanup = new AsyncDisposableStack();
  let server: Served;
  let client: Client;

  beforeAll(async () => {
    const path = await temporaryDirectory(cleanup);
    const put = async (name: string, mode: number, uid: number, gid: number): Promise<void> => {
      await writeFile(join(path, name), name);
      await chown(join(path, name), uid, gid);
      await chmod(join(path, name), mode);
    };
    await put("shadow", 0o600, 0, 0);
    await put("group", 0o640, 5, 0);
    await put("own", 0o600, 1000, 1000);
    await put("public", 0o644, 0, 0);
    await mkdir(join(path, "private"), { mode: 0o700 });
    await writeFile(join(path, "private/in"), "x");
    await chmod(path, 0o755);
    server = cleanup.use(await serve(path));
    client = cleanup.use(await Client.connect(server.port));
  });
  afterAll(() => cleanup.disposeAsync());

  function squash(how: Squash): void {
    server.exports = server.exports.map((entry) => ({ ...entry, squash: how }));
  }

  /** What it reads, or the status. */
  async function reading(caller: Caller, name: string): Promise<string | number> {
    const { handle } = await client.find(name);
    const read = await client.as(caller).read(handle, 0n, 100);
    return typeof read === "number" ? read : read.data.toString();
  }

  test("none, unless said: root reads what is its own, others do not", async () => {
    expect(await reading(root, "shadow")).toBe("shadow");
    expect(await reading(user, "shadow")).toBe(NFS3ERR_ACCES);
    expect(await reading(user, "group")).toBe("group");
    expect(await reading(user, "own")).toBe("own");
  });

  test("root: root reads what anybody may, users what is theirs", async () => {
    squash("root");
    expect(await reading(root, "shadow")).toBe(NFS3ERR_ACCES);
    expect(await reading(root, "public")).toBe("public");
    expect(await reading(user, "own")).toBe("own");
    expect(await reading(user, "group")).toBe(NFS3ERR_ACCES);
  });

  test("all: everybody reads what anybody may", async () => {
    squash("all");
    for (const caller of [root, user]) {
      expect(await reading(caller, "public")).toBe("public");
      for (const name of ["shadow", "group", "own"]) {
        expect(await reading(caller, name)).toBe(NFS3ERR_ACCES);
      }
    }
  });

  test("ACCESS, LOOKUP and READDIR decide alike; attributes and MNT are everybody's", async () => {
    for (const [how, granted] of [
      ["none", 3],
      ["root", 0],
      ["all", 0],
    ] as const) {
      squash(how);
      const { handle } = await client.find("private");
      const asRoot = client.as(root);
      expect(await asRoot.access(handle, 0x1f)).toBe(granted);
      const isGranted = granted !== 0;
      expect(typeof (await asRoot.lookup(handle, "in"))).toBe(isGranted ? "object" : "number");
      expect(typeof (await asRoot.readdir(handle, 0n, 1000))).toBe(isGranted ? "object" : "number");
      expect(await asRoot.getattr(handle)).toMatchObject({ mode: 0o700, uid: 0 });
      expect(await asRoot.mnt("/srv/nfsroot/test/private")).toEqual(handle);
    }
  });
});
