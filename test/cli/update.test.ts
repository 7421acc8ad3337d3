import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { currentNow } from "../../src/image/store/current.ts";
import { ImageStore } from "../../src/image/store/store.ts";
import { allDifferencesOf, seal, unpacked } from "../image/change/changing.ts";
import { tinyTree } from "../image/chroot/tiny-tree.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, sidus } from "../sidus.ts";

/** Trees with an apt-get of a few lines, which does to their files what Debian's does; Debian's own: test/e2e. */

const lacking = lackingOf("mkfs.erofs", "rsync", "busybox", "root");

const KERNEL = "6.1.0-2-amd64";

function statusOf(packages: Readonly<Record<string, string>>): string {
  const stanza = ([name, version]: [string, string]) =>
    `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n`;
  return Object.entries(packages).map(stanza).join("\n");
}

const old = statusOf({ dpkg: "1.0", tool: "1.0", "linux-image-6.1.0-1-amd64": "1.0" });
const young = statusOf({
  ...{ dpkg: "1.0", tool: "1.1", "linux-image-6.1.0-1-amd64": "1.0" },
  [`linux-image-${KERNEL}`]: "1.0",
});

const aptGet = `#!/bin/sh
echo "apt-get $*" >>/var/log/dpkg.log
last=
for word; do last=$word; done
case "$last" in
update)
  mkdir -p /var/lib/apt/lists
  echo "Date: Thu, 01 Oct 2026 00:00:00 UTC" >/var/lib/apt/lists/mirror_InRelease ;;
full-upgrade)
  case "$*" in *--force-confold*) ;; *) exit 100 ;; esac
  [ "$DEBIAN_FRONTEND" = noninteractive ] || exit 100
  if [ -e /broken ]; then echo "E: Sub-process /usr/bin/dpkg returned an error code (1)" >&2; exit 100; fi
  cmp -s /young /var/lib/dpkg/status && exit
  cp /young /var/lib/dpkg/status
  echo 1.1 >/usr/bin/tool
  echo kernel >/boot/vmlinuz-${KERNEL} ;;
clean) rm -f /var/cache/apt/archives/*.deb ;;
esac`;

/** `young`: what dpkg's status is after an upgrade. */
function treeOf(files: Readonly<Record<string, string>> = {}): string {
  const tree = tinyTree({
    "var/lib/dpkg/status": old,
    young,
    "usr/bin/tool": "1.0\n",
    "usr/bin/apt-get": aptGet,
    "usr/bin/dpkg": '#!/bin/sh\necho "dpkg $*"\n',
    "usr/sbin/update-initramfs": `#!/bin/sh\necho "$* $SOURCE_DATE_EPOCH" >/boot/initrd.img-$3\n`,
    "boot/vmlinuz-6.1.0-1-amd64": "kernel\n",
    "boot/initrd.img-6.1.0-1-amd64": "initrd\n",
    "var/log/wtmp": "",
    "var/lib/apt/lists/partial/none": "",
    ...files,
  });
  for (const program of ["usr/bin/apt-get", "usr/bin/dpkg", "usr/sbin/update-initramfs"]) {
    chmodSync(join(tree, program), 0o755);
  }
  return tree;
}

function withLog(...args: readonly string[]): readonly string[] {
  return [...args, "--log", join(directoryOf({}), "log")];
}

