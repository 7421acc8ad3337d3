import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type InTree, runInTree } from "../../../src/image/chroot/in-tree.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { isMounted, processesNaming } from "../remains.ts";
import { mountsIn, tinyTree } from "./tiny-tree.ts";

const lacking = lackingOf("root", "unshare", "busybox", "flock");
const ours = readFileSync("/etc/resolv.conf", "utf8");

async function inTree(tree: string, script: string, options: Partial<InTree> = {}) {
  const lines: string[] = [];
  const command = ["sh", "-c", script];
  const status = await runInTree({ tree, command, log: (line) => lines.push(line), ...options });
  return { status, lines, text: lines.join("\n") };
}

/** Names, kinds and rights of all that is in a tree, but not what time it is. */
function inventory(tree: string): string[] {
  return readdirSync(tree, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const { mode, size } = lstatSync(join(tree, name));
      return `${name} ${mode.toString(8)} ${(mode & 0o170000) === 0o40000 ? "" : size}`;
    });
}

describe.skipIf(lacking !== undefined)(title("work in a tree", lacking), () => {
  test("answers the exit status and every line; nothing of it stays", async () => {
    const tree = tinyTree();
    const before = inventory(tree);
    const { status, lines } = await inTree(tree, "echo out; echo err >&2; exit 7");
    expect(status).toBe(7);
    expect([...lines].sort()).toEqual(["err", "out"]);
    expect(mountsIn(tree)).toEqual([]);
    expect(isMounted(tree)).toBe(false);
    expect(inventory(tree)).toEqual(before);
  });

  test("what the command changes is changed in the tree", async () => {
    const tree = tinyTree();
    await inTree(tree, "echo kept >/etc/kept; echo gone >/run/gone; echo gone >/dev/shm/gone");
    expect(readFileSync(join(tree, "etc/kept"), "utf8")).toBe("kept\n");
    expect(readdirSync(join(tree, "run"))).toEqual([]);
    expect(readdirSync(join(tree, "dev"))).toEqual([]);
  });

  test("has what a system has: /proc of its processes, /sys to read, devices, terminals", async () => {
    const { lines, text, status } = await inTree(
      tinyTree(),
      `set -e
      hostname
      [ "$(ls -d /proc/[0-9]* | wc -l)" -lt 12 ]
      ! touch /sys/kernel/uevent_helper 2>/dev/null
      ! cat /proc/sys/kernel/domainname 2>/dev/null >/proc/sys/kernel/domainname
      ls /sys/class >/dev/null
      echo x >/dev/null; head -c 3 /dev/zero | wc -c; head -c 1 /dev/urandom >/dev/null
      [ -c /dev/ptmx ]; [ -d /dev/pts ]
      : >/dev/shm/x; : >/run/lock/x; : >/run/shm/y; ls /dev/shm
      read -r root </proc/self/mountinfo; case $root in *" / / "* | *" / rw"*) echo mounted;; esac`,
    );
    expect(status, text).toBe(0);
    expect(lines).toEqual(["localhost", "3", "x", "y", "mounted"]);
  });

  test("sees a login's environment, nothing of ours but proxies and terminal, and what it is given", async () => {
    process.env["SIDUS_TEST_SECRET"] = "secret";
    const { text } = await inTree(tinyTree(), "env; id -u", { environment: { GIVEN: "yes" } });
    delete process.env["SIDUS_TEST_SECRET"];
    expect(text).toContain("HOME=/root");
    expect(text).toContain("LC_ALL=C.UTF-8");
    expect(text).toContain("DEBIAN_FRONTEND=noninteractive");
    expect(text).toContain("GIVEN=yes");
    expect(text).not.toContain("secret");
    expect(text).not.toContain("TMPDIR");
  });

  test("no service starts: policy-rc.d answers 101, start-stop-daemon does nothing (invoke-rc.d(8))", async () => {
    const tree = tinyTree();
    const { lines } = await inTree(
      tree,
      "/usr/sbin/policy-rc.d ssh start; echo $?; start-stop-daemon --start --exec /bin/sh; echo $?",
    );
    expect(lines).toEqual([
      "101",
      "start-stop-daemon does nothing here: --start --exec /bin/sh",
      "0",
    ]);
    expect(existsSync(join(tree, "usr/sbin/policy-rc.d"))).toBe(false);
    expect(readFileSync(join(tree, "usr/sbin/start-stop-daemon"), "utf8")).toContain("started");
  });

  test("an administrator's own policy-rc.d is covered meanwhile, and there again after it", async () => {
    const own = "#!/bin/sh\nexit 0\n";
    const tree = tinyTree({ "usr/sbin/policy-rc.d": own });
    chmodSync(join(tree, "usr/sbin/policy-rc.d"), 0o755);
    const { lines } = await inTree(tree, "/usr/sbin/policy-rc.d; echo $?");
    expect(lines).toEqual(["101"]);
    expect(readFileSync(join(tree, "usr/sbin/policy-rc.d"), "utf8")).toBe(own);
  });

  test("daemons in the background end with the command", async () => {
    const tree = tinyTree();
    const mark = `31.${process.pid}`;
    const { status } = await inTree(tree, `setsid sleep ${mark} </dev/null >/dev/null 2>&1 &`);
    expect(status).toBe(0);
    expect(processesNaming(mark)).toEqual([]);
  });

  test("an interrupt ends all of it, whatever ignores it", async () => {
    const tree = tinyTree();
    const interrupt = new AbortController();
    const mark = `32.${process.pid}`;
    const before = inventory(tree);
    const { status } = await inTree(tree, `trap '' TERM INT HUP; echo up; sleep ${mark}`, {
      log: () => interrupt.abort(),
      signal: interrupt.signal,
    });
    expect(status).not.toBe(0);
    expect(processesNaming(mark)).toEqual([]);
    expect(inventory(tree)).toEqual(before);
  });

  test("two may work in one tree; the last one out leaves nothing", async () => {
    const tree = tinyTree();
    const open = Promise.withResolvers<void>();
    const interrupt = new AbortController();
    const first = inTree(tree, "echo up; cat /dev/zero >/dev/null", {
      log: () => open.resolve(),
      signal: interrupt.signal,
    });
    await open.promise;
    await inTree(tree, "true");
    expect(existsSync(join(tree, "usr/sbin/policy-rc.d"))).toBe(true);
    interrupt.abort();
    await first;
    expect(existsSync(join(tree, "usr/sbin/policy-rc.d"))).toBe(false);
  });

  test("what is no tree is refused: nothing there, a file, this machine, a directory of other things", async () => {
    const directory = directoryOf({ file: "" });
    const at = (path: string) => inTree(path, "true");
    await expect(at(join(directory, "none"))).rejects.toThrow("no such directory");
    await expect(at(join(directory, "file"))).rejects.toThrow("is not a directory");
    await expect(at("/")).rejects.toThrow("is this machine itself");
    await expect(at("/proc/self/root")).rejects.toThrow("is this machine itself");
    await expect(at(directory)).rejects.toThrow("is no tree of a system");
  });
});

