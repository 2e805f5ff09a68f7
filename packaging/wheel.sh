#!/bin/bash
# Build the Python wheel with the library in it; bindings/python/setup.py does the work.
#
#   wheel.sh LIBRARY PYTHON DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/.."
library=$(realpath "$1") python=$2 out=$3

# A copy: setuptools leaves files beside what it builds.
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
cp -r bindings/python/{pyproject.toml,setup.py,README.md,src} LICENSE "$source/"
find "$source" -name __pycache__ -prune -exec rm -r {} +

# The zip's times: the same tree gives the same bytes.
export SOURCE_DATE_EPOCH=315532800 SPRINT_WHEEL_LIBRARY=$library
rm -rf "$out"
"$python" -m pip --quiet --disable-pip-version-check wheel \
    --no-build-isolation --no-deps --wheel-dir "$out" "$source"
ls "$out"/*.whl
