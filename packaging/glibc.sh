#!/bin/sh
# Print the oldest glibc that can load a library; with MAX fail if that is newer than MAX.
#
#   glibc.sh LIBRARY [MAX]
set -eu
floor=$(objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -Vu | tail -n 1)
[ -n "$floor" ]
echo "$floor"
if [ $# -gt 1 ] && [ "$(printf '%s\n' "$floor" "$2" | sort -V | tail -n 1)" != "$2" ]; then
    echo "$1 needs glibc $floor, newer than $2:" >&2
    objdump -T "$1" | grep "GLIBC_$floor" >&2
    exit 1
fi
