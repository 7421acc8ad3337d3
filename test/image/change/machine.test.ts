import { existsSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { untieTree } from "../../../src/image/change/machine.ts";
import { directoryOf } from "../../sidus.ts";

function untied(files: Readonly<Record<string, string>>) {
  const tree = directoryOf(files);
  const notes = untieTree(tree);
  return { tree, notes, read: (path: string) => readFileSync(join(tree, path), "utf8") };
}

test("fstab keeps what a node has, too: the network's file systems and the kernel's", () => {
  const kept = [
    "# /etc/fstab: static file system information",
    "nas:/home /home nfs4 rw,_netdev 0 0",
    "//nas/pub /pub cifs guest 0 0",
    "tmpfs /scratch tmpfs size=1g 0 0",
    "/srv/data /data none bind 0 0",
    "",
  ];
  const disks = [
    "UUID=0a1b / ext4 errors=remount-ro 0 1",
    "UUID=0a1c /boot ext2 defaults 0 2",
    "/dev/mapper/vg-home  /var/home  xfs  defaults  0 2",
    "UUID=0a1d none swap sw 0 0",
    "/swapfile swap swap defaults 0 0",
    "nas:/root / nfs ro 0 0",
  ];
  const { read, notes } = untied({ "etc/fstab": [...disks, ...kept].join("\n") });
  expect(read("etc/fstab")).toBe(
    [...disks.map((line) => `# of the golden client: ${line}`), ...kept].join("\n"),
  );
  expect(notes).toEqual(["/etc/fstab: without its disks: /, /boot, /var/home, swap"]);
});

test("no disk is unlocked, resumed from or logged in to", () => {
  const { tree, read } = untied({
    "etc/crypttab": "# <target> <source>\nhome UUID=1 none luks\n",
    "etc/initramfs-tools/conf.d/resume": "RESUME=UUID=2\n",
    "etc/initramfs-tools/conf.d/local": "COMPRESS=zstd\n",
    "etc/iscsi/nodes/iqn.2026-01.org.example:disk/192.0.2.1,3260,1/default": "node.startup\n",
    "etc/iscsi/iscsid.conf": "node.startup = manual\n",
    "boot/initrd.img-6.1.0-1-amd64": "its own",
    "boot/vmlinuz-6.1.0-1-amd64": "kernel",
  });
  expect(read("etc/crypttab")).toBe(
    "# <target> <source>\n# of the golden client: home UUID=1 none luks\n",
  );
  expect(readdirSync(join(tree, "etc/initramfs-tools/conf.d"))).toEqual(["local"]);
  expect(readdirSync(join(tree, "etc/iscsi"))).toEqual(["iscsid.conf", "nodes"]);
  expect(readdirSync(join(tree, "etc/iscsi/nodes"))).toEqual([]);
  expect(readdirSync(join(tree, "boot"))).toEqual(["vmlinuz-6.1.0-1-amd64"]);
});

test("nothing configures the card that a node has its root by, and what did is named", () => {
  const { tree, read, notes } = untied({
    "etc/network/interfaces": "auto lo\niface lo inet loopback\niface eth0 inet dhcp\n",
    "etc/network/interfaces.d/bond0": "iface bond0 inet static\n",
    "etc/netplan/01-netcfg.yaml": "network:\n",
    "etc/netplan/README": "text",
    "etc/NetworkManager/system-connections/Wired.nmconnection": "[connection]\n",
    "etc/systemd/network/10-lan.network": "[Match]\n",
    "etc/systemd/network/20-vm.netdev": "[NetDev]\n",
    "etc/udev/rules.d/70-persistent-net.rules": 'ATTR{address}=="52:54:00:00:00:01"',
    "etc/udev/rules.d/90-usb.rules": "x",
    "usr/lib/systemd/system/NetworkManager.service": "[Unit]\n",
  });
  expect(read("etc/network/interfaces")).toBe("auto lo\niface lo inet loopback\n");
  expect(readdirSync(join(tree, "etc/network/interfaces.d"))).toEqual([]);
  expect(readdirSync(join(tree, "etc/netplan"))).toEqual(["README"]);
  expect(readdirSync(join(tree, "etc/systemd/network"))).toEqual(["20-vm.netdev"]);
  expect(readdirSync(join(tree, "etc/udev/rules.d"))).toEqual(["90-usb.rules"]);
  expect(read("etc/NetworkManager/conf.d/sidus.conf")).toContain("unmanaged-devices=type:ethernet");
  expect(notes).toEqual([
    "/etc/network/interfaces: the loopback only",
    "/etc/network/interfaces.d: without bond0",
    "/etc/netplan: without 01-netcfg.yaml",
    "/etc/NetworkManager/system-connections: without Wired.nmconnection",
    "/etc/systemd/network: without 10-lan.network",
    "NetworkManager: leaves Ethernet cards as the initrd configured them",
  ]);
});

test.each(["golden", "golden.example.org"])(
  "its own name leaves /etc/hosts, others stay: %s",
  (name) => {
    const { read, notes } = untied({
      "etc/hostname": `${name}\n`,
      "etc/hosts":
        "127.0.0.1 localhost golden\n127.0.1.1 golden.example.org golden\n192.0.2.7 golden\n192.0.2.8 nas\n",
    });
    expect(read("etc/hosts")).toBe("127.0.0.1\tlocalhost\n192.0.2.8 nas\n");
    expect(notes).toEqual([
      "/etc/hosts: without `127.0.1.1 golden.example.org golden`",
      "/etc/hosts: without `192.0.2.7 golden`",
    ]);
  },
);

test("links lead nowhere out of the tree, and a tree without any of it stays as it is", () => {
  const outside = directoryOf({ "netplan/lan.yaml": "network:\n", fstab: "UUID=1 / ext4\n" });
  const tree = directoryOf({ "etc/passwd": "root" });
  symlinkSync(join(outside, "netplan"), join(tree, "etc/netplan"));
  symlinkSync(join(outside, "fstab"), join(tree, "etc/fstab"));
  expect(untieTree(tree)).toEqual([]);
  expect(existsSync(join(outside, "netplan/lan.yaml"))).toBe(true);
  expect(readFileSync(join(outside, "fstab"), "utf8")).toBe("UUID=1 / ext4\n");
  expect(readdirSync(join(tree, "etc")).sort()).toEqual(["fstab", "netplan", "passwd"]);
  expect(statSync(join(tree, "etc")).isDirectory()).toBe(true);
});
