import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Golden } from "../../../src/image/change/golden.ts";
import { type Parts, partsOf } from "../../../src/image/change/parts.ts";
import { progressIn, transfer } from "../../../src/image/change/transfer.ts";
import type { Progress } from "../../../src/image/progress.ts";
import { systemClock } from "../../../src/net/clock.ts";
import { UserError } from "../../../src/user-error.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { expectSame } from "../clone/same.ts";
import { processesNaming } from "../remains.ts";
import { writeFullTree } from "./full-tree.ts";
import { type GoldenClient, openGoldenClient } from "./golden-client.ts";

const lacking = lackingOf(
  ...([
    "root",
    "/usr/sbin/sshd",
    "ssh",
    "rsync",
    "ip",
    "nsenter",
    "setfattr",
    "mkfs.ext4",
  ] as const),
);

describe.skipIf(lacking !== undefined)(title("a golden client's files", lacking), () => {
  let client: GoldenClient;

  beforeAll(async () => {
    client = await openGoldenClient();
    await writeFullTree(join(client.root, "srv"));
    const link = join(client.root, "srv/absolute");
    execFileSync("setfattr", ["-h", "-x", "trusted.of.a.link", link]);
    for (const path of excluded) write(path, "excluded");
    for (const path of kept) write(path, "kept");
    writeFileSync(join(client.root, "swap-here"), "swap");
    client.run("mount", "-t", "tmpfs", "tmpfs", join("/mnt", "run"));
    client.run("touch", "/mnt/run/of-the-kernel");
    const disk = join(directoryOf({ disk: "" }), "disk");
    execFileSync("truncate", ["-s", "16M", disk]);
    execFileSync("mkfs.ext4", ["-qF", disk]);
    client.run("mount", "-o", "loop", disk, "/mnt/boot");
    client.run("mount", "--bind", "/mnt/boot", "/mnt/home");
    client.run(
      "sh",
      "-c",
      "echo kernel >/mnt/boot/vmlinuz-1; mkdir /mnt/boot/grub; >/mnt/boot/grub/x",
    );
  }, 60_000);
  afterAll(() => client?.[Symbol.asyncDispose]());

  const excluded = [
    ...["tmp/file", "var/tmp/file", "dev/node", "mnt/file", "media/disk/file"],
    ...["swapfile", "lost+found/file", "var/log/syslog", "var/log/nginx/access.log"],
    ...["var/cache/apt/archives/vim.deb", "var/cache/man/fr/index.db", "root/.cache/thumb"],
    ...["home/ann/.cache/thumb", "var/lib/apt/lists/some_Packages"],
  ];
  const kept = [
    ...["etc/hostname", "var/lib/dpkg/status", "var/cache/debconf/config.dat", "root/.profile"],
    ...["opt/tmp/file", "usr/share/lost+found.txt", "boot/hidden-by-a-mount"],
  ];

  function write(path: string, text: string): void {
    const file = join(client.root, path);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, text);
  }

  function golden(more: Partial<Extract<Golden, { kind: "host" }>> = {}): Golden {
    const { host, ssh } = client;
    return { kind: "host", user: "root", host, port: undefined, ssh, isSudo: false, ...more };
  }

  async function fetched(
    from: Golden,
    more: Partial<Parameters<typeof transfer>[0]> = {},
  ): Promise<string> {
    const tree = more.tree ?? join(directoryOf({}), "tree");
    mkdirSync(tree, { recursive: true });
    const parts = await partsOf(from, [], undefined);
    const quiet = { line() {}, progress() {}, signal: undefined };
    const nothing = { exclude: [], excludeFrom: [] };
    await transfer({
      golden: from,
      parts,
      tree,
      clock: systemClock,
      ...quiet,
      ...nothing,
      ...more,
    });
    return tree;
  }

  test("which of its file systems are its system's", async () => {
    const parts: Parts = await partsOf(golden(), [], undefined);
    expect(parts.captured).toEqual(["/", "/boot"]);
    expect(parts.left.map(({ point, type }) => `${point} ${type}`)).toEqual(["/home ext4"]);
    expect((await partsOf(golden(), ["/home"], undefined)).captured).toContain("/home");
    await expect(partsOf(golden(), ["/data"], undefined)).rejects.toThrow(
      /^--also \/data: no file system is mounted there, only at \/boot, \/home$/,
    );
  });

  test("are fetched as they are, but for what is no part of a system", {
    timeout: 60_000,
  }, async () => {
    const seen: Progress[] = [];
    const lines: string[] = [];
    const line = (text: string): void => void lines.push(text);
    const progress = (one: Progress): void => void seen.push(one);
    const tree = await fetched(golden(), { line, progress });
    expectSame(join(tree, "srv"), join(client.root, "srv"));
    for (const part of ["usr", "etc", "opt", "var/lib/dpkg"]) {
      expectSame(join(tree, part), join(client.root, part));
    }
    expect(excluded.filter((path) => existsSync(join(tree, path)))).toEqual([]);
    const hidden = "boot/hidden-by-a-mount";
    expect(kept.filter((path) => !existsSync(join(tree, path)))).toEqual([hidden]);
    expect(execFileSync("ls", ["-A", join(tree, "boot")], { encoding: "utf8" })).toBe(
      "grub\nvmlinuz-1\n",
    );
    for (const empty of ["proc", "run", "tmp", "boot/grub", "home", "var/log/nginx"]) {
      expect(execFileSync("ls", ["-A", join(tree, empty)], { encoding: "utf8" }), empty).toBe("");
    }
    expect(seen.at(-1)).toMatchObject({ step: "copying", unit: "items" });
    expect(seen.at(-1)?.done).toBe(seen.at(-1)?.total);
    expect(lines).toEqual([]);
  });

  test("a second time, what changed; what is gone there goes here", {
    timeout: 60_000,
  }, async () => {
    const tree = await fetched(golden());
    const before = statSync(join(tree, "etc/hostname")).ino;
    appendFileSync(join(client.root, "root/.profile"), "changed");
    rmSync(join(client.root, "opt/tmp/file"));
    writeFileSync(join(tree, "ours"), "from the last capture");
    await fetched(golden(), { tree, exclude: ["/srv/files"] });
    expect(existsSync(join(tree, "ours"))).toBe(false);
    expect(existsSync(join(tree, "srv/files"))).toBe(false);
    expect(existsSync(join(tree, "opt/tmp/file"))).toBe(false);
    expect(readFileSync(join(tree, "root/.profile"), "utf8")).toBe("keptchanged");
    expect(statSync(join(tree, "etc/hostname")).ino).toBe(before);
  });

  test("by sudo, of another user's, or from where its root is mounted", {
    timeout: 60_000,
  }, async () => {
    const patterns = directoryOf({ patterns: "/srv\n/usr/share\n" });
    const excludeFrom = [join(patterns, "patterns")];
    const tree = await fetched(golden({ isSudo: true }), { excludeFrom });
    expectSame(join(tree, "etc"), join(client.root, "etc"));
    expect(existsSync(join(tree, "srv"))).toBe(false);
    const mounted = await fetched({ kind: "directory", path: client.root }, { excludeFrom });
    expectSame(join(mounted, "etc"), join(tree, "etc"));
    expect(existsSync(join(mounted, "boot/hidden-by-a-mount"))).toBe(true);
    expect(existsSync(join(mounted, "tmp/file"))).toBe(false);
  });

  test("interrupted, rsync has ended when the answer comes", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const tree = directoryOf({});
    const progress = (): void => controller.abort();
    await expect(fetched(golden(), { tree, progress, signal })).rejects.toThrow(/abort/);
    expect(processesNaming(`${tree}/`)).toEqual([]);
  });

  test("what goes wrong names what to do", { timeout: 60_000 }, async () => {
    const refused = async (more: Parameters<typeof golden>[0]): Promise<string> => {
      const error = await fetched(golden(more)).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(UserError);
      return error instanceof Error ? error.message : "";
    };
    const nowhere = ["-o", "UserKnownHostsFile=/dev/null"] as const;
    expect(await refused({ ssh: [...client.stranger, ...nowhere] })).toMatch(
      /^127\.0\.0\.1 cannot be captured: Host key verification failed\.; its key is not known here yet: log in once by hand, ssh root@127\.0\.0\.1$/,
    );
    const noKey = ["-o", "StrictHostKeyChecking=no", "-o", "IdentityFile=/dev/null"] as const;
    expect(await refused({ ssh: [...client.stranger, ...nowhere, ...noKey] })).toMatch(
      /Permission denied \(publickey.*\)\.; nobody is asked for a password: let a key in, ssh-copy-id root@127\.0\.0\.1$/,
    );
    expect(await refused({ port: 9 })).toMatch(
      /ssh: connect to host \S+ port 9: Connection refused$/,
    );
    client.run("mv", "/mnt/usr/bin/rsync", "/mnt/usr/bin/moved");
    try {
      expect(await refused({})).toMatch(/not found; install rsync there .*apt-get install rsync$/);
    } finally {
      client.run("mv", "/mnt/usr/bin/moved", "/mnt/usr/bin/rsync");
    }
  });
});

test("rsync's progress is read, and nothing else", () => {
  expect(progressIn("    1,238,099  12%  146.38kB/s    0:00:08  (xfr#5, to-chk=169/396)")).toEqual({
    step: "copying",
    item: "1.2 MB, 146.38kB/s",
    done: 227,
    total: 396,
    unit: "items",
  });
  expect(progressIn("        32,768   0%    0.00kB/s    0:00:00  ")).toMatchObject({ total: 0 });
  expect(progressIn('skipping non-regular file "dev/sda"')).toBeUndefined();
});
