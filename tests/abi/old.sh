#!/bin/bash
# A program of the first header, frozen in tests/abi/old, on the library of today: each number
# of that header still has its value, each function is still there and does what it did, and
# structs of the old size, and of any smaller, are filled no further than they go.
#
#   old.sh LIBRARY_DIRECTORY RELAY
set -euo pipefail
cd "$(dirname "$0")/../.."
library=$(realpath "$1")
relay=$2
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill "$server"; wait "$server" || :; }; rm -rf "$work"' EXIT

# values DIRECTORY: name and value of each constant of the old header, as that directory's has it.
names=$(grep -oE '\bSPRINT_[A-Z0-9_]+ = ' tests/abi/old/sprint.h | cut -d' ' -f1 | sort -u)
values() {
    {
        printf '#include <stdio.h>\n#include "sprint.h"\nint main(void) {\n'
        for name in $names; do
            printf '    printf("%%s %%lld\\n", "%s", (long long)%s);\n' "$name" "$name"
        done
        printf '    return 0;\n}\n'
    } >"$work/values.c"
    cc -I"$1" -o "$work/values" "$work/values.c"
    "$work/values"
}
values tests/abi/old >"$work/old"
values include >"$work/now"
diff "$work/old" "$work/now" || {
    echo "old: a constant has another value (above)" >&2
    exit 1
}
echo "old: $(wc -l <"$work/old") constants have their values"

# Only the functions of the old header are in the program: an unknown one would not compile.
cc -std=gnu11 -O1 -Wall -Wextra -Werror -Itests/abi/old -o "$work/program" tests/abi/old/program.c \
    -L"$library" -lsprint
used=$(nm -D --undefined-only "$work/program")
for function in $(grep -oE '\bsprint_[a-z0-9_]+\(' tests/abi/old/sprint.h | tr -d '(' | sort -u); do
    grep -q "U $function@SPRINT_" <<<"$used" || {
        echo "old: the program does not use $function" >&2
        exit 1
    }
done
mkfifo "$work/ready"
"$relay" -dir "$work/relay" >"$work/ready" &
server=$!
read -r word state address _ dir <"$work/ready"
[ "$word $state" = "relay ready" ]
LD_LIBRARY_PATH=$library "$work/program" "$address" "$dir/ca.pem" | sed 's/^/old: /'
