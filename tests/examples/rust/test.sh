#!/bin/sh
# The Rust engine against the relay: it pings, logs each connection in once and leaves cleanly.
set -eu
cd "$(dirname "$0")/../../.."

build=${BUILD:-$PWD/build}
export CARGO_TARGET_DIR="$build/cargo" SPRINT_LIB_DIR="$build" SPRINT_INCLUDE_DIR="$PWD/include"
(cd tests/examples/rust && cargo build --quiet --release --locked)
work=$(mktemp -d)
mkfifo "$work/ready"
"$build/relay" -dir "$work/relay" >"$work/ready" &
relay_pid=$!
trap 'kill $relay_pid; rm -rf "$work"' EXIT
exec 3<"$work/ready"
read -r _ _ endpoint _ <&3

"$build/cargo/release/engine" --endpoint "$endpoint" --ca-file "$work/relay/ca.pem" \
    --key-file "$work/relay/login.key" --seconds 1 --connections 3 >"$work/log"
cat "$work/log"
grep -Eq '^ping +[1-9]' "$work/log"
grep -Eq '^login +3 ' "$work/log"
