# Sourced by the tests of this folder: a place to work in, a relay, and counted rules.
# shellcheck shell=bash

work=$(mktemp -d)
passed=0 failed=0
at_exit=()
clean_up() {
    for action in "${at_exit[@]}"; do $action; done
    rm -rf "$work"
}
trap clean_up EXIT

# start_relay RELAY: sets endpoint and ca.
start_relay() {
    mkfifo "$work/ready"
    "$1" -dir "$work/relay" >"$work/ready" &
    local pid=$!
    at_exit+=("kill $pid")
    exec {ready}<"$work/ready"
    read -r _ _ endpoint _ <&"$ready"
    ca=$work/relay/ca.pem
    export endpoint ca
}

verdict() { # GOOD RULE
    if $1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $2" >&2
        cat "$work/log" >&2
    fi
}

# expect RULE PATTERN COMMAND...: it succeeds, and prints a line that the pattern matches.
expect() {
    local rule=$1 pattern=$2 good=false
    shift 2
    if "$@" >"$work/log" 2>&1 </dev/null && { [ -z "$pattern" ] || grep -Eq -- "$pattern" "$work/log"; }; then
        good=true
    fi
    verdict $good "$rule"
}

# refuse RULE PATTERN COMMAND...: it fails, and prints a line that the pattern matches.
refuse() {
    local rule=$1 pattern=$2 good=false
    shift 2
    if ! "$@" >"$work/log" 2>&1 </dev/null && grep -Eq -- "$pattern" "$work/log"; then
        good=true
    fi
    verdict $good "$rule"
}

# lacks RULE PATTERN COMMAND...: it succeeds, and no line matches the pattern.
lacks() {
    local rule=$1 pattern=$2 good=false
    shift 2
    if "$@" >"$work/log" 2>&1 </dev/null && ! grep -Eq -- "$pattern" "$work/log"; then
        good=true
    fi
    verdict $good "$rule"
}

report() { # NAME
    echo "$1: $passed passed, $failed failed"
    [ $failed = 0 ]
}
