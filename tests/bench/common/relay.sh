# Sourced by the run scripts: start a relay that ends with the script, and say where it is:
# RELAY_TLS and RELAY_TCP, its echo listeners, and RELAY_CA, what TLS clients must trust.
# shellcheck shell=sh
go build -o build/relay ./tests/relay/cmd/relay
relay_dir=$(mktemp -d)
mkfifo "$relay_dir/ready"
build/relay -raw -dir "$relay_dir/relay" >"$relay_dir/ready" &
relay=$!
trap 'kill $relay 2>/dev/null; wait $relay || :; rm -rf "$relay_dir"' EXIT
read -r word state RELAY_TLS rest <"$relay_dir/ready"
[ "$word $state" = "relay ready" ]
RELAY_TCP=$(cat "$relay_dir/relay/raw")
RELAY_CA=$relay_dir/relay/ca.pem
export RELAY_TLS RELAY_TCP RELAY_CA