describe.skipIf(lacking !== undefined)(title("resolv.conf in a tree", lacking), () => {
  const read = "cat /etc/resolv.conf";

  test("is ours, and the tree's own is there again after it: a file, empty, or absent", async () => {
    for (const own of ["nameserver 192.0.2.1\n", "", undefined]) {
      const tree = tinyTree(own === undefined ? {} : { "etc/resolv.conf": own });
      expect(`${(await inTree(tree, read)).text}\n`).toBe(ours);
      const file = join(tree, "etc/resolv.conf");
      expect(existsSync(file) ? readFileSync(file, "utf8") : undefined).toBe(own);
    }
  });

  test("may be a link to what only a running system has, relative or absolute", async () => {
    for (const target of [
      "../run/systemd/resolve/stub-resolv.conf",
      "/run/resolvconf/resolv.conf",
      "/var/run/own/resolv.conf",
    ]) {
      const tree = tinyTree();
      mkdirSync(join(tree, "var"));
      symlinkSync("/run", join(tree, "var/run"));
      symlinkSync(target, join(tree, "etc/resolv.conf"));
      expect(`${(await inTree(tree, read)).text}\n`, target).toBe(ours);
      expect(readlinkSync(join(tree, "etc/resolv.conf"))).toBe(target);
      expect(readdirSync(join(tree, "run"))).toEqual([]);
    }
  });

  test("may be a link to a file of the tree; one that leads nowhere stays as it is", async () => {
    const linked = tinyTree({ "etc/static.conf": "nameserver 192.0.2.1\n" });
    symlinkSync("/etc/static.conf", join(linked, "etc/resolv.conf"));
    expect(`${(await inTree(linked, read)).text}\n`).toBe(ours);
    expect(readFileSync(join(linked, "etc/static.conf"), "utf8")).toBe("nameserver 192.0.2.1\n");
    for (const nowhere of ["/etc/none.conf", "resolv.conf"]) {
      const tree = tinyTree();
      symlinkSync(nowhere, join(tree, "etc/resolv.conf"));
      const before = inventory(tree);
      expect((await inTree(tree, read)).status).toBe(1);
      expect(inventory(tree)).toEqual(before);
    }
  });

  test("what a program writes into it is in the tree", async () => {
    for (const own of ["nameserver 192.0.2.1\n", undefined]) {
      const tree = tinyTree(own === undefined ? {} : { "etc/resolv.conf": own });
      const { status } = await inTree(tree, "echo nameserver 192.0.2.2 >/etc/resolv.conf");
      expect(status).toBe(0);
      const file = join(tree, "etc/resolv.conf");
      expect(readFileSync(file, "utf8")).toBe("nameserver 192.0.2.2\n");
      expect(lstatSync(file).mode & 0o777).toBe(0o644);
    }
  });

  test("apt takes the mounts away before dpkg replaces what is below them", async () => {
    const tree = tinyTree({ "etc/resolv.conf": "nameserver 192.0.2.1\n" });
    const { lines, status } = await inTree(
      tree,
      `set -e
      grep -o /run/sidus/unpacking "$APT_CONFIG"
      printf '%s\\n' /var/cache/apt/archives/dpkg-dev_1_all.deb | /run/sidus/unpacking
      start-stop-daemon
      printf '%s\\n' /x/base_1_all.deb /x/dpkg_1.21.22_amd64.deb | /run/sidus/unpacking
      start-stop-daemon
      echo /x/systemd-resolved_252_amd64.deb | /run/sidus/unpacking
      ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
      wc -c </etc/resolv.conf`,
    );
    expect(status).toBe(0);
    expect(lines).toEqual([
      "/run/sidus/unpacking",
      "start-stop-daemon does nothing here: ",
      "started",
      String(ours.length),
    ]);
    expect(readlinkSync(join(tree, "etc/resolv.conf"))).toBe(
      "../run/systemd/resolve/stub-resolv.conf",
    );
  });
});

