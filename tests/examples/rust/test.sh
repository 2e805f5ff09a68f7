#!/bin/sh
# The Rust engine against the relay: it pings, logs each connection in once and leaves cleanly.
# With the argument "static" it holds the library itself.
set -eu
cd "$(dirname "$0")/../../.."

build=${BUILD:-$PWD/build}
target=$build/cargo
if [ "${1:-}" = static ]; then
    export SPRINT_STATIC=1
    target=$build/cargo-static
fi
export CARGO_TARGET_DIR="$target" SPRINT_LIB_DIR="$build" SPRINT_INCLUDE_DIR="$PWD/include"
(cd tests/examples/rust && cargo build --quiet --release --locked)
work=$(mktemp -d)
mkfifo "$work/ready"
"$build/relay" -dir "$work/relay" >"$work/ready" &
relay_pid=$!
trap 'kill $relay_pid; rm -rf "$work"' EXIT
exec 3<"$work/ready"
read -r _ _ endpoint _ <&3

"$target/release/engine" --endpoint "$endpoint" --ca-file "$work/relay/ca.pem" \
    --key-file "$work/relay/login.key" --seconds 1 --connections 3 >"$work/log"
cat "$work/log"
grep -Eq '^ping +[1-9]' "$work/log"
grep -Eq '^login +3 ' "$work/log"
if [ "${1:-}" = static ] && readelf -d "$target/release/engine" | grep libsprint; then
    echo "the shared library is wanted although the archive was linked" >&2
    exit 1
fi
