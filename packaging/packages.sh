#!/bin/bash
# Build .deb and .rpm packages with nfpm: the library, and what is needed to build against it.
#
#   packages.sh LIBRARY OUTPUT_DIRECTORY
#
# The library needs a C library as new as the newest symbol it takes from there, which is read
# from the file. SOURCE_DATE_EPOCH dates the files; without it the last commit does.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
library=$1 out=$2
file=$(basename "$library")
version=${file#libsprint.so.}
major=${version%%.*}
arch=$(go env GOARCH)
glibc=$("$here/glibc.sh" "$library")
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH

# "sprint_init SPRINT_1.0": each function with the version that it came with; and these versions.
exported=$(nm -D --with-symbol-versions --defined-only "$library" | sed -n 's/.* T \(.*\)@@\(.*\)/\1 \2/p')
nodes=$(awk '{print $2}' <<<"$exported" | sort -uV)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

# build FORMAT LIBDIR DEVEL DEPENDS_ON_C: the two packages of one format.
build() {
    local format=$1 libdir=$2 devel=$3 libc=$4 stage=$work/$1
    DESTDIR=$stage PREFIX=/usr LIBDIR=$libdir INCLUDEDIR=/usr/include \
        PKGCONFIGDIR=$libdir/pkgconfig STATIC='' "$here/install.sh" install "$library"

    { # what a host needs to run
        describe "libsprint$major" "$format" "$libc"
        entry "$stage$libdir/$file" "$libdir/$file" 0755
        symlink "$file" "$libdir/libsprint.so.$major"
        licence "libsprint$major"
    } >"$work/run.yaml"
    { # what a host needs to be built
        describe "$devel" "$format" "libsprint$major (= $version)"
        symlink "libsprint.so.$major" "$libdir/libsprint.so"
        for header in "$stage"/usr/include/*; do
            entry "$header" "/usr/include/$(basename "$header")" 0644
        done
        entry "$stage$libdir/pkgconfig/sprint.pc" "$libdir/pkgconfig/sprint.pc" 0644
        for config in "$stage$libdir"/cmake/sprint/*; do
            entry "$config" "$libdir/cmake/sprint/$(basename "$config")" 0644
        done
        licence "$devel"
    } >"$work/devel.yaml"
    for package in run devel; do
        "$root/build/bin/nfpm" package -p "$format" -f "$work/$package.yaml" -t "$out" >"$work/log" ||
            { cat "$work/log" >&2; exit 1; }
    done
}

# Add to a .deb what dpkg-shlibdeps reads, so that packages of programs depend on the right
# version by themselves: deb-symbols(5), deb-shlibs(5). nfpm has no place for these.
with_symbols() { # PACKAGE NAME
    local tree=$work/tree
    dpkg-deb --raw-extract "$1" "$tree"
    {
        echo "libsprint.so.$major $2 #MINVER#"
        for node in $nodes; do
            echo " $node@$node ${node#SPRINT_}"
        done
        awk '{print " " $1 "@" $2 " " substr($2, 8)}' <<<"$exported"
    } >"$tree/DEBIAN/symbols"
    echo "libsprint $major $2 (>= $version)" >"$tree/DEBIAN/shlibs"
    dpkg-deb -Zgzip --root-owner-group --build "$tree" "$1" >/dev/null
}

# What rpm makes of a program's needs: the name, and each version of symbols.
rpm_provides() {
    printf '"libsprint.so.%s()(64bit)"' "$major"
    for node in $nodes; do
        printf ', "libsprint.so.%s(%s)(64bit)"' "$major" "$node"
    done
}

describe() { # NAME FORMAT DEPENDENCY
    local name=$1 dependency=$3
    [ "$2" = deb ] || dependency=$(tr -d '()' <<<"$dependency")
    cat <<YAML
name: $name
arch: $arch
platform: linux
version: $version
section: $([[ $name == *-dev* ]] && echo libdevel || echo libs)
priority: optional
maintainer: libsprint developers <libsprint@example.org>
license: MIT
mtime: $(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
description: |
  Warm, verified TLS connections and locked memory for secrets
  $([[ $name == *-dev* ]] && echo "Headers, pkg-config and CMake files." || echo "The shared library.")
depends: ["$dependency"]
provides: [$([ "$2$name" != "rpmlibsprint$major" ] || rpm_provides)]
deb:
  fields: {Multi-Arch: same}
  triggers: {activate_noawait: [ldconfig]}
contents:
YAML
}

entry() { # SOURCE PLACE MODE
    printf -- '- {src: "%s", dst: "%s", file_info: {mode: %s}}\n' "$1" "$2" "$3"
}
symlink() { # TARGET PLACE
    printf -- '- {src: "%s", dst: "%s", type: symlink}\n' "$1" "$2"
}
licence() { entry "$root/LICENSE" "/usr/share/doc/$1/copyright" 0644; }

triplet=$(gcc -dumpmachine)
build deb "/usr/lib/$triplet" libsprint-dev "libc6 (>= $glibc)"
with_symbols "$out/libsprint${major}_${version}_$arch.deb" "libsprint$major"
build rpm /usr/lib64 libsprint-devel "glibc (>= $glibc)"
ls "$out"
