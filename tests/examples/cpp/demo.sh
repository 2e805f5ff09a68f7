#!/bin/sh
# The demo: starts the test relay, runs the C++ engine against it, and asks the engine's three
# monitoring routes what they say while it lingers. Exit status 0: everything worked.
#
#   demo.sh                  the relay of this tree, with login and PING
#   demo.sh HOST:PORT        a real TLS server, only dials and leases; $CA_FILE and
#                            $SERVER_NAME if the system's roots or the host's name do not fit
#
# $BUILD: where the programs are. $SECONDS_TO_RUN: 5. $KEEP: 1 leaves the page of the metrics
# server reachable until Ctrl-C.
set -eu
cd "$(dirname "$0")/../../.."

build=${BUILD:-build}
endpoint=${1:-}
work=$(mktemp -d)
relay_pid=
engine_pid=
clean() {
    [ -z "$engine_pid" ] || kill "$engine_pid" 2>/dev/null || :
    [ -z "$relay_pid" ] || kill "$relay_pid" 2>/dev/null || :
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

if [ -n "$endpoint" ]; then
    set -- --plain --endpoint "$endpoint" ${CA_FILE:+--ca-file "$CA_FILE"} \
        ${SERVER_NAME:+--server-name "$SERVER_NAME"}
else
    mkfifo "$work/ready"
    "$build/relay" -dir "$work/relay" >"$work/ready" &
    relay_pid=$!
    exec 3<"$work/ready"
    read -r _ _ endpoint _ <&3 || { echo "demo: the relay did not start" >&2; exit 1; }
    echo "relay: a TLS server of this machine's own at $endpoint"
    set -- --endpoint "$endpoint" --ca-file "$work/relay/ca.pem" --key-file "$work/relay/login.key"
fi

mkfifo "$work/in" "$work/out"
SPRINT_LIBRARY=${SPRINT_LIBRARY:-$build/libsprint.so.1} "$build/examples/engine" "$@" \
    --seconds "${SECONDS_TO_RUN:-5}" --wait-stdin ${KEEP:+--lively} <"$work/in" >"$work/out" &
engine_pid=$!
exec 4>"$work/in" 5<"$work/out"

# The engine has printed its table when it says where the metrics are.
url=
while [ -z "$url" ] && IFS= read -r line <&5; do
    echo "$line"
    case $line in
    "metrics http"*) url=${line#metrics } ;;
    esac
done
if [ -n "$url" ]; then
    for route in /healthz /status/connections /metrics; do
        printf '\nGET %s\n' "$route"
        curl -fsS "$url$route" >"$work/answer"
        # Comments and buckets are for machines.
        grep -Ev '^#|_bucket\{|^$' "$work/answer"
    done
    echo
fi
cat <&5 4>&- & # the engine's last words
words_pid=$!
if [ -n "${KEEP:-}" ] && [ -n "$url" ]; then
    trap 'echo; exec 4>&-' INT TERM # the end of its input ends the engine, whenever the signal comes
    echo "page: $url/ (Ctrl-C ends the demo)"
    wait $words_pid || : # until then, or until the signal
    trap 'exit 130' INT TERM
fi
exec 4>&-
wait $words_pid || : # to their end: a signal ends a wait
status=0
wait "$engine_pid" || status=$?
engine_pid=
exit $status
