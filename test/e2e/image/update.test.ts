import { execFileSync } from "node:child_process";
import { copyFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf, type Outcome, sidus } from "../../sidus.ts";
import { BUILD_MS, debianTree } from "../debian.ts";
import { networkCard, type Qemu, startQemu } from "../qemu.ts";
import { openRoom, type Room } from "../served-room.ts";

/** An administrator changes the image while nodes run, then goes back. The nodes read from it all the time. */

const lacking =
  lackingOf("root", "mmdebstrap", "mkfs.erofs", "qemu-system-x86_64", "ip", "nsenter", "curl") ??
  (process.env["SIDUS_E2E"] === "all" ? undefined : "npm run e2e runs it");

const BOOT_MS = 600_000;
const names = ["n1", "n2", "n3"] as const;
const macOf = (name: string): string => `52:54:00:13:20:0${name.slice(1)}`;

describe.skipIf(lacking !== undefined)(title("an update while three nodes run", lacking), () => {
  const tree = join(directoryOf({}), "tree");
  let room: Room;
  const machines = new AsyncDisposableStack();
  const running = new Map<string, Qemu>();

  beforeAll(async () => {
    execFileSync("cp", ["--archive", await debianTree(), tree]);
    addReader(tree);
    room = await openRoom({
      exports: { room: { image: "room" } },
      boot: { labels: { tmpfs: { append: "console=ttyS0,115200 mitigations=off" } } },
      nodes: names.map((name, at) => ({ name, mac: macOf(name), ip: `10.13.20.1${at + 1}` })),
    });
    await room.seal("room", tree);
    for (const name of names) room.addPort(name);
    await room.start();
  }, BUILD_MS);
  afterAll(async () => {
    await machines.disposeAsync();
    await room?.[Symbol.asyncDispose]();
  });

  async function powerOn(name: string): Promise<void> {
    await running.get(name)?.[Symbol.asyncDispose]();
    const args = ["-m", "1024", ...networkCard(name, macOf(name))];
    running.set(name, machines.use(startQemu(room.namespace, args)));
  }

  function said(name: string): string[] {
    const text = running.get(name)?.console() ?? "";
    return [...text.matchAll(/READER: (\w+)/g)].map(([, what = ""]) => what);
  }

  /** So many times more than it has said yet, the same and nothing else. */
  async function reads(name: string, what: string, times: number): Promise<void> {
    const before = said(name).length;
    await expect
      .poll(() => said(name).length, { timeout: BOOT_MS, interval: 500 })
      .toBeGreaterThanOrEqual(before + times);
    expect(new Set(said(name).slice(before))).toEqual(new Set([what]));
  }

  function image(...args: readonly string[]): Promise<Outcome> {
    return sidus("image", ...args, "--images", room.images);
  }

  test("they keep their version, the next boot has the new one, and rolling back gives the old one", {
    timeout: 4 * BOOT_MS,
  }, async () => {
    for (const name of names) await powerOn(name);
    await Promise.all(names.map((name) => reads(name, "first", 1)));

    const change = ["--", "sh", "-c", "echo second >/etc/marker"];
    const args = ["edit", "room", "--images", room.images, ...change];
    const edited = await sidus("image", ...args);
    expect(edited.code, edited.stderr).toBe(0);
    await Promise.all(names.map((name) => reads(name, "first", 3)));

    await powerOn("n1");
    await reads("n1", "second", 2);
    expect(await image("rollback", "room")).toMatchObject({ code: 0 });
    await powerOn("n2");
    await reads("n2", "first", 2);
    await reads("n1", "second", 2);
    await reads("n3", "first", 2);
  });
});

function addReader(tree: string): void {
  writeFileSync(join(tree, "etc/marker"), "first\n");
  copyFileSync(
    fileURLToPath(new URL("reader.sh", import.meta.url)),
    join(tree, "usr/local/bin/reader"),
  );
  execFileSync("chmod", ["755", join(tree, "usr/local/bin/reader")]);
  writeFileSync(
    join(tree, "etc/systemd/system/reader.service"),
    "[Unit]\nAfter=multi-user.target\n[Service]\nExecStart=/usr/local/bin/reader\n",
  );
  symlinkSync(
    "/etc/systemd/system/reader.service",
    join(tree, "etc/systemd/system/multi-user.target.wants/reader.service"),
  );
}
