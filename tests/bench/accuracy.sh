#!/usr/bin/env bash
# The largest error of normd's LayerNorm, PyTorch's and oneDNN's on inputs that are hard on it.
# Usage: tests/bench/accuracy.sh
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
deploy/install-packages.sh bench kernels
# Of a tree configured before those packages came, CMake does not notice them by itself.
[ ! -f build/release/build.ninja ] || cmake --preset release >/dev/null
deploy/build.sh accuracy
exec build/release/bin/accuracy
