#!/bin/bash
# The root of a node by dracut, in the same steps as by initramfs-tools, with the same scripts: linkup, then ipconfig and
# nfsmount of klibc, then rootaufs. 99: after udev-rules. dracut's own network and NFS would add dhclient, rpcbind and rpc.statd.

check() {
	require_binaries blkid cmp e2fsck mke2fs || return 1
	[[ -x /usr/lib/klibc/bin/nfsmount ]] || return 1
	# What is missing later is only a line in the log.
	local file
	for file in linkup modules rootaufs; do
		[[ -r /usr/lib/sidus/initrd/$file ]] || return 1
	done
	return 255
}

depends() {
	echo base udev-rules
}

installkernel() {
	local line
	while read -r line; do
		[[ $line == "#"* ]] || hostonly='' instmods -s $line
	done </usr/lib/sidus/initrd/modules
	return 0
}

install() {
	local program library
	inst_multiple blkid cat chmod cmp e2fsck mke2fs mkdir modprobe mount mv sleep udevadm umount
	inst_multiple -o iscsistart /etc/mke2fs.conf
	# Cards get the names here that they have in the booted system.
	inst_multiple -o /usr/lib/systemd/network/{73-usb-net-by-mac,99-default}.link
	for program in ipconfig nfsmount; do
		inst_simple "/usr/lib/klibc/bin/$program" "/usr/bin/$program"
	done
	for library in /usr/lib/klibc-*.so /lib/klibc-*.so; do
		[[ ! -e $library ]] || inst_simple "$library"
	done
	inst_simple /usr/lib/sidus/initrd/linkup /scripts/linkup
	inst_simple /usr/lib/sidus/initrd/rootaufs /scripts/rootaufs
	inst_simple "$moddir/functions" /scripts/functions
	inst_script "$moddir/nfs-root" /sbin/nfs-root
	inst_hook cmdline 90 "$moddir/cmdline.sh"
	inst_hook mount 90 "$moddir/mount.sh"
	# Rules of seats name loginctl, whose libraries are a fifth of an initrd in which nobody sits.
	rm -f "$initdir"/usr/bin/loginctl "$initdir"/{,usr/}lib/udev/rules.d/{70-uaccess,71-seat,73-seat-late}.rules
}
