import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type CommitOptions, commitVolume } from "../../../src/image/change/commit.ts";
import { currentNow } from "../../../src/image/store/current.ts";
import type { Manifest } from "../../../src/image/store/manifest.ts";
import { ImageStore } from "../../../src/image/store/store.ts";
import { systemClock } from "../../../src/net/clock.ts";
import { UserError } from "../../../src/user-error.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { isMounted } from "../remains.ts";
import { allDifferencesOf, manifestIn, seal, unpacked } from "./changing.ts";

/** The kernel's own overlayfs writes what is committed, on an ext4 as a node makes it. */

const lacking = lackingOf("mkfs.erofs", "mke2fs", "setfattr", "rsync", "root");

const base = join(directoryOf({}), "base");

function write(path: string, text: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
}

/** Times are whole seconds, long ago. */
function writeBase(): void {
  for (const name of ["kept", "changed", "removed", "renamed", "chmodded", "attributed"]) {
    write(join(base, "data", name), `${name} of the base\n`);
  }
  for (const name of ["gone/a", "gone/deeper/b", "again/old", "again/deeper/old", "moved/file"]) {
    write(join(base, "data", name), `${name} of the base\n`);
  }
  write(join(base, "data/becomes-file/inner"), "inner\n");
  write(join(base, "data/becomes-directory"), "file\n");
  write(join(base, "data/linked"), "one of two\n");
  execFileSync("ln", [join(base, "data/linked"), join(base, "data/linked-too")]);
  execFileSync("ln", ["-s", "kept", join(base, "data/link")]);
  execFileSync("mknod", [join(base, "data/fifo"), "p"]);
  write(join(base, "etc/hosts"), "127.0.0.1 localhost\n");
  write(join(base, "etc/resolv.conf"), "");
  write(join(base, "etc/machine-id"), "");
  write(join(base, "etc/iscsi/initiatorname.iscsi"), "GenerateName=yes\n");
  write(join(base, "var/log/wtmp"), "");
  for (const path of ["run", "etc/ssh", "var/lib/systemd"]) {
    mkdirSync(join(base, path), { recursive: true });
  }
  execFileSync("find", [base, "-exec", "touch", "-h", "-d", "@1600000000", "{}", "+"]);
}

/** Work on a node, whose root is the union. */
const work = `
cd data
echo changed >changed
rm removed
mv renamed new-name
chmod 4711 chmodded
chown 1000:1000 chmodded
setfattr -n user.note -v noted attributed
setfattr -n trusted.note -v noted attributed
rm -r gone
rm -r again && mkdir again && echo new >again/new
mv moved/file moved/elsewhere
rm -r becomes-file && echo file >becomes-file
rm becomes-directory && mkdir becomes-directory && echo in >becomes-directory/in
ln kept kept-too
echo more >>linked
ln -sfn changed link
mknod null c 1 3
mkdir -m 1777 sticky
touch -d @1500000000.123456789 timed
printf '\\377name' >"$(printf 'caf\\351')"
`;

/** What booting alone writes. */
const boot = `
echo n1 >etc/hostname
echo "10.0.0.11 n1 # from DHCP" >>etc/hosts
echo "nameserver 10.0.0.1" >etc/resolv.conf
echo 0123456789abcdef0123456789abcdef >etc/machine-id
echo InitiatorName=iqn.2026-01.org.example:n1 >etc/iscsi/initiatorname.iscsi
mkdir -p etc/iscsi/nodes/target/10.0.0.1,3260,1 etc/ssh var/lib/systemd/timers
echo secret >etc/iscsi/nodes/target/10.0.0.1,3260,1/default
echo key >etc/ssh/ssh_host_ed25519_key
echo boot >>var/log/wtmp
echo log >var/log/syslog
touch var/lib/systemd/timers/stamp-e2scrub_all.timer
touch run/lock
`;

const store = new ImageStore(join(directoryOf({}), "images"));
const volumes = directoryOf({});
let first: Manifest;

