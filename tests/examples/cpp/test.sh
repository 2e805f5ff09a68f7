#!/bin/sh
# The engine and first.c against the relay: what they print, and how they fail.
set -eu
cd "$(dirname "$0")/../../.."

build=${BUILD:-build}
export SPRINT_LIBRARY="${SPRINT_LIBRARY:-$build/libsprint.so.1}"
work=$(mktemp -d)
mkfifo "$work/ready"
"$build/relay" -dir "$work/relay" >"$work/ready" &
relay_pid=$!
trap 'kill $relay_pid; rm -rf "$work"' EXIT
exec 3<"$work/ready"
read -r _ _ endpoint control _ <&3
ca=$work/relay/ca.pem
key=$work/relay/login.key
passed=0
failed=0

# expect STATUS RULE PATTERN COMMAND...: the exit status, and a line that the pattern matches.
expect() {
    wanted=$1
    rule=$2
    pattern=$3
    shift 3
    status=0
    "$@" >"$work/log" 2>&1 </dev/null || status=$?
    if [ $status -eq "$wanted" ] && grep -Eq -- "$pattern" "$work/log"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $rule (exit status $status)" >&2
        cat "$work/log" >&2
    fi
}
engine() {
    "$build/examples/engine" --seconds 1 "$@"
}

# The demo with KEEP=1; ends it when the page was there.
kept_demo() {
    mkfifo "$work/kept"
    KEEP=1 SECONDS_TO_RUN=1 tests/examples/cpp/demo.sh >"$work/kept" &
    demo_pid=$!
    while IFS= read -r line; do
        echo "$line"
        case $line in
        "page: http"*)
            address=${line#page: }
            curl -fsS "${address%% *}" | grep -q '<!doctype html>' || return 1
            kill $demo_pid
            ;;
        esac
    done <"$work/kept"
    wait $demo_pid
}

expect 0 "a run pings, without an error" '^ping +[1-9][0-9]* +0 ' \
    engine --endpoint "$endpoint" --ca-file "$ca" --key-file "$key"
expect 0 "each connection logs in once" '^login +4 +0 ' \
    engine --endpoint "$endpoint" --ca-file "$ca" --key-file "$key"
expect 0 "nothing is left behind" '^closed: 0 leases cut off, 0 secrets left$' \
    engine --endpoint "$endpoint" --ca-file "$ca" --key-file "$key" --connections 2
expect 0 "a plain run times each dial" '^dial +3 +0 ' \
    engine --endpoint "$endpoint" --ca-file "$ca" --plain --connections 3
expect 0 "the demo shows its three routes" '"status":"healthy"' \
    env SECONDS_TO_RUN=1 tests/examples/cpp/demo.sh
expect 0 "the demo keeps its page until it is told to end, and leaves nothing then" \
    '^closed: 0 leases cut off, 0 secrets left$' kept_demo
expect 0 "first gets its answer" '^PING$' "$build/examples/first" "$endpoint" "$ca"

head -c 32 /dev/zero >"$work/wrong.key"
expect 1 "a wrong key is a refused login" 'login refused: ERR bad mac' \
    engine --endpoint "$endpoint" --ca-file "$ca" --key-file "$work/wrong.key"
expect 1 "a missing key file is named" 'wrong/file: No such file' \
    engine --endpoint "$endpoint" --ca-file "$ca" --key-file wrong/file
expect 1 "without its roots the relay is not trusted" 'SPRINT_E_CERT: ' \
    engine --endpoint "$endpoint" --key-file "$key"
expect 1 "a missing library is named" 'nowhere/libsprint.so.1: cannot open' \
    engine --endpoint "$endpoint" --plain --library nowhere/libsprint.so.1
expect 1 "a metrics port in use is named" "SPRINT_E_IO: .*${control##*:}" \
    engine --endpoint "$endpoint" --ca-file "$ca" --plain --metrics-port "${control##*:}"
expect 1 "first says what is not trusted" 'SPRINT_E_(CERT|ARG): ' \
    "$build/examples/first" "$endpoint" /dev/null
expect 2 "a number out of range is named" '--connections: "0" is not in 1..1000' \
    engine --endpoint "$endpoint" --plain --connections 0
expect 2 "a key or --plain is needed" 'one of --key-file and --plain' engine --endpoint "$endpoint"

echo "examples: $passed passed, $failed failed"
[ $failed -eq 0 ]
