/**
 * Runs in the namespaces, before and after the command: bash, with the tree, the places of its cord (cord.ts), "terminal"
 * or "", and the command. Mounts need no undoing: they end with the namespaces.
 */
export const setUp = `
set -e
unset SIDUS_SET_UP
tree=$1 policy=$2 daemon=$3 names=$4 terminal=$5
shift 5

# A mount point of its own, so that what asks for the file system of / gets an answer.
mount --rbind "$tree" "$tree"

# Who works in the tree shares a lock on it: the last one out removes what was made to be mounted on.
exec 4<"$tree"
flock --shared 4

is_there() { [ -d "$tree/$1" ] && [ ! -L "$tree/$1" ]; }

if is_there sys; then
  # In a user namespace there is only the machine's own, with all that is mounted in it or not at all.
  mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$tree/sys" 2>/dev/null || {
    mount --rbind /sys "$tree/sys"
    mount -o remount,bind,ro,nosuid,nodev,noexec "$tree/sys"
  }
fi
if is_there proc; then
  mount -t proc -o nosuid,nodev,noexec proc "$tree/proc"
  # sysctl(8) in the tree would set this machine's kernel.
  mount --bind "$tree/proc/sys" "$tree/proc/sys"
  mount -o remount,bind,ro,nosuid,nodev,noexec "$tree/proc/sys"
fi
if is_there dev; then
  dev=$tree/dev
  mount -t tmpfs -o nosuid,mode=755 dev "$dev"
  # Bound only where none can be made, in a user namespace: a chmod in the tree would be one of the machine's own.
  for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    IFS=: read -r node major minor <<<"$device"
    mknod -m 666 "$dev/$node" c "$major" "$minor" 2>/dev/null || {
      : >"$dev/$node"
      mount --bind "/dev/$node" "$dev/$node"
    }
  done
  mkdir "$dev/pts" "$dev/shm"
  mount -t devpts -o newinstance,nosuid,noexec,mode=620,gid=5,ptmxmode=666 devpts "$dev/pts"
  mount -t tmpfs -o nosuid,nodev,mode=1777 shm "$dev/shm"
  ln -s pts/ptmx "$dev/ptmx"
  ln -s /proc/self/fd "$dev/fd"
  ln -s /proc/self/fd/0 "$dev/stdin"
  ln -s /proc/self/fd/1 "$dev/stdout"
  ln -s /proc/self/fd/2 "$dev/stderr"
  # ttyname(3) finds it there: our terminal is none of the tree's own.
  if [ "$terminal" ] && own=$(tty); then
    : >"$dev/console"
    mount --bind "$own" "$dev/console"
  fi
fi

# The files to mount, where nothing of the tree is hidden: this /sys is ours alone, and nobody needs it any more.
mount -t tmpfs -o mode=755 sidus /sys
printf '#!/bin/sh\\nexit 101\\n' >/sys/policy-rc.d
printf '#!/bin/sh\\necho "start-stop-daemon does nothing here: $*"\\n' >/sys/start-stop-daemon
chmod 755 /sys/policy-rc.d /sys/start-stop-daemon
if [ -e /etc/resolv.conf ]; then cat /etc/resolv.conf >/sys/resolv.conf; fi

# Where those who make a link of resolv.conf let it lead to.
links="resolvconf/resolv.conf systemd/resolve/resolv.conf systemd/resolve/stub-resolv.conf"
if is_there run; then
  own=$tree/run/sidus
  mount -t tmpfs -o nosuid,nodev,mode=755 run "$tree/run"
  mkdir -m 1777 "$tree/run/lock"
  ln -s /dev/shm "$tree/run/shm"
  mkdir "$own"
  # dpkg links and renames what it replaces, and so do those who make a link of resolv.conf: no mount may be on it then.
  cat >"$own/unpacking" <<end
#!/bin/sh
while read -r package; do
  case \\\${package##*/} in
    dpkg_*) umount '\${daemon#"$tree"}' ;;
    openresolv_* | resolvconf_* | systemd-resolved_*) umount /etc/resolv.conf ;;
  esac
done
exit 0
end
  # None of those knows a name server here, and one makes an empty file.
  cat >"$own/unpacked" <<end
#!/bin/sh
for link in $links; do
  mkdir -p "/run/\\\${link%/*}"
  cat /run/sidus/resolv.conf >"/run/\\$link"
done
exit 0
end
  chmod 755 "$own/unpacking" "$own/unpacked"
  cat >"$own/apt.conf" <<end
DPkg::Pre-Install-Pkgs { "/run/sidus/unpacking 2>/dev/null"; };
DPkg::Post-Invoke { "/run/sidus/unpacked 2>/dev/null"; };
end
  export APT_CONFIG=/run/sidus/apt.conf
fi

# Source and place. A file that is not there is made, empty and without any right (cord.ts).
cover() {
  [ -e "$2" ] || (umask 777; : >"$2")
  mount --bind "$1" "$2"
}
if [ "$policy" ]; then cover /sys/policy-rc.d "$policy"; fi
if [ "$daemon" ]; then cover /sys/start-stop-daemon "$daemon"; fi
if [ -e /sys/resolv.conf ]; then
  if is_there run; then
    cat /sys/resolv.conf >"$tree/run/sidus/resolv.conf"
    for file in $links; do
      mkdir -p "$tree/run/\${file%/*}"
      cat /sys/resolv.conf >"$tree/run/$file"
    done
  fi
  case $names in
    "") ;;
    "$tree/run/"*)
      if is_there run; then mkdir -p "\${names%/*}"; cat /sys/resolv.conf >"$names"; fi
      names=
      ;;
    *) cat /sys/resolv.conf >/sys/bound; cover /sys/bound "$names" ;;
  esac
else
  names=
fi

status=0
chroot "$tree" "$@" 4<&- || status=$?

# What it wrote into resolv.conf it wrote into a copy of ours.
if [ "$names" ] && mountpoint --quiet "$names" && ! cmp --quiet /sys/resolv.conf /sys/bound; then
  umount --lazy "$names"
  [ "$(stat --format=%a "$names")" != 0 ] || chmod 644 "$names"
  cat /sys/bound >"$names"
fi
exit $status`;
