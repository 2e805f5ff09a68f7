#!/bin/sh
# The library is the ELF file that hosts and packagers expect. Usage: elf.sh [LIBRARY]
set -eu
cd "$(dirname "$0")/../.."

library=${1:-build/libsprint.so.1}
dynamic=$(readelf -dW "$library")
segments=$(readelf -lW "$library")
failed=0
passed=0

# must WHAT TEXT PATTERN, must_not WHAT TEXT PATTERN
must() {
    if printf '%s\n' "$2" | grep -Eq "$3"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1" >&2
    fi
}
must_not() {
    if printf '%s\n' "$2" | grep -E "$3" >&2; then
        failed=$((failed + 1))
        echo "FAIL $1" >&2
    else
        passed=$((passed + 1))
    fi
}

must "it is a shared object" "$(readelf -hW "$library")" 'Type: +DYN'
must "SONAME is libsprint.so.1" "$dynamic" '\(SONAME\).*\[libsprint\.so\.1\]'
must "dlclose cannot unmap it: NODELETE" "$dynamic" '\(FLAGS_1\).*NODELETE'
must "relocated data becomes read-only: RELRO" "$segments" '^ *GNU_RELRO '
must "the stack is not executable" "$segments" '^ *GNU_STACK .* RW +0x'
must_not "no segment is writable and executable" "$segments" '^ *LOAD .* RWE '
must_not "it needs nothing but the C library" \
    "$(printf '%s\n' "$dynamic" | grep '(NEEDED)' | grep -Ev '\[(libc\.so\.6|ld-linux[^]]*)\]')" .
must_not "it has no search path of its own" "$dynamic" '\((RPATH|RUNPATH)\)'
must_not "its code is not relocated: TEXTREL" "$dynamic" 'TEXTREL'

# Built on Debian 12, RHEL 9 and Ubuntu 22.04 load it: no symbol newer than theirs crept in.
must "glibc 2.34 is new enough" \
    "$(packaging/glibc.sh "$library" 2.34 >/dev/null && echo yes)" '^yes$'

# A library for tests has one function more (tests/guest/panics.c).
must_not "it cannot be made to panic" "$(strings "$library" | grep -E 'sprint_test_panic|on demand$' || :)" .

echo "elf: $passed passed, $failed failed"
[ $failed -eq 0 ]
