#!/bin/sh
# The library keeps every function and type of the baseline: nothing removed, narrowed or grown
# in a way that an old program would notice. New functions may come.
#
#   diff.sh LIBRARY_WITH_DEBUG_INFORMATION [--update]
#
# --update writes the baseline anew: at a release, or while there has been none.
set -eu
cd "$(dirname "$0")/../.."
baseline=tests/abi/libsprint.so.1.abi
abi() { abidw --exported-interfaces-only --no-corpus-path --no-comp-dir-path --no-show-locs --out-file "$1" "$library"; }

library=$1
if [ "${2-}" = --update ]; then
    abi $baseline
    exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
abi "$work/now.abi"
abidiff --no-added-syms $baseline "$work/now.abi" || {
    echo "abi: programs built with the baseline's header may break (see above)" >&2
    exit 1
}
# It would be noticed: a struct of callers that had another size, a function that is gone.
for change in "/class-decl name='sprint_pool_stats'/s/size-in-bits='[0-9]*'/size-in-bits='64'/" \
    "s/sprint_pool_close'/sprint_pool_gone'/g"; do
    sed "$change" $baseline >"$work/other.abi"
    if abidiff --no-added-syms "$work/other.abi" "$work/now.abi" >/dev/null; then
        echo "abi: a change was not noticed: $change" >&2
        exit 1
    fi
done
echo "abi: no change that breaks programs"
