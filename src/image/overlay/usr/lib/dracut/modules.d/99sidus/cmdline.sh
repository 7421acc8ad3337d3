#!/bin/sh
# Sourced by dracut, which goes no further unless somebody knows what the root is.
if getarg nfsroot= >/dev/null; then
	root=nfs
	rootok=1
fi
