import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";
import { isInUserNamespace, isRootOfMachine } from "../../../src/image/namespace/user-namespace.ts";
import { lackingOf, title } from "../../needs.ts";
import { openOrdinaryUser, ordinaryUser } from "../../ordinary-user.ts";
import { tinyTree } from "../chroot/tiny-tree.ts";
import { isMounted, processesNaming } from "../remains.ts";

const lacking = lackingOf("root", "unshare", "newuidmap", "busybox", "setpriv");

test("whose root we are is read from the kernel's map of numbers (user_namespaces(7))", () => {
  expect(isRootOfMachine()).toBe(process.getuid?.() === 0 && !isInUserNamespace());
});

describe.skipIf(lacking !== undefined)(title("an ordinary user", lacking), () => {
  /** With a tree of their own. */
  function open(numbers?: string) {
    const user = openOrdinaryUser(numbers);
    const program = user.node("test/image/chroot/worker.ts");
    const tree = join(user.home, "tree");
    cpSync(tinyTree(), tree, { recursive: true, verbatimSymlinks: true });
    execFileSync("chown", ["-R", `${ordinaryUser.uid}:${ordinaryUser.uid}`, tree]);
    return { user, tree, program };
  }

  test("works in a tree as root of a namespace: owners are those numbers, nothing stays", async () => {
    const { user, tree, program } = open();
    const script = `
      id -u; echo x >/etc/own; echo x >/etc/other; chown 33:33 /etc/other
      /usr/sbin/policy-rc.d; echo $?
      cat /etc/resolv.conf >/dev/null && ls /sys/class >/dev/null && echo x >/dev/null
      exit 7`;
    const { code, stdout, stderr } = await user.run(...program, tree, script);
    expect(stderr).toBe("");
    expect([code, stdout]).toEqual([7, "0\n101\n"]);
    expect(statSync(join(tree, "etc/own")).uid).toBe(ordinaryUser.uid);
    const other = statSync(join(tree, "etc/other")).uid;
    expect(other).toBeGreaterThanOrEqual(ordinaryUser.firstNumber);
    expect(other).toBeLessThan(ordinaryUser.firstNumber + 65_536);
    expect(isMounted(tree)).toBe(false);
  });

  test.each([
    ["SIGTERM is passed on", "SIGTERM"],
    ["when the caller dies, all in it ends, in order", "SIGKILL"],
  ] as const)("%s", async (_, signal) => {
    const { user, tree, program } = open();
    const mark = `51.${process.pid}`;
    const [command = "", ...flags] = [...user.command, ...program];
    const child = spawn(command, [...flags, tree, `echo up; sleep ${mark}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (bytes: Buffer) => {
      text += bytes.toString();
    });
    await expect.poll(() => text, { timeout: 20_000 }).toContain("up");
    child.kill(signal);
    await expect.poll(() => text, { timeout: 20_000 }).toContain("ended in order");
    await expect.poll(() => processesNaming(mark), { timeout: 10_000 }).toEqual([]);
    await expect.poll(() => isMounted(tree), { timeout: 10_000 }).toBe(false);
    expect(existsSync(join(tree, "usr/sbin/policy-rc.d"))).toBe(false);
  });

  test("is told what is missing, and the command that mends it", async () => {
    const { user, tree, program } = open("");
    const { code, stderr } = await user.run(...program, tree, "true");
    expect(code).not.toBe(0);
    expect(stderr).toContain(
      `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${ordinaryUser.name}`,
    );
  });

  test("the machine's own files are as before", () => {
    expect(readFileSync("/etc/passwd", "utf8")).not.toContain(ordinaryUser.name);
  });
});