describe.skipIf(lacking)(title("sidus update of an image", lacking), { timeout: 120_000 }, () => {
  test("makes a version with the new packages, an initrd of the newest kernel, and nothing else", async () => {
    const store = new ImageStore(join(directoryOf({}), "images"));
    const tree = treeOf();
    const first = await seal(store, tree);
    const args = withLog("update", "room", "--images", store.directory);
    const { code, stdout, stderr } = await sidus(...args);
    expect(stderr).not.toContain("sidus: ");
    expect(code).toBe(0);
    expect(stdout).toContain(`  + linux-image-${KERNEL} 1.0\n  ~ tool 1.0 → 1.1\n`);
    const digest = currentNow(store.directoryOf("room")) ?? "";
    const [updated] = await store.versions("room", 0);
    expect(updated).toMatchObject({ digest, made: "update", parent: first.digest });
    const made = await unpacked(store, digest);
    const initrd = readFileSync(join(made, `boot/initrd.img-${KERNEL}`), "utf8");
    // The archive's date.
    expect(initrd).toBe(`-c -k ${KERNEL} 1790812800\n`);
    expect(allDifferencesOf(tree, made).filter((line) => !line.includes("..t......"))).toEqual([
      `>f+++++++++ boot/initrd.img-${KERNEL}`,
      `>f+++++++++ boot/vmlinuz-${KERNEL}`,
      expect.stringMatching(/^>f..t.*|>fcst.* usr\/bin\/tool$/),
      expect.stringMatching(/^>fcst.* var\/lib\/dpkg\/status$/),
    ]);
    const again = await sidus(...args, "--json");
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ name: "room", packages: [] });
    expect(currentNow(store.directoryOf("room"))).toBe(digest);
    expect((await sidus(...args)).stdout).toBe("room: nothing to update\n");
  });

  test("that fails says why, and leaves the image as it is", async () => {
    const store = new ImageStore(join(directoryOf({}), "images"));
    const first = await seal(store, treeOf({ broken: "" }));
    const args = withLog("update", "room", "--images", store.directory);
    const { code, stderr } = await sidus(...args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/E: Sub-process \/usr\/bin\/dpkg returned .*; all of it is in .*log/);
    expect(currentNow(store.directoryOf("room"))).toBe(first.digest);
    expect(readdirSync(store.directory)).toEqual(["room"]);
  });

  test("keeps older kernels, unless it is told to prune", async () => {
    const tree = treeOf({
      [`boot/vmlinuz-${KERNEL}`]: "kernel\n",
      "var/lib/dpkg/status": young,
    });
    const store = new ImageStore(join(directoryOf({}), "images"));
    await seal(store, tree);
    const log = join(directoryOf({}), "log");
    const args = ["update", "room", "--images", store.directory, "--log", log];
    expect((await sidus(...args)).code).toBe(0);
    expect(readFileSync(log, "utf8")).not.toContain("purge");
    writeFileSync(join(tree, "usr/bin/apt-get"), `${aptGet}\necho "asked $*"\n`);
    await seal(store, tree);
    expect((await sidus(...args, "--prune")).code).toBe(0);
    expect(readFileSync(log, "utf8")).toMatch(/asked .*purge linux-image-6\.1\.0-1-amd64\n/);
  });
});

describe.skipIf(lacking)(
  title("sidus update of a directory", lacking),
  { timeout: 120_000 },
  () => {
    test("changes it where it is, and keeps a snapshot where that is asked for", async () => {
      const trees = directoryOf({});
      const tree = join(trees, "room");
      renameSync(treeOf(), tree);
      const images = ["--images", join(directoryOf({}), "none")];
      const args = withLog("update", "room", "--trees", trees, ...images);
      const { code, stdout, stderr } = await sidus(...args, "--snapshot");
      expect(stderr).not.toContain("sidus: ");
      expect(code).toBe(0);
      expect(stdout).toContain(`${tree}: is up to date now\n  + linux-image-${KERNEL} 1.0\n`);
      expect(readFileSync(join(tree, "usr/bin/tool"), "utf8")).toBe("1.1\n");
      expect(existsSync(join(tree, "var/lib/apt/lists/mirror_InRelease"))).toBe(false);
      const [snapshot = ""] = readdirSync(trees).filter((name) => name.startsWith("room@"));
      expect(readFileSync(join(trees, snapshot, "usr/bin/tool"), "utf8")).toBe("1.0\n");
      const again = await sidus(...args);
      expect(again).toMatchObject({ code: 0, stdout: "room: nothing to update\n" });
    });

    test("goes on where another was interrupted: with what is not configured, and the initrd", async () => {
      const trees = directoryOf({});
      const tree = join(trees, "room");
      const half = { [`boot/vmlinuz-${KERNEL}`]: "kernel\n", "var/lib/dpkg/status": young };
      renameSync(treeOf(half), tree);
      const log = join(directoryOf({}), "log");
      const images = ["--images", join(directoryOf({}), "none")];
      const { code } = await sidus("update", "room", "--trees", trees, ...images, "--log", log);
      expect(code).toBe(0);
      expect(readFileSync(log, "utf8")).toContain(
        "dpkg --force-confdef --force-confold --configure",
      );
      expect(existsSync(join(tree, `boot/initrd.img-${KERNEL}`))).toBe(true);
    });

    test("that is not there names both places", async () => {
      const trees = directoryOf({});
      const images = join(directoryOf({}), "images");
      const { code, stderr } = await sidus("update", "room", "--trees", trees, "--images", images);
      expect(code).toBe(2);
      expect(stderr).toContain(`${join(trees, "room")}: no such directory`);
      expect(stderr).toContain(`${images} has no image room`);
    });
  },
);
