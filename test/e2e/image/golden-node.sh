#!/bin/sh
# What the golden client of capture.test.ts does at each boot, and so does a node that boots what was captured of it.
say() { echo "GOLDEN: $*" >/dev/console; }

say "name $(cat /proc/sys/kernel/hostname)"
say "tree $(sed -n 's/^name: //p' /etc/sidus/tree)"
say "kept $(cat /srv/kept)"
say "keys $(find /ro/etc/ssh -name 'ssh_host_*' | wc -l)"
say "disks $(grep -c '^[^#]' /etc/fstab)"
say "interfaces $(grep -c '^iface' /etc/network/interfaces)"
say "log $(find /ro/var/log -type f -size +0 | wc -l)"
say "done"
