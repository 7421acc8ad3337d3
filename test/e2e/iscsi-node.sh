#!/bin/bash
# What the node of test/e2e/iscsi.test.ts does when it is up: says what it finds of its last boot, keeps a word for the
# next one, and, with `load` on the kernel's command line, writes files, one after another, each on disk before it says so.
say() { echo "NODE: $*" >/dev/console; }

# A shell of the tree's, for whoever owns nothing of it.
say "others read $(setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'cat /etc/debian_version' 2>&1)"
say "found $(cat /var/kept 2>/dev/null || echo nothing)"
cat /proc/sys/kernel/random/boot_id >/var/kept
sync
say "kept $(cat /var/kept)"

[[ " $(</proc/cmdline) " == *" load "* ]] || exit 0
mkdir -p /var/load
for ((i = 1; ; i++)); do
	yes "$i" | dd of="/var/load/$i" bs=64k count=16 iflag=fullblock conv=fsync status=none || say "lost $i"
	say "synced $i"
done
