#!/bin/sh
# The first process of a machine with a Debian kernel and the programs of the one that it runs on, whose files it sees
# and cannot change. Loads modules in the order of their names, runs /script with what is there, and ends.
export PATH=/usr/bin:/usr/sbin
mkdir -p /proc /dev /host
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod "$module"; done
mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=512000 host /host
mount -t proc proc /host/proc
mount -t sysfs sys /host/sys
mount -t devtmpfs dev /host/dev
mkdir -p /host/dev/shm /host/dev/pts
mount -t tmpfs shm /host/dev/shm
chroot /host /bin/sh -s </script
echo "MACHINE: done"
poweroff -f
