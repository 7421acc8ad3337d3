import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";
import { inInitrd } from "./initrd.ts";

const lacking = lackingOf("root", "unshare", "findmnt", "blkid", "mkfs.ext4", "losetup");

const hosts = "127.0.0.1\tlocalhost\n";

function lowerTree(): string {
  return directoryOf({
    "etc/hosts": hosts,
    "etc/resolv.conf": "",
    "etc/iscsi/initiatorname.iscsi": "GenerateName=yes\n",
    "etc/kept": "of the tree\n",
  });
}

const dhcp = {
  "dhcp.conf": [
    "DEVICE='eth0'",
    "IPV4ADDR='10.13.20.11'",
    "IPV4DNS0='10.13.20.2'",
    "IPV4DNS1='0.0.0.0'",
    "HOSTNAME='node1'",
    "DNSDOMAIN='room.example'",
    "DOMAINSEARCH=''",
    "",
  ].join("\n"),
};

const union = "cp /dhcp.conf /run/net-eth0.conf 2>/dev/null; sh $I/rootaufs || exit";
const mounts = "findmnt -rno TARGET,FSTYPE | grep -E '^/newroot(/r[ow])? ' | sort";

describe.skipIf(lacking !== undefined)(title("rootaufs", lacking), () => {
  test("aufs=tmpfs: the root is a union with /ro and /rw below it; what is written stays out of the tree", () => {
    const lower = lowerTree();
    const { stdout, stderr, console } = inInitrd(lower, {
      commandLine: "root=/dev/nfs ro aufs=tmpfs quiet",
      files: dhcp,
      run: `${union}
        ${mounts}
        cat /newroot/etc/kept /newroot/ro/etc/kept
        echo written > /newroot/etc/new && cat /newroot/rw/upper/etc/new
        echo refused > /newroot/ro/etc/new || echo "ro stays ro"
        cat /run/sidus/boot`,
    });
    expect(stdout, stderr).toMatch(/^\/newroot overlay\n\/newroot\/ro \S+\n\/newroot\/rw tmpfs\n/);
    expect(stdout.split("\n").slice(3)).toEqual([
      ...["of the tree", "of the tree", "written", "ro stays ro"],
      ...["layer: tmpfs", "union: overlay", ""],
    ]);
    expect(console).toBe("rootaufs: root is overlay of /ro and /rw, layer tmpfs, host node1\n");
    expect(existsSync(join(lower, "etc/new"))).toBe(false);
    expect(readFileSync(join(lower, "etc/hosts"), "utf8")).toBe(hosts);
  });

  test("names come from DHCP, once, however often the layer is used again", () => {
    const names = "(cd /newroot/etc; cat hostname hosts resolv.conf iscsi/initiatorname.iscsi)";
    const { stdout } = inInitrd(lowerTree(), {
      commandLine: "aufs=tmpfs ISCSI_INITIATOR=iqn.2026-01.example:node1",
      files: dhcp,
      run: `${union}; ${names}`,
    });
    expect(stdout).toBe(`node1
127.0.0.1\tlocalhost
10.13.20.11 node1.room.example node1 # from DHCP
search room.example
nameserver 10.13.20.2

InitiatorName=iqn.2026-01.example:node1
`);
  });

  test("a name that could not be one is left out", () => {
    const { stdout, console } = inInitrd(lowerTree(), {
      commandLine: "aufs=tmpfs",
      files: { "dhcp.conf": dhcp["dhcp.conf"].replace("'node1'", "'no de/1'") },
      run: `${union}; cat /newroot/etc/hosts; ls /newroot/etc/hostname`,
    });
    expect(stdout).toBe(hosts);
    expect(console).toContain("root is overlay");
  });

  test("without aufs= nothing is done", () => {
    const { stdout, console, status } = inInitrd(lowerTree(), {
      commandLine: "root=/dev/nfs ro",
      run: `sh $I/rootaufs || exit; ${mounts}; ls -d /ro /rw /aufs 2>/dev/null`,
    });
    expect(stdout.split("\n").filter((line) => line !== "")).toEqual([
      expect.stringMatching(/^\/newroot /),
    ]);
    expect(console).toBe("");
    expect(status).not.toBe(1);
  });

  test("aufs=LABEL=…: what is written is there again at the next boot", () => {
    const lower = lowerTree();
    const work = directoryOf({});
    const boot = (run: string) =>
      inInitrd(lower, {
        commandLine: "aufs=LABEL=SIDUSTEST",
        files: dhcp,
        before: `
          [ -e ${work}/disk ] || { truncate -s 16M ${work}/disk; mkfs.ext4 -q -L SIDUSTEST ${work}/disk; }
          loop=$(losetup --find --show ${work}/disk)
          trap 'losetup --detach "$loop"' EXIT`,
        run: `${union}\n${run}`,
      });
    const first = boot(`${mounts}; echo kept > /newroot/etc/mine; umount /newroot/rw`);
    expect(first.stdout).toMatch(/^\/newroot overlay\n\/newroot\/ro \S+\n\/newroot\/rw ext4\n$/);
    expect(first.console).toContain("layer LABEL=SIDUSTEST, host node1");
    const second = boot("cat /newroot/etc/mine; cat /newroot/etc/hosts");
    expect(second.stdout).toBe(`kept\n${hosts}10.13.20.11 node1.room.example node1 # from DHCP\n`);
  });

  test("a layer that lasts keeps on which sealed version it was begun, and says when it lies over another", () => {
    const lower = lowerTree();
    const work = directoryOf({});
    const digests = { old: "01".repeat(32), next: "ab".repeat(32) };
    const boot = (words: string, run = "true") =>
      inInitrd(lower, {
        commandLine: `aufs=LABEL=SIDUSBASE ${words}`,
        before: `
          [ -e ${work}/disk ] || { truncate -s 16M ${work}/disk; mkfs.ext4 -q -L SIDUSBASE ${work}/disk; }
          loop=$(losetup --find --show ${work}/disk)
          trap 'losetup --detach "$loop"' EXIT`,
        run: `${union}\ncat /newroot/rw/base /run/sidus/boot; ${run}; umount /newroot/rw`,
      });
    const state = (base: string) => `layer: LABEL=SIDUSBASE\nunion: overlay\nbase: ${base}\n`;
    const old = `room@${digests.old}`;
    const first = boot(`sidus.image=${old}`);
    expect(first.stdout).toBe(`${old}\n${state(old)}`);
    expect(first.console).not.toContain("begun on");
    const second = boot(`sidus.image=room@${digests.next}`);
    expect(second.stdout).toBe(`${old}\n${state(old)}`);
    expect(second.console).toContain(
      "rootaufs: what is written was begun on room@010101010101 and lies over room@abababababab now: what was changed may hide what is new\n",
    );
    const directory = boot("");
    expect(directory.console).toContain(
      "was begun on room@010101010101 and lies over another tree",
    );
    const forgotten = boot(`sidus.image=${old}`, "rm /newroot/rw/base");
    expect(forgotten.console).not.toContain("begun on");
    // Begun by nobody knows what: nothing is claimed.
    expect(boot(`sidus.image=${old}`).stdout).toBe("layer: LABEL=SIDUSBASE\nunion: overlay\n");
  });

  test.each([
    ["aufs=iscsi", "aufs=iscsi needs ISCSI_TARGET_IP= and ISCSI_INITIATOR="],
    [
      "aufs=iscsi ISCSI_TARGET_IP=192.0.2.1 ISCSI_INITIATOR=iqn.2026-01.example:n",
      "no session with iqn.2026-01.example:n at 192.0.2.1:3260",
    ],
    ["aufs=LABEL=NOWHERE", "there is no device LABEL=NOWHERE"],
    ["aufs=elsewhere", "aufs=elsewhere is not a layer"],
  ])("%s: the console says why, and memory takes its place", (commandLine, complaint) => {
    const { stdout, console } = inInitrd(lowerTree(), {
      commandLine,
      files: { "sbin/iscsistart": "#!/bin/sh\nexit 8\n" },
      // Half a minute is for disks; here none comes.
      run: `sed -i s/^device_wait=.*/device_wait=0/ $I/rootaufs\n${union}\n${mounts}`,
    });
    expect(stdout).toMatch(/^\/newroot overlay\n\/newroot\/ro \S+\n\/newroot\/rw tmpfs\n$/);
    expect(console.split("\n")).toEqual([
      `rootaufs: ${complaint}`,
      "rootaufs: what is written goes to memory instead, and is lost when the node goes down",
      "rootaufs: root is overlay of /ro and /rw, layer tmpfs",
      "",
    ]);
  });

  test("no union at all: the boot stops with the reason", () => {
    const failing = `#!/bin/sh
case "$*" in *"-t overlay"* | *"-t aufs"*) exit 32 ;; esac
exec /bin/mount "$@"\n`;
    const { status, console } = inInitrd(lowerTree(), {
      commandLine: "aufs=tmpfs",
      files: { "stub/mount": failing },
      run: `PATH=/stub:$PATH\n${union}`,
    });
    expect(console).toContain("PANIC rootaufs: neither aufs nor overlayfs unites /ro and /rw");
    expect(status).toBe(1);
  });

  test("nothing of all this is left on this machine", () => {
    const table = readFileSync("/proc/self/mountinfo", "utf8");
    expect(table).not.toContain("/newroot");
    expect(readdirSync("/")).not.toContain("newroot");
  });
});
