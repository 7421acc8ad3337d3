import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";
import { mountsBelow, processesInside, releaseTree } from "../../../src/image/chroot/release.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { processesNaming } from "../remains.ts";
import { mountsIn, tinyTree } from "./tiny-tree.ts";

const lacking = lackingOf("root", "unshare", "busybox", "flock", "chroot");

/** As an administrator does it by hand; answers when it runs. */
async function manualChroot(tree: string, script: string): Promise<ChildProcess> {
  const command = [tree, "sh", "-c", `echo up; ${script}`];
  const child = spawn("chroot", command, { stdio: ["ignore", "pipe", "inherit"] });
  if (child.stdout !== null) await once(child.stdout, "data");
  return child;
}

describe.skipIf(lacking !== undefined)(title("releasing a tree", lacking), () => {
  test("ends the processes of a chroot by hand, unmounts innermost first, and says so", async () => {
    const tree = tinyTree();
    mkdirSync(join(tree, "a b"));
    execFileSync("mount", ["-t", "tmpfs", "outer", join(tree, "a b")]);
    mkdirSync(join(tree, "a b/inner"));
    execFileSync("mount", ["-t", "tmpfs", "inner", join(tree, "a b/inner")]);
    execFileSync("mount", ["-t", "tmpfs", "below it", join(tree, "dev")]);
    execFileSync("mount", ["-t", "tmpfs", "over it", join(tree, "dev")]);
    const child = await manualChroot(tree, "cd '/a b/inner'; sleep 1000");
    expect(processesInside(tree).map(({ pid }) => pid)).toContain(child.pid);
    const { ended, unmounted, removed } = releaseTree(tree);
    expect(ended).toContainEqual({ pid: child.pid, name: "sleep" });
    expect([...unmounted].sort()).toEqual(
      ["a b", "a b/inner", "dev", "dev"].map((name) => join(tree, name)),
    );
    expect(unmounted.indexOf(join(tree, "a b/inner"))).toBeLessThan(
      unmounted.indexOf(join(tree, "a b")),
    );
    expect(removed).toEqual([]);
    expect(mountsIn(tree)).toEqual([]);
    expect(processesInside(tree)).toEqual([]);
    expect(releaseTree(tree)).toEqual({ ended: [], unmounted: [], removed: [] });
  });

  test("what ignores SIGTERM, is stopped, or goes on making others, ends all the same", async () => {
    const tree = tinyTree({ "dev/null": "" });
    const mark = `41.${process.pid}`;
    await manualChroot(tree, `trap '' TERM; while :; do sleep ${mark} & sleep 0.05; done`);
    const stopped = await manualChroot(tree, `sleep ${mark}`);
    stopped.kill("SIGSTOP");
    releaseTree(tree);
    expect(processesInside(tree)).toEqual([]);
    expect(processesNaming(mark)).toEqual([]);
  });

  test("a process counts by where its root is, not by how the path is called", async () => {
    const tree = tinyTree();
    const elsewhere = directoryOf({});
    symlinkSync(tree, join(elsewhere, "link"));
    const child = await manualChroot(join(elsewhere, "link"), "sleep 1000");
    const other = await manualChroot(tinyTree(), "sleep 1000");
    const found = processesInside(tree).map(({ pid }) => pid);
    expect(found).toContain(child.pid);
    expect(found).not.toContain(other.pid);
    releaseTree(tree);
    expect(other.exitCode).toBeNull();
    other.kill("SIGKILL");
  });

  test("a mount in which somebody stands is taken out of the tree", async () => {
    const tree = tinyTree();
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(tree, "run")]);
    const stands = spawn("sleep", ["1000"], { cwd: join(tree, "run") });
    await once(stands, "spawn");
    expect(releaseTree(tree).unmounted).toEqual([join(tree, "run")]);
    expect(mountsBelow(tree)).toEqual([]);
    expect(stands.exitCode).toBeNull();
    stands.kill("SIGKILL");
  });

  test("our files are known by being empty and without any right; others stay", () => {
    const tree = tinyTree({ "etc/resolv.conf": "" });
    const policy = join(tree, "usr/sbin/policy-rc.d");
    writeFileSync(policy, "");
    chmodSync(policy, 0);
    expect(releaseTree(tree).removed).toEqual([policy]);
    expect(existsSync(policy)).toBe(false);
    expect(existsSync(join(tree, "etc/resolv.conf"))).toBe(true);
  });

  test("links of a tree lead nowhere out of it", () => {
    const outside = directoryOf({ "policy-rc.d": "" });
    chmodSync(join(outside, "policy-rc.d"), 0);
    const tree = directoryOf({ "bin/sh": "", "etc/x": "" });
    mkdirSync(join(tree, "usr"));
    symlinkSync(outside, join(tree, "usr/sbin"));
    expect(releaseTree(tree).removed).toEqual([]);
    expect(statSync(join(outside, "policy-rc.d")).size).toBe(0);
  });

  test("this machine, and what is mounted for it, is not touched; where nothing is, nothing is done", () => {
    const before = mountsIn("/dev");
    for (const path of ["/", "/proc/self/root", "/proc", "/dev"]) {
      expect(() => releaseTree(path), path).toThrow("belongs to this machine itself");
    }
    expect(mountsIn("/dev")).toEqual(before);
    const none = join(directoryOf({}), "none");
    expect(releaseTree(none)).toEqual({ ended: [], unmounted: [], removed: [] });
  });
});
