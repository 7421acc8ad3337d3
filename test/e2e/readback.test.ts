import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { lackingOf, title } from "../needs.ts";
import { directoryOf, outcome } from "../sidus.ts";
import { BUILD_MS, debianTree } from "./debian.ts";
import { changeOddTree, writeOddTree, writeUnsealableTree } from "./odd-tree.ts";
import { openRoom, type Room } from "./served-room.ts";

/** Trees read back whole by libnfs, from directories and from sealed images: every name, attribute, link and byte. */

const lacking = lackingOf(
  ...(["root", "mmdebstrap", "mkfs.erofs", "ip", "nsenter", "cc", "perl"] as const),
  "/usr/include/nfsc/libnfs.h",
);

describe.skipIf(lacking !== undefined)(title("a tree over NFS is the tree", lacking), () => {
  const odd = directoryOf({});
  const unsealable = directoryOf({});
  const program = join(directoryOf({}), "compare");
  let debian: string;
  let room: Room;

  beforeAll(async () => {
    const source = fileURLToPath(new URL("compare.c", import.meta.url));
    const compiled = await outcome("cc", ["-O2", "-o", program, source, "-lnfs"]);
    expect(compiled.code, compiled.stderr).toBe(0);
    writeOddTree(odd);
    writeUnsealableTree(unsealable);
    debian = await debianTree();
    room = await openRoom({
      exports: {
        debian: { source: debian },
        odd: { source: odd },
        unsealable: { source: unsealable },
        "debian-image": { image: "debian" },
        "odd-image": { image: "odd" },
      },
    });
    await room.seal("debian", debian);
    await room.seal("odd", odd);
    await room.start();
  }, BUILD_MS);
  afterAll(() => room?.[Symbol.asyncDispose]());

  /** What differs, and how much was looked at. */
  async function compare(name: string, directory: string) {
    const [enter = "", ...flags] = room.namespace.enter;
    const args = [...flags, program, room.server, `/srv/nfsroot/${name}`, directory];
    const { code, stdout, stderr } = await outcome(enter, args);
    expect(code, stderr).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    const [, entries, bytes] = /^(\d+) entries, (\d+) bytes/.exec(lines.at(-1) ?? "") ?? [];
    return { differences: lines.slice(0, -1), entries: Number(entries), bytes: Number(bytes) };
  }

  test.each(["debian", "debian-image"])("a Debian tree: %s", { timeout: 120_000 }, async (name) => {
    const { differences, entries, bytes } = await compare(name, debian);
    expect(differences).toEqual([]);
    expect(entries).toBeGreaterThan(10_000);
    expect(bytes).toBeGreaterThan(300e6);
  });

  test.each(["odd", "odd-image"])("all that is odd: %s", { timeout: 120_000 }, async (name) => {
    const { differences, entries } = await compare(name, odd);
    expect(differences).toEqual([]);
    expect(entries).toBeGreaterThan(7000);
  });

  test("files beyond 4 GiB, names of 255 bytes", { timeout: 120_000 }, async () => {
    expect(await compare("unsealable", unsealable)).toMatchObject({ differences: [], entries: 5 });
  });

  test("a directory after changes in it", { timeout: 120_000 }, async () => {
    changeOddTree(odd);
    await expect
      .poll(() => compare("odd", odd), { timeout: 60_000 })
      .toMatchObject({ differences: [] });
    // The image is of before: what tells them apart does so.
    const { differences } = await compare("odd-image", odd);
    expect(differences.length).toBeGreaterThan(1000);
  });
});
