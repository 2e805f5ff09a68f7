#!/bin/bash
# Build the library twice, in two places and without a cache, and compare.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
for place in first a-second-place-with-a-longer-name; do
    mkdir "$work/$place"
    git -C "$root" ls-files -z --cached --others --exclude-standard |
        tar -C "$root" --null -T - -c --ignore-failed-read 2>/dev/null | tar -C "$work/$place" -x
    GOCACHE=$work/cache-$place make -s -C "$work/$place" page "$work/$place/build/libsprint.so" >&2
    library=$(readlink -f "$work/$place/build/libsprint.so")
    sha256sum <"$library" | cut -d' ' -f1
done >"$work/hashes"
cat "$work/hashes"
[ "$(sort -u "$work/hashes" | wc -l)" = 1 ] || { echo "the two builds differ" >&2; exit 1; }
