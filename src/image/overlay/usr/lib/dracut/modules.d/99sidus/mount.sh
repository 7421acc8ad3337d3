#!/bin/sh
# Sourced by dracut again and again until there is a root.
getarg nfsroot= >/dev/null && NEWROOT="$NEWROOT" /sbin/nfs-root