/** Runs a script in the union of the base and a volume, as a node does that boots; answers what the union then was. */
function onNode(volume: string, script: string, options = "redirect_dir=off"): string {
  const place = directoryOf({});
  const seen = join(place, "seen");
  const mounted = `
set -e
cd ${place}
mkdir rw union seen
mount -o loop,noatime ${volume} rw
mkdir -p rw/upper rw/work
mount -t overlay -o ${options},lowerdir=${base},upperdir=rw/upper,workdir=rw/work overlay union
(cd union; set -e; ${script})
cp -R --no-dereference --preserve=all --no-target-directory union seen`;
  execFileSync("unshare", ["--mount", "bash", "-c", mounted], { stdio: "pipe" });
  return seen;
}

function newVolume(name: string, begunOn: string | undefined): string {
  const file = join(volumes, `${name}.img`);
  rmSync(file, { force: true });
  const content = directoryOf(begunOn === undefined ? {} : { base: `${begunOn}\n` });
  execFileSync("mke2fs", ["-q", "-t", "ext4", "-L", "ISCSI", "-d", content, file, "16M"]);
  return file;
}

function optionsFor(file: string, more: Partial<CommitOptions> = {}): CommitOptions {
  return {
    ...{ store, name: "room", version: "1.2.3", made: "commit of n1" },
    volume: { name: "n1-admin", copy: async (to) => copyFileSync(file, to) },
    base: undefined,
    isForced: false,
    logFile: join(volumes, "log"),
    deps: { clock: systemClock, progress() {} },
    ...more,
  };
}

beforeAll(async () => {
  if (lacking !== undefined) return;
  writeBase();
  first = await seal(store, base);
});

beforeEach(() => {
  if (lacking === undefined) store.use("room", first.digest);
});

describe.skipIf(lacking)(title("a volume that a node wrote to is committed", lacking), () => {
  test("the next version is what the node saw, but for what belongs to the node", async () => {
    const volume = newVolume("n1", `room@${first.digest}`);
    const seen = onNode(volume, `${work}\ncd ..`);
    const again = newVolume("n1", `room@${first.digest}`);
    onNode(again, `${work}\ncd ..\n${boot}`);
    const held = readFileSync(again);
    const made = await commitVolume(optionsFor(again));
    if (made === undefined) throw new Error("nothing was committed");
    expect(made).toMatchObject({
      made: "commit of n1",
      parent: first.digest,
      recipe: first.recipe,
    });
    expect(manifestIn(store, made.digest)).toEqual(JSON.parse(JSON.stringify(made)));
    const tree = await unpacked(store, made.digest);
    const changed = allDifferencesOf(tree, seen).filter(
      (line) => !/^.[fdLDS]\.\.t\.{6} /.test(line),
    );
    expect(changed).toEqual([]);
    expect(readFileSync(join(tree, "data/again/new"), "utf8")).toBe("new\n");
    expect(readdirSync(join(tree, "data/again"))).toEqual(["new"]);
    expect(readFileSync(again).equals(held)).toBe(true);
    expect(currentNow(store.directoryOf("room"))).toBe(made.digest);
  });

  test("by a kernel that only notes where a directory went, and whose data stayed below", async () => {
    const volume = newVolume("n2", `room@${first.digest}`);
    const moved = "mv data/again data/went; chmod 600 data/kept; chown 7:8 data/attributed";
    const seen = onNode(volume, moved, "redirect_dir=on,metacopy=on");
    const made = await commitVolume(optionsFor(volume));
    const tree = await unpacked(store, made?.digest ?? "");
    expect(allDifferencesOf(tree, seen).filter((line) => !/^\.d\.\.t\.{6} /.test(line))).toEqual(
      [],
    );
    expect(readFileSync(join(tree, "data/went/deeper/old"), "utf8")).toContain("of the base");
    expect(readFileSync(join(tree, "data/kept"), "utf8")).toContain("of the base");
  });

  test("a boot alone changes nothing", async () => {
    const volume = newVolume("n2", `room@${first.digest}`);
    onNode(volume, boot);
    expect(await commitVolume(optionsFor(volume))).toBeUndefined();
    expect(currentNow(store.directoryOf("room"))).toBe(first.digest);
  });
});

