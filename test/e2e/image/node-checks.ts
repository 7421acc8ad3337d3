/** What a node that runs a tree of recipe.yaml answers to questions on its console, as root. */
export interface NodeCheck {
  /** Of the recipe. */
  readonly item: string;
  /** One line for sh. */
  readonly asked: string;
  /** What it prints, without the last line's end. */
  readonly answer: string;
}

const weekday = "date -u -d @0 +%A";

export const nodeChecks: readonly NodeCheck[] = [
  {
    item: "locale",
    asked:
      ". /etc/default/locale; LC_ALL=$LANG locale charmap; systemctl show-environment | grep ^LANG=",
    answer: "UTF-8\nLANG=fr_FR.UTF-8",
  },
  {
    item: "locale: dates of all",
    asked: `LC_ALL=fr_FR.UTF-8 ${weekday}; LC_ALL=de_DE.UTF-8 ${weekday}`,
    answer: "jeudi\nDonnerstag",
  },
  {
    item: "locale: translations are there",
    asked: "LC_ALL=fr_FR.UTF-8 ls /nowhere 2>&1 | grep -c Aucun",
    answer: "1",
  },
  {
    item: "timezone",
    asked: "readlink /etc/localtime; cat /etc/timezone; date -d @0 +%Z%z",
    answer: "/usr/share/zoneinfo/Europe/Paris\nEurope/Paris\nCET+0100",
  },
  {
    item: "keyboard",
    asked: ". /etc/default/keyboard; echo $XKBLAYOUT $XKBMODEL; systemctl is-active keyboard-setup",
    answer: "fr pc105\nactive",
  },
  {
    item: "keyboard: the console has A where others have Q",
    asked: "dumpkeys -C /dev/tty1 | sed -n 's/^keycode  16 = +\\{0,1\\}\\([a-z]\\) .*/\\1/p'",
    answer: "a",
  },
  {
    item: "root: password",
    asked: `perl -e '$h = (getpwuid 0)[1]; print crypt("sesame", $h) eq $h ? "fits" : "does not"'`,
    answer: "fits",
  },
  {
    item: "users",
    asked: "getent passwd ann; id -Gn ann; stat -c '%U %G' /var/lib/ann",
    answer: "ann:x:1234:1234:Ann O'Hara:/var/lib/ann:/bin/bash\nann audio video\nann ann",
  },
  {
    item: "users: password",
    asked: `perl -e '$h = (getpwnam "ann")[1]; print crypt("correct horse", $h) eq $h ? "fits" : "does not"'`,
    answer: "fits",
  },
  {
    item: "users: keys",
    asked:
      "stat -c '%a %U' /var/lib/ann/.ssh /var/lib/ann/.ssh/authorized_keys; ssh-keygen -lf /var/lib/ann/.ssh/authorized_keys | cut -d' ' -f1,3,4; ls -d /root/.sidus 2>&1 | grep -c 'cannot access\\|impossible'",
    answer: "700 ann\n600 ann\n256 ann@example.org (ED25519)\n1",
  },
  {
    item: "users: sshd, with host keys that the node made",
    asked: "systemctl start ssh; systemctl is-active ssh; ls /etc/ssh/ssh_host_ed25519_key",
    answer: "active\n/etc/ssh/ssh_host_ed25519_key",
  },
  {
    item: "resolver",
    asked: "cat /etc/resolv.conf",
    answer: "search lab.example.org\nnameserver 192.0.2.53",
  },
  { item: "limits", asked: "su - ann -c 'ulimit -Hn' | tail -n1", answer: "65536" },
  {
    item: "interfaces: loopback only",
    asked: "sed /^#/d /etc/network/interfaces; ip -4 -o address show dev lo | cut -d' ' -f7",
    answer: "auto lo\niface lo inet loopback\n127.0.0.1/8",
  },
  {
    item: "hostname: erased in the tree, DHCP's on the node",
    asked:
      '[ ! -e /etc/hostname ] || [ "$(cat /etc/hostname)" = "$(cat /proc/sys/kernel/hostname)" ] && echo right',
    answer: "right",
  },
  {
    item: "ldap: NSS",
    asked:
      "grep -E '^(passwd|group|shadow):' /etc/nsswitch.conf | tr -s ' '; getent passwd root | cut -d: -f1",
    answer: "passwd: files systemd ldap\ngroup: files systemd ldap\nshadow: files ldap\nroot",
  },
  {
    item: "ldap: PAM",
    asked:
      "cat /etc/pam.d/common-auth /etc/pam.d/common-session | grep -Eo 'pam_(ldap|mkhomedir)' | sort -u",
    answer: "pam_ldap",
  },
  {
    item: "ldap: service",
    asked:
      "systemctl is-active nslcd nscd; grep -E '^(uri|base)' /etc/nslcd.conf; stat -c %a /etc/nslcd.conf",
    answer: "active\nactive\nuri ldap://127.0.0.1\nbase dc=example,dc=org\n640",
  },
  {
    item: "homes: NFSv4, when somebody wants in",
    asked:
      "findmnt --fstab -no SOURCE,FSTYPE /home | tr -s ' '; systemctl is-active home.automount remote-fs.target",
    answer: "192.0.2.1:/srv/home nfs\nactive\nactive",
  },
  {
    item: "homes: NFSv3",
    asked:
      "findmnt --fstab -no SOURCE,OPTIONS /scratch | tr -s ' '; systemctl is-active scratch.mount; [ -d /scratch ] && echo there",
    answer: "192.0.2.1:/srv/scratch nfsvers=3,_netdev,noauto,noatime\ninactive\nthere",
  },
  { item: "idmap-domain", asked: "nfsidmap -d", answer: "example.org" },
  {
    item: "display-manager: after the cache of names",
    asked:
      "systemctl show -p After xdm.service | tr ' =' '\\n\\n' | grep -x nscd.service; cat /etc/X11/default-display-manager; basename $(readlink /etc/systemd/system/display-manager.service)",
    answer: "nscd.service\n/usr/bin/xdm\nxdm.service",
  },
  {
    item: "infiniband: modules",
    asked:
      "systemctl is-active systemd-modules-load; lsmod | cut -d' ' -f1 | grep -Ex 'ib_(ipoib|umad|srp)' | sort",
    answer: "active\nib_ipoib\nib_srp\nib_umad",
  },
  {
    item: "infiniband: an address that ends as the Ethernet card's",
    asked: [
      "ip link add ipoib type dummy",
      "/usr/lib/sidus/infiniband ipoib 10.14.0.0/16",
      "a=$(ip -4 -o address show dev ipoib | sed 's/.*inet 10\\.14\\.\\([^ ]*\\).*/\\1/')",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
      'ip -4 -o address show scope global | grep -v ipoib | grep -c "\\.${a%/16}/"',
      "ip link delete ipoib",
    ].join("; "),
    answer: "1",
  },
  {
    item: "files",
    asked: "cat /etc/motd; echo; hello",
    answer: "Welcome to the room.\nhello root",
  },
  { item: "run", asked: "cat /etc/nscd-was", answer: "installed" },
  {
    item: "services",
    asked: "systemctl is-enabled serial-getty@ttyS0 remote-cryptsetup.target systemd-rfkill",
    answer: "enabled\ndisabled\nmasked",
  },
];
