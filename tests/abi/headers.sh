#!/bin/sh
# Every public header compiles alone, twice, without a warning, in every standard that it is
# made for, with gcc and clang. sprint.hpp does so in each of its modes, and files of all its
# modes go into one program.
set -eu
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
passed=0

# check NAME COMMAND...
check() {
    name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name" >&2
        cat "$work/log" >&2
    fi
}

strict="-Wall -Wextra -pedantic -Werror -Wundef -Iinclude -fPIC -c"
strict_c="$strict -Wstrict-prototypes"

for header in sprint.h sprint_dl.h sprint.hpp; do
    printf '#include <%s>\n#include <%s>\nextern int not_empty;\n' $header $header >"$work/$header.in"
done

for header in sprint.h sprint_dl.h; do
    for std in c89 c99 c11 c17; do
        check "$header gcc $std" \
            gcc -xc -std=$std $strict_c -Wc++-compat -o "$work/o" "$work/$header.in"
        check "$header clang $std" clang -xc -std=$std $strict_c -o "$work/o" "$work/$header.in"
    done
    for std in c++98 c++11 c++14 c++17 c++20; do
        for cxx in g++ clang++; do
            check "$header $cxx $std" $cxx -xc++ -std=$std $strict -o "$work/o" "$work/$header.in"
        done
    done
done

for cxx in g++ clang++; do
    for std in c++11 c++14 c++17 c++20; do
        for loading in "" -DSPRINT_HPP_DL; do
            for errors in "" -DSPRINT_NO_EXCEPTIONS -fno-exceptions; do
                check "sprint.hpp $cxx $std $loading $errors" $cxx -xc++ -std=$std $strict \
                    $loading $errors -o "$work/$cxx$std$loading$errors.o" "$work/sprint.hpp.in"
            done
        done
    done
    check "sprint.hpp $cxx all modes in one program" $cxx -shared -o "$work/all" "$work/$cxx"*.o
done

for compiler in "gcc -std=c11" "clang -std=c11"; do
    check "dl_types.c $compiler" $compiler -Wall -Wextra -Werror -Iinclude -c -o "$work/o" \
        tests/abi/dl_types.c
done
for compiler in "gcc -std=c11" "clang -std=c11" "g++ -xc++ -std=c++11" "clang++ -xc++ -std=c++11"; do
    check "layout.c $compiler" $compiler -Wall -Wextra -Werror -Iinclude -c -o "$work/o" \
        tests/abi/layout.c
done

echo "headers: $passed passed, $failed failed"
[ $failed -eq 0 ]
