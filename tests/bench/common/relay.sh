# Sourced by the run scripts: start_relay [FLAG...] starts a relay that ends with the script
# and says where it is: RELAY_TLS, its listener, RELAY_TCP, a plain echo, and RELAY_CA, what
# TLS clients must trust.
# shellcheck shell=sh
go build -o build/relay ./tests/relay/cmd/relay
relays=
relay_dirs=
stop_relays() {
    for relay in $relays; do
        kill "$relay" 2>/dev/null
        wait "$relay" || :
    done
    # shellcheck disable=SC2086
    rm -rf $relay_dirs
}
trap stop_relays EXIT

start_relay() {
    relay_dir=$(mktemp -d)
    relay_dirs="$relay_dirs $relay_dir"
    mkfifo "$relay_dir/ready"
    build/relay -raw -dir "$relay_dir/relay" "$@" >"$relay_dir/ready" &
    relays="$relays $!"
    read -r word state RELAY_TLS rest <"$relay_dir/ready"
    [ "$word $state" = "relay ready" ]
    RELAY_TCP=$(cat "$relay_dir/relay/raw")
    RELAY_CA=$relay_dir/relay/ca.pem
    export RELAY_TLS RELAY_TCP RELAY_CA
}