describe.skipIf(lacking !== undefined)(title("a tree after a crash", lacking), () => {
  const worker = fileURLToPath(new URL("./worker.ts", import.meta.url));

  test("SIGKILL in the middle leaves no mount and no process, and the next run cleans the rest", async () => {
    const tree = tinyTree();
    const mark = `33.${process.pid}`;
    const before = inventory(tree);
    const child = spawn(process.execPath, [worker, tree, `echo up; sleep ${mark}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await said(child, "up");
    child.kill("SIGKILL");
    await expect.poll(() => processesNaming(mark), { timeout: 10_000 }).toEqual([]);
    await expect.poll(() => isMounted(tree), { timeout: 10_000 }).toBe(false);
    // Empty, without a right: nobody runs it, nobody reads it.
    const left = lstatSync(join(tree, "usr/sbin/policy-rc.d"));
    expect([left.size, left.mode & 0o7777]).toEqual([0, 0]);
    expect((await inTree(tree, "/usr/sbin/policy-rc.d; echo $?")).lines).toEqual(["101"]);
    expect(inventory(tree)).toEqual(before);
  });

  test("an empty policy-rc.d that somebody else made is none of ours", async () => {
    const tree = tinyTree({ "usr/sbin/policy-rc.d": "" });
    await inTree(tree, "true");
    expect(existsSync(join(tree, "usr/sbin/policy-rc.d"))).toBe(true);
    rmSync(join(tree, "usr/sbin/policy-rc.d"));
    writeFileSync(join(tree, "usr/sbin/policy-rc.d"), "#!/bin/sh\n", { mode: 0o000 });
    await inTree(tree, "true");
    expect(readFileSync(join(tree, "usr/sbin/policy-rc.d"), "utf8")).toBe("#!/bin/sh\n");
  });
});

async function said(child: ChildProcess, word: string): Promise<void> {
  let text = "";
  child.stdout?.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  await expect.poll(() => text, { timeout: 20_000 }).toContain(word);
}
