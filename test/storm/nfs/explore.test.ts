import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../../src/bytes/ipv4.ts";
import { systemClock } from "../../../src/net/clock.ts";
import { explore } from "../../../src/storm/nfs/explore.ts";
import { seededRandom } from "../../../src/storm/random.ts";
import { mapFiles } from "../../../src/storm/trace/mapping.ts";
import type { Trace } from "../../../src/storm/trace/trace.ts";
import { UserError } from "../../../src/user-error.ts";
import { serve, temporaryDirectory } from "../../nfs/served.ts";

const about: Trace["about"] = {
  title: "BIOS, tmpfs",
  firmware: "bios",
  layer: "tmpfs",
  recordedAt: "2026-11-21T00:00:00Z",
  kernel: "6.1.0-56-amd64",
  mac: "52:54:00:13:20:01",
  address: "10.13.20.11",
};

const trace: Trace = {
  about,
  files: [
    { path: "", type: "directory", size: 0 },
    { path: "etc/hostname", type: "file", size: 6 },
    { path: "usr/lib/modules/6.1.0-56-amd64/kernel/overlay.ko", type: "file", size: 100 },
    { path: "usr/lib/python3.11/os.py", type: "file", size: 100 },
  ],
  steps: [],
};

async function tree(stack: AsyncDisposableStack, names: number): Promise<string> {
  const root = await temporaryDirectory(stack);
  const files = [
    "etc/hostname",
    "etc/deeper/unseen",
    "usr/lib/modules/6.12.48+deb13-amd64/kernel/overlay.ko",
    "usr/lib/python3.13/os.py",
    "usr/share/unseen",
  ];
  for (const file of files) {
    await mkdir(join(root, file, ".."), { recursive: true });
    await writeFile(join(root, file), file);
  }
  for (let at = 0; at < names; at += 1) await writeFile(join(root, `etc/name-${at}`), "");
  await symlink("hostname", join(root, "etc/link"));
  return root;
}

function exploring(port: number, path = "/srv/nfsroot/test"): ReturnType<typeof explore> {
  return explore({
    server: { address: LOOPBACK_ADDRESS, portmap: port, nfs: port, mount: port },
    path,
    from: { address: undefined },
    trace,
    clock: systemClock,
    random: seededRandom(1),
    patienceMs: 20_000,
  });
}

describe("a server that is looked over before a storm", () => {
  test("tells what is in the directories of a trace, and in those that other versions have", async () => {
    await using stack = new AsyncDisposableStack();
    const { port } = stack.use(await serve(await tree(stack, 1000)));
    const entries = await exploring(port);
    const paths = entries.map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(entries).toContainEqual({ path: "etc/hostname", type: "file", size: 12 });
    expect(entries).toContainEqual({ path: "etc/link", type: "link", size: 8 });
    expect(entries).toContainEqual(expect.objectContaining({ path: "etc/deeper" }));
    expect(paths.filter((path) => path.startsWith("etc/name-"))).toHaveLength(1000);
    expect(paths).not.toContain("etc/deeper/unseen");
    expect(paths).not.toContain("usr/share/unseen");
    const mapping = mapFiles(trace, entries);
    const kernel = "usr/lib/modules/6.12.48+deb13-amd64/kernel/overlay.ko";
    expect([2, 3].map((file) => mapping.pathOf(file))).toEqual([
      kernel,
      "usr/lib/python3.13/os.py",
    ]);
  });

  test("that has nothing to mount there: a line that says so", async () => {
    await using stack = new AsyncDisposableStack();
    const { port } = stack.use(await serve(await tree(stack, 0)));
    await expect(exploring(port, "/srv/nowhere")).rejects.toThrow(
      new UserError("/srv/nowhere: MNT is refused: MNT3ERR_NOENT"),
    );
  });
});
