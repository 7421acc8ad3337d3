import { describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";
import { inInitrd } from "./initrd.ts";

/** dracut's side of the root: what it calls is klibc's and ours, so stubs of klibc's say with what. */

const lacking = lackingOf("root", "unshare", "findmnt", "ip");

const files = {
  // Of dracut's library, as much as is called.
  "usr/lib/dracut-lib.sh": `getarg() {
  for word in $(cat /proc/cmdline); do
    case "$word" in "$1"*) echo "\${word#"$1"}"; return 0 ;; esac
  done
  return 1
}
die() { echo "DIE $*" >/dev/console; exit 1; }\n`,
  "sbin/ipconfig": `#!/bin/sh
echo "ipconfig $*"
[ "$2" != 2 ] || exit 1
echo "DEVICE=eth1 IPV4ADDR=10.13.20.11 HOSTNAME=node1" >/run/net-eth1.conf\n`,
  "sbin/nfsmount": `#!/bin/sh
echo "nfsmount $*"
[ -e /asked ] && exit 0
touch /asked
exit 1\n`,
  "stub/sleep": "#!/bin/sh\necho sleep $1\n",
};
const cards = ["01", "02"]
  .map((last, at) => {
    const name = `eth${at}`;
    return `
ip link add ${name} address 52:54:00:13:20:${last} type veth peer name far-${name}
ip link set far-${name} up`;
  })
  .join("");
const boot = `cp /sidus/usr/lib/sidus/initrd/* /scripts/
PATH=/stub:$PATH NEWROOT=/newroot sh /sidus/usr/lib/dracut/modules.d/99sidus/nfs-root; echo "status $?"`;

function rootBy(words: string, run = boot) {
  return inInitrd(directoryOf({ "etc/hosts": "" }), {
    commandLine: `root=/dev/nfs nfsroot=10.13.20.1:/srv/room,tcp,rsize=131072 ${words}`,
    files,
    before: cards,
    run,
  });
}

describe.skipIf(lacking !== undefined)(title("a root by dracut", lacking), () => {
  test("the card of BOOTIF asks again until it is answered; the root is asked for again, then united", () => {
    const { stdout, console } = rootBy("ip=dhcp ro aufs=tmpfs BOOTIF=01-52-54-00-13-20-02");
    expect(stdout.split("\n")).toEqual([
      "ipconfig -t 2 -c dhcp -d eth1",
      "ipconfig -t 3 -c dhcp -d eth1",
      "nfsmount -o nolock,ro,tcp,rsize=131072 10.13.20.1:/srv/room /newroot",
      "sleep 1",
      "nfsmount -o nolock,ro,tcp,rsize=131072 10.13.20.1:/srv/room /newroot",
      ...["status 0", ""],
    ]);
    expect(console).toBe("rootaufs: root is overlay of /ro and /rw, layer tmpfs, host node1\n");
  });

  test("without BOOTIF all cards ask; an address on the command line is taken", () => {
    expect(rootBy("aufs=tmpfs").stdout).toMatch(/^ipconfig -t 2 -c dhcp -d \n/);
    const fixed = "10.13.20.11:::255.255.255.0::eth1:off";
    expect(rootBy(`aufs=tmpfs ip=${fixed}`).stdout).toMatch(`ipconfig -t 3 -d ${fixed}\n`);
  });

  test("dracut is told of a root where nfsroot= names one, and not otherwise", () => {
    const ask = `. /usr/lib/dracut-lib.sh; root= rootok=
      . /sidus/usr/lib/dracut/modules.d/99sidus/cmdline.sh; echo "$root $rootok"`;
    expect(rootBy("", ask).stdout).toBe("nfs 1\n");
    expect(
      rootBy("", `echo root=/dev/sda1 >/cmdline; mount --bind /cmdline /proc/cmdline; ${ask}`)
        .stdout,
    ).toBe(" \n");
  });
});
