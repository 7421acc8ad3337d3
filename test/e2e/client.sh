#!/bin/sh
# The first process of a node that is no more than an NFS client: mounts each export named on the kernel's command line,
# lists it with the tools of a Debian tree, which it mounts too, and writes each listing to a disk of its own.
#   server=ADDRESS tools=EXPORT lists=EXPORT,EXPORT,… (the first to /dev/vda, the second to /dev/vdb, …)
export PATH=/usr/bin:/usr/sbin
mkdir -p /proc /dev /tree
mount -t proc proc /proc
mount -t devtmpfs dev /dev

for word in $(cat /proc/cmdline); do
	case "$word" in
	server=* | tools=* | lists=*) eval "$word" ;;
	esac
done

attach() {
	nfsmount -o ro,nolock,v3,tcp "$server:/srv/nfsroot/$1" "$2" || echo "CLIENT: cannot mount $1"
}

for module in virtio_pci virtio_net virtio_blk nfsv3; do modprobe "$module"; done
ipconfig -t 20 "10.13.20.10:$server::255.255.255.0:client:eth0:none"

attach "$tools" /tree
mount -t devtmpfs dev /tree/dev
mount -t tmpfs tmp /tree/mnt
cat /list >/tree/mnt/list

set -- a b c d e f
IFS=,
for export in $lists; do
	mkdir -p "/tree/mnt/$export"
	attach "$export" "/tree/mnt/$export"
	chroot /tree /bin/sh -c 'cd "/mnt/$1" && sh /mnt/list | dd of="/dev/vd$2" bs=1M iflag=fullblock conv=fsync' \
		sh "$export" "$1" &
	shift
done
wait
echo "CLIENT: done"
poweroff -f
