#!/bin/bash
# Install what was built, or remove it again. Called by `make install` and `make uninstall`.
#
#   install.sh install|uninstall LIBRARY
#
# From the environment: DESTDIR, PREFIX, LIBDIR, INCLUDEDIR, PKGCONFIGDIR as in the GNU
# standards; STATIC, an archive to install too, or empty. The pkg-config and CMake files name
# places relative to their own where both are below PREFIX, so that the tree can be moved.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
what=$1 library=$2
file=$(basename "$library")
version=${file#libsprint.so.}
major=${version%%.*}
cmakedir=$LIBDIR/cmake/sprint
headers=(sprint.h sprint.hpp sprint_dl.h)

# below PLACE: is it in PREFIX? relative FOLDER PLACE: PLACE as seen from FOLDER.
below() { [[ $(realpath -ms "$1")/ == "$(realpath -ms "$PREFIX")"/* ]]; }
relative() { realpath -ms --relative-to="$1" "$2"; }

fill() { # TEMPLATE PREFIX LIBDIR INCLUDEDIR
    sed -e "s|@PREFIX@|$2|" -e "s|@LIBDIR@|$3|" -e "s|@INCLUDEDIR@|$4|" \
        -e "s|@VERSION@|$version|" -e "s|@MAJOR@|$major|" "$here/$1"
}

pkgconfig() {
    local prefix=$PREFIX libdir=$LIBDIR includedir=$INCLUDEDIR
    if below "$PKGCONFIGDIR"; then
        prefix="\${pcfiledir}/$(relative "$PKGCONFIGDIR" "$PREFIX")"
        ! below "$libdir" || libdir="\${prefix}/$(relative "$PREFIX" "$libdir")"
        ! below "$includedir" || includedir="\${prefix}/$(relative "$PREFIX" "$includedir")"
    fi
    fill sprint.pc.in "$prefix" "$libdir" "$includedir"
}

install_all() {
    install -d "$DESTDIR"{"$LIBDIR","$INCLUDEDIR","$PKGCONFIGDIR","$cmakedir"}
    install -m 755 "$library" "$DESTDIR$LIBDIR/$file"
    ln -sf "$file" "$DESTDIR$LIBDIR/libsprint.so.$major"
    ln -sf "libsprint.so.$major" "$DESTDIR$LIBDIR/libsprint.so"
    [ -z "$STATIC" ] || install -m 644 "$STATIC" "$DESTDIR$LIBDIR/libsprint.a"
    for header in "${headers[@]}"; do
        install -m 644 "$root/include/$header" "$DESTDIR$INCLUDEDIR/$header"
    done
    local generated
    generated=$(mktemp -d)
    trap 'rm -rf "$generated"' RETURN
    pkgconfig >"$generated/sprint.pc"
    for name in sprint-config.cmake sprint-config-version.cmake; do
        fill $name.in '' "$(relative "$cmakedir" "$LIBDIR")" "$(relative "$cmakedir" "$INCLUDEDIR")" \
            >"$generated/$name"
    done
    install -m 644 "$generated/sprint.pc" "$DESTDIR$PKGCONFIGDIR/"
    install -m 644 "$generated"/*.cmake "$DESTDIR$cmakedir/"
}

uninstall_all() {
    rm -f "$DESTDIR$LIBDIR"/{"$file",libsprint.so.$major,libsprint.so,libsprint.a}
    rm -f "$DESTDIR$PKGCONFIGDIR/sprint.pc" "$DESTDIR$cmakedir"/sprint-config{,-version}.cmake
    for header in "${headers[@]}"; do
        rm -f "$DESTDIR$INCLUDEDIR/$header"
    done
    rmdir --ignore-fail-on-non-empty "$DESTDIR$cmakedir"
}

"${what}_all"
