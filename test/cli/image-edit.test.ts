import { spawn } from "node:child_process";
import { chownSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { currentNow } from "../../src/image/store/current.ts";
import type { Manifest } from "../../src/image/store/manifest.ts";
import { ImageStore } from "../../src/image/store/store.ts";
import { allDifferencesOf, manifestIn, seal, unpacked } from "../image/change/changing.ts";
import { tinyTree } from "../image/chroot/tiny-tree.ts";
import { isMounted, processesNaming } from "../image/remains.ts";
import { lackingOf, title } from "../needs.ts";
import { openOrdinaryUser, ordinaryUser } from "../ordinary-user.ts";
import { directoryOf, type Outcome, sidus } from "../sidus.ts";

const lacking = lackingOf("mkfs.erofs", "rsync", "busybox", "root");
const lackingUser = lackingOf("mkfs.erofs", "rsync", "busybox", "newuidmap", "setpriv", "root");

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const store = new ImageStore(join(directoryOf({}), "images"));
const room = store.directoryOf("room");
const common = ["--images", store.directory, "--log", join(directoryOf({}), "log")];
let base: string;
let first: Manifest;

beforeAll(async () => {
  if (lacking !== undefined) return;
  base = tinyTree({ "etc/hosts": "127.0.0.1 localhost\n" });
  first = await seal(store, base);
});

beforeEach(() => {
  if (lacking === undefined) store.use("room", first.digest);
});

function edit(...given: readonly string[]): Promise<Outcome> {
  return sidus("image", "edit", "room", ...common, ...given);
}

describe.skipIf(lacking)(title("sidus image edit", lacking), { timeout: 120_000 }, () => {
  test("makes the next version of what a command leaves, and of nothing else", async () => {
    const { code, stdout, stderr } = await edit("--", "sh", "-c", "echo a >/etc/new; echo $PATH");
    expect(stderr).not.toContain("sidus: ");
    expect(code).toBe(0);
    const digest = currentNow(room) ?? "";
    expect(stdout).toContain("/usr/sbin");
    expect(stdout).toContain(`room: ${digest.slice(0, 12)} is the current version now`);
    expect(manifestIn(store, digest)).toMatchObject({
      made: "edit: sh -c echo a >/etc/new; echo $PATH",
      parent: first.digest,
    });
    const tree = await unpacked(store, digest);
    expect(allDifferencesOf(base, tree)).toEqual([".d..t...... etc/", ">f+++++++++ etc/new"]);
    expect(isMounted(store.directory)).toBe(false);
  });

  test("with a message, from an older version, as JSON", async () => {
    await seal(store, directoryOf({ "etc/later": "" }));
    const from = first.digest.slice(0, 12);
    const { code, stdout, stderr } = await edit(
      ...["--json", "--from", from, "--message", "two\nlines", "--"],
      ...["sh", "-c", "echo $DEBIAN_FRONTEND; touch /etc/other"],
    );
    expect(code).toBe(0);
    expect(stderr).toContain("noninteractive");
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({ parent: first.digest, made: "edit: two lines" });
    expect(currentNow(room)).toBe(told.digest);
  });

  test("a command that fails, or changes nothing, makes no version", async () => {
    const versions = readdirSync(room).sort();
    const failed = await edit("--", "sh", "-c", "touch /etc/half; exit 7");
    expect(failed).toMatchObject({ code: 1 });
    expect(failed.stderr).toContain("sh ended with exit status 7: room is as it was");
    const nothing = await edit("--", "true");
    expect(nothing).toMatchObject({ code: 0, stdout: "room: nothing was changed\n" });
    expect(readdirSync(room).sort()).toEqual(versions);
    expect(currentNow(room)).toBe(first.digest);
  });

  test("killed in the middle: nothing runs or is mounted, the next one works", async () => {
    const marker = "864213";
    const child = spawn(process.execPath, [
      ...[main, "image", "edit", "room", ...common],
      ...["--", "sh", "-c", `touch /etc/half; exec sleep ${marker}`],
    ]);
    while (!processesNaming(marker).some((line) => line.startsWith("sleep"))) {
      if (child.exitCode !== null) throw new Error("it ended by itself");
      await setTimeout(10);
    }
    child.kill("SIGKILL");
    await expect.poll(() => processesNaming(marker)).toEqual([]);
    expect(isMounted(store.directory)).toBe(false);
    expect(currentNow(room)).toBe(first.digest);
    expect((await edit("--", "touch", "/etc/after")).code).toBe(0);
    const tree = await unpacked(store, currentNow(room) ?? "");
    expect(existsSync(join(tree, "etc/half"))).toBe(false);
    expect(readdirSync(store.directory).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("of no image says what there could be", async () => {
    const { code, stderr } = await sidus("image", "edit", "none", ...common, "--", "true");
    expect(code).toBe(2);
    expect(stderr).toContain("there is no image none");
  });
});

describe.skipIf(lackingUser)(
  title("sidus image edit by an ordinary user", lackingUser),
  { timeout: 120_000 },
  () => {
    test("keeps owners and devices as root's edit does", async () => {
      const user = openOrdinaryUser();
      const { uid } = ordinaryUser;
      const images = join(user.home, "images");
      const tree = tinyTree();
      chownSync(join(tree, "etc/passwd"), 42, 43);
      const own = new ImageStore(images);
      const sealed = await seal(own, tree);
      for (const path of [images, own.directoryOf("room")]) chownSync(path, uid, uid);
      for (const name of readdirSync(own.directoryOf("room"))) {
        chownSync(join(own.directoryOf("room"), name), uid, uid);
      }
      const ran = await user.run(
        ...user.node("src/main.ts"),
        ...["image", "edit", "room", "--images", images, "--log", join(user.home, "log")],
        ...["--", "touch", "/etc/new"],
      );
      expect(ran.stderr).not.toContain("sidus: ");
      expect(ran.code).toBe(0);
      const digest = currentNow(own.directoryOf("room")) ?? "";
      expect(digest).not.toBe(sealed.digest);
      const differences = allDifferencesOf(tree, await unpacked(own, digest));
      expect(differences).toEqual([".d..t...... etc/", ">f+++++++++ etc/new"]);
      expect(readFileSync(join(own.directoryOf("room"), `${digest}.json`), "utf8")).toContain(
        "edit: touch /etc/new",
      );
    });
  },
);
