import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { chrootCommand } from "../../src/cli/chroot.ts";
import { UserError } from "../../src/user-error.ts";
import { mountsIn, tinyTree } from "../image/chroot/tiny-tree.ts";
import { lackingOf, title } from "../needs.ts";
import { openOrdinaryUser } from "../ordinary-user.ts";
import { directoryOf, outcome, sidus } from "../sidus.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const lacking = lackingOf("root", "unshare", "busybox", "flock");

describe.skipIf(lacking !== undefined)(title("sidus chroot", lacking), () => {
  test("runs a command in a directory; output and exit status are the command's own", async () => {
    const tree = tinyTree();
    const script = 'echo "$debian_chroot"; echo no >&2; touch /etc/touched; exit 7';
    const outcome = await sidus("chroot", tree, "--", "sh", "-c", script);
    const name = tree.slice(tree.lastIndexOf("/") + 1);
    expect(outcome).toEqual({ code: 7, stdout: `${name}\n`, stderr: "no\n" });
    expect(existsSync(join(tree, "etc/touched"))).toBe(true);
  });

  test("says what others left in the tree; --release ends it, and tells what it did", async () => {
    const tree = tinyTree();
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(tree, "tmp")]);
    const run = await sidus("chroot", tree, "--", "true");
    expect(run).toMatchObject({ code: 0, stdout: "" });
    expect(run.stderr).toBe(
      `sidus: ${tree}/tmp is mounted; if nobody needs it: sidus chroot ${tree} --release\n`,
    );
    const released = await sidus("chroot", tree, "--release");
    expect(released).toEqual({ code: 0, stdout: `${tree}: unmounted ${tree}/tmp\n`, stderr: "" });
    expect(mountsIn(tree)).toEqual([]);
    const again = await sidus("chroot", tree, "--release", "--json");
    expect(JSON.parse(again.stdout)).toEqual({ ended: [], unmounted: [], removed: [] });
    expect((await sidus("chroot", tree, "--release")).stdout).toBe(`${tree}: nothing to release\n`);
  });

  test("names what is wrong: a sealed image, a tree that is not there, options that do nothing", async () => {
    const images = directoryOf({ "sealed/current": "" });
    const error = (...args: readonly string[]): Promise<string> =>
      chrootCommand()
        .parseAsync(args, { from: "user" })
        .then(
          () => "",
          (cause: unknown) => (cause instanceof UserError ? cause.message : String(cause)),
        );
    expect(await error("sealed", "--images", images)).toBe(
      "sealed is a sealed image, which never changes; its next version: sidus image edit sealed -- COMMAND",
    );
    expect(await error("no-such-tree", "--images", images)).toBe(
      "/srv/nfsroot/no-such-tree: no such directory",
    );
    expect(await error("/", "--", "true")).toContain("is this machine itself");
    expect(await error(images, "--json")).toContain("--json: only with --release");
    expect(await error(images, "--release", "--", "ls")).toContain("goes without a command");
  });

  test("hooks run before and after it; one that fails keeps it from being begun", async () => {
    const tree = tinyTree();
    const etc = directoryOf({
      "sidus/hooks/before.d/1":
        '#!/bin/sh\necho "before $SIDUS_ACTION"\n[ ! -e "$SIDUS_TREE/stop" ]\n',
      "sidus/hooks/after.d/1": "#!/bin/sh\necho after\n",
    });
    for (const when of ["before", "after"]) chmodSync(join(etc, `sidus/hooks/${when}.d/1`), 0o755);
    // This machine's own /etc stays as it is.
    const script = 'mount -t overlay -o "lowerdir=$0:/etc" overlay /etc; exec "$@"';
    const run = () =>
      outcome("unshare", [
        ...["--mount", "sh", "-e", "-c", script, etc, process.execPath, main],
        ...["chroot", tree, "--", "echo", "working"],
      ]);
    expect(await run()).toEqual({
      code: 0,
      stdout: "working\n",
      stderr: "before chroot\nafter\n",
    });
    mkdirSync(join(tree, "stop"));
    const { code, stdout, stderr } = await run();
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("before.d/1 failed with exit status 1");
  });

  test("an ordinary user is told that it takes root", async () => {
    const user = openOrdinaryUser();
    const { code, stderr } = await user.run(...user.node("src/main.ts"), "chroot", "sidus");
    expect(code).toBe(2);
    expect(stderr).toBe("sidus: the files of a tree belong to root: sudo sidus chroot sidus\n");
  });
});
