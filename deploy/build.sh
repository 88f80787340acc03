#!/usr/bin/env bash
# Builds the given targets (default: all) in the one Release tree, build/release, installing what is
# missing first. Quiet unless it fails. Usage: deploy/build.sh [TARGET...]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -gt 0 ] || set -- all
deploy/install-packages.sh build

start=$SECONDS
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { "$@" >"$log" 2>&1 || { cat "$log" >&2; echo "failed: $*" >&2; exit 1; }; }

# build.ninja comes last: a configuration that broke off half-way is done again. Later changes of
# the CMake files ninja notices by itself.
[ -f build/release/build.ninja ] || quietly cmake --preset release
quietly cmake --build --preset release --parallel "$(nproc)" --target "$@"
echo "Built $* in build/release ($((SECONDS - start)) s)"
