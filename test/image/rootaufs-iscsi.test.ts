import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";
import { type InitrdResult, inInitrd } from "./initrd.ts";

/** aufs=iscsi with a loop device for the session's disk and a program that only says how iscsistart was called. */

const lacking = lackingOf("root", "unshare", "blkid", "mkfs.ext4", "losetup", "iscsiadm");

const target = "iqn.2013-04.zone.sidus.target:10.13.20.11";
const initiator = "iqn.2013-04.zone.sidus.initiator:10.13.20.11";
const words = `ISCSI_TARGET_IP=10.13.20.1 ISCSI_INITIATOR=${initiator} ISCSI_TARGET_NAME=${target}`;
const chap =
  "ISCSI_USERNAME=node ISCSI_PASSWORD=0123456789ab ISCSI_IN_USERNAME=server ISCSI_IN_PASSWORD=ba9876543210";

interface Boot {
  readonly commandLine?: string;
  /** What is on the disk before, by shell commands; `$disk` is its file. Its size is 128 MiB. */
  readonly prepare?: string;
  readonly run?: string;
  readonly lower?: string;
}

/** A room of one disk, which stays from boot to boot. */
function diskOf(): (boot: Boot) => InitrdResult {
  const work = directoryOf({});
  return ({ commandLine = `aufs=iscsi ${words}`, prepare = "", run = "", lower = tree() }) =>
    inInitrd(lower, {
      commandLine,
      files: { "sbin/iscsistart": '#!/bin/sh\necho "iscsistart $*" >>/tmp/called\n' },
      before: `
        disk=${work}/disk
        [ -e $disk ] || { truncate -s 128M $disk; ${prepare || ":"}; }
        loop=$(losetup --find --show $disk)
        trap 'losetup --detach "$loop"' EXIT
        session=$ROOT/session/session1
        mkdir -p "$session/device/target2:0:0/2:0:0:0/block/\${loop#/dev/}"
        echo ${target} >"$session/targetname"
        rm -f "$ROOT/tmp/called"`,
      run: `sed -i 's/^device_wait=.*/device_wait=0/; s,^sessions=.*,sessions=/session,' $I/rootaufs
        sh $I/rootaufs || exit
        ${run}`,
    });
}

function tree(): string {
  return directoryOf({
    "etc/hosts": "127.0.0.1\tlocalhost\n",
    "etc/resolv.conf": "",
    "etc/iscsi/initiatorname.iscsi": "GenerateName=yes\n",
  });
}

const layer = "findmnt -rno FSTYPE /newroot/rw";
/** Of what is on the disk: after the mount has let go of it. */
const label = "blkid -p -o value -s LABEL /dev/$(ls /session/session1/device/*/*/block)";

