#!/bin/bash
# What an administrator does on a node that was booted for it: changes things, and shuts it down. Another node shows them.
show() { echo "ADMIN: $*" >/dev/console; }

if [ "$(cat /proc/sys/kernel/hostname)" = admin ]; then
	echo changed >/etc/marker
	rm /etc/obsolete
	mkdir -p /opt/tool/bin
	echo 'echo tool' >/opt/tool/bin/tool
	chown daemon /opt/tool/bin/tool
	chmod 4755 /opt/tool/bin/tool
	useradd --system --no-create-home carol
	show "done, on $(sed -n 's/^layer: //p' /run/sidus/boot)"
	systemctl poweroff
else
	show "marker $(cat /etc/marker), obsolete $(ls /etc/obsolete 2>/dev/null)"
	show "tool $(stat -c '%a %U' /opt/tool/bin/tool), $(id -un carol)"
	show "shown"
fi