describe.skipIf(lacking)(title("a volume is not committed", lacking), () => {
  const refusal = async (volume: string, more: Partial<CommitOptions> = {}): Promise<string> => {
    const names = readdirSync(store.directoryOf("room")).sort();
    const error = await commitVolume(optionsFor(volume, more)).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UserError);
    expect(readdirSync(store.directoryOf("room")).sort()).toEqual(names);
    expect(readdirSync(store.directory).filter((name) => name.startsWith("."))).toEqual([]);
    expect(isMounted(store.directory)).toBe(false);
    return String(error);
  };

  test("that is blank", async () => {
    const file = join(volumes, "blank.img");
    writeFileSync(file, Buffer.alloc(1 << 20));
    expect(await refusal(file)).toContain("n1-admin has no ext4 file system");
  });

  test("to which no node has written", async () => {
    const message = await refusal(newVolume("fresh", `room@${first.digest}`));
    expect(message).toContain("there is no layer on it");
  });

  test("that does not say on what it was begun, unless somebody does", async () => {
    const volume = newVolume("n3", undefined);
    onNode(volume, "echo new >data/new");
    expect(await refusal(volume)).toContain("--base VERSION says it");
    const made = await commitVolume(optionsFor(volume, { base: first.digest }));
    expect(made?.parent).toBe(first.digest);
  });

  test("that was begun on another image, or on a version that was removed", async () => {
    const other = newVolume("n4", `other@${first.digest}`);
    expect(await refusal(other)).toContain("begun on the image other, not on room");
    const gone = newVolume("n5", `room@${"0".repeat(64)}`);
    expect(await refusal(gone)).toContain("000000000000 of room");
  });

  test("that was begun on an older version, unless that is asked for", async () => {
    const volume = newVolume("n6", `room@${first.digest}`);
    onNode(volume, "echo new >data/newer");
    const later = directoryOf({ "etc/later": "later\n" });
    const current = await seal(store, later);
    expect(await refusal(volume)).toContain(
      `the current version is ${current.digest.slice(0, 12)}`,
    );
    const made = await commitVolume(optionsFor(volume, { isForced: true }));
    if (made === undefined) throw new Error("nothing was committed");
    expect(existsSync(join(await unpacked(store, made.digest), "etc/later"))).toBe(false);
  });

  test("that aufs wrote", async () => {
    const volume = newVolume("n7", `room@${first.digest}`);
    onNode(volume, "touch ../rw/upper/.wh..wh.aufs");
    expect(await refusal(volume)).toContain("written by aufs");
  });

  test("whose file system is damaged beyond what is mended by itself", async () => {
    const volume = newVolume("n8", `room@${first.digest}`);
    onNode(volume, "echo new >data/new");
    execFileSync("debugfs", ["-w", "-R", "clri /upper", volume], { stdio: "pipe" });
    execFileSync("debugfs", ["-w", "-R", "ssv state 2", volume], { stdio: "pipe" });
    expect(await refusal(volume)).toContain("the file system of the volume n1-admin is damaged");
  });

  test("when it is interrupted", async () => {
    const volume = newVolume("n9", `room@${first.digest}`);
    onNode(volume, "echo new >data/new");
    for (const step of ["unpacking", "uniting layers", "cleaning", "sealing"]) {
      const controller = new AbortController();
      const deps = {
        clock: systemClock,
        signal: controller.signal,
        progress: (progress: { readonly step: string }) => {
          if (progress.step === step) controller.abort();
        },
      };
      expect(await refusal(volume, { deps })).toContain("interrupted");
    }
  });
});