describe.skipIf(lacking !== undefined)(title("aufs=iscsi", lacking), () => {
  test("a blank volume becomes a file system at the first boot, and what is written is there at the second", () => {
    const boot = diskOf();
    const first = boot({ run: `${layer}; ${label}; echo kept >/newroot/etc/mine` });
    expect(first.console).toContain(`rootaufs: ${target} is blank: it becomes a file system\n`);
    expect(first.stdout, first.console).toBe("ext4\nISCSI\n");
    expect(first.console).toContain("root is overlay of /ro and /rw, layer iscsi");
    const second = boot({ run: `${layer}; cat /newroot/etc/mine /session/*/recovery_tmo` });
    expect(second.stdout, second.console).toBe("ext4\nkept\noff\n");
    expect(second.console).not.toContain("is blank");
    expect(second.console).toMatch(/^rootaufs: ISCSI: (recovering journal|clean)/);
  });

  test("root=LABEL=ISCSI means the same, as SIDUS has it; aufs= says otherwise", () => {
    const boot = diskOf();
    const paper = boot({ commandLine: `root=LABEL=ISCSI ro ${words}`, run: layer });
    expect(paper.stdout, paper.console).toBe("ext4\n");
    const other = boot({ commandLine: `root=LABEL=ISCSI aufs=tmpfs ${words}`, run: layer });
    expect(other.stdout, other.console).toBe("tmpfs\n");
  });

  test("iscsistart gets names, portal and secrets of the command line, and a bound for its trials", () => {
    const called = "cat /tmp/called";
    const bounds =
      "-P node.session.initial_login_retry_max=2 -P node.conn[0].timeo.login_timeout=15 -P node.session.timeo.replacement_timeout=30";
    const boot = diskOf();
    expect(boot({ run: called }).stdout).toBe(
      `iscsistart -i ${initiator} -t ${target} -g 1 -a 10.13.20.1 -p 3260 ${bounds}\n`,
    );
    const commandLine = `aufs=iscsi ${words} ISCSI_TARGET_PORT=3261 ${chap}`;
    expect(boot({ commandLine, run: called }).stdout).toBe(
      `iscsistart -i ${initiator} -t ${target} -g 1 -a 10.13.20.1 -p 3261 -u node -w 0123456789ab -U server -W ba9876543210 ${bounds}\n`,
    );
    const sidus = `aufs=iscsi ISCSI_TARGET_IP=10.13.20.1 ISCSI_INITIATOR=${target}`;
    expect(boot({ commandLine: sidus, run: called }).stdout).toContain(
      `-i ${target} -t ${target} -g 1`,
    );
  });

  test.each([
    ["a file system of another label", 'mkfs.ext4 -q -L DATA "$disk"'],
    ["a file system of another kind", 'mkswap -L DATA "$disk" >/dev/null'],
    // Its mark is at the end of the disk: 0xde11de11 in the last block.
    [
      "a member of a RAID",
      "printf '\\336\\021\\336\\021' | dd of=\"$disk\" bs=1 seek=134217216 conv=notrunc 2>/dev/null",
    ],
    [
      "bytes that nobody knows",
      'printf x | dd of="$disk" bs=1 seek=1048575 conv=notrunc 2>/dev/null',
    ],
  ])("%s is left alone", (_, prepare) => {
    const boot = diskOf();
    const digest = "dd if=/dev/$(ls /session/session1/device/*/*/block) bs=1M 2>/dev/null | md5sum";
    const { stdout, console } = boot({
      prepare: `${prepare}; md5sum <"$disk"`,
      run: `${layer}; ${digest}`,
    });
    const [before, fsType, after] = stdout.split("\n");
    expect(fsType, console).toBe("tmpfs");
    expect(after).toBe(before);
    const volume = target.slice(target.lastIndexOf(":") + 1);
    expect(
      console,
    ).toBe(`rootaufs: ${target} is neither blank nor labelled ISCSI: it is left alone (sidus volume reset ${volume} makes it blank)
rootaufs: what is written goes to memory instead, and is lost when the node goes down
rootaufs: root is overlay of /ro and /rw, layer tmpfs
`);
  });

  test("a volume that was not unmounted gets its journal replayed; one that was damaged is mended where that is safe", () => {
    const mkfs = 'mkfs.ext4 -q -L ISCSI "$disk"';
    const counted = diskOf()({
      prepare: `${mkfs}; debugfs -w -R 'set_super_value free_blocks_count 7' "$disk" 2>/dev/null; debugfs -w -R 'set_super_value state 0' "$disk" 2>/dev/null`,
      run: layer,
    });
    expect(counted.stdout, counted.console).toBe("ext4\n");
    expect(counted.console).toContain("ISCSI was not cleanly unmounted, check forced.");
    const broken = diskOf()({
      prepare: `${mkfs}; debugfs -w -R 'clri <2>' "$disk" 2>/dev/null; debugfs -w -R 'set_super_value state 0' "$disk" 2>/dev/null`,
      run: layer,
    });
    expect(broken.stdout, broken.console).toBe("tmpfs\n");
    expect(broken.console).toMatch(/needs e2fsck by hand \(it ended with 4\)\n/);
  });

  test("no disk of this target: the console says so", () => {
    const { stdout, console } = diskOf()({
      commandLine: `aufs=iscsi ${words}0`,
      run: layer,
    });
    expect(stdout).toBe("tmpfs\n");
    expect(console).toContain(`rootaufs: ${target}0 has no disk\n`);
  });

  test("iscsid finds the session's record, with the secrets, which only root may read", () => {
    const lower = tree();
    const record = `etc/iscsi/nodes/${target}/10.13.20.1,3260,1/default`;
    const { stdout } = diskOf()({
      lower,
      commandLine: `aufs=iscsi ${words} ${chap}`,
      run: `cat /newroot/etc/iscsi/initiatorname.iscsi
        stat --format %a "/newroot/${record}"
        mount --bind /newroot/etc/iscsi /etc/iscsi
        mkdir /run/lock
        iscsiadm --mode node --targetname ${target} --portal 10.13.20.1:3260 --show`,
    });
    const lines = stdout.split("\n");
    expect(lines.slice(0, 2)).toEqual([`InitiatorName=${initiator}`, "600"]);
    for (const line of [
      `node.name = ${target}`,
      "node.startup = onboot",
      "node.session.auth.authmethod = CHAP",
      "node.session.auth.username = node",
      "node.session.auth.password = 0123456789ab",
      "node.session.auth.username_in = server",
      "node.session.auth.password_in = ba9876543210",
      "node.session.timeo.replacement_timeout = -1",
    ]) {
      expect(lines).toContain(line);
    }
    expect(existsSync(join(lower, record))).toBe(false);
  });
});
