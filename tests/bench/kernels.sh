#!/usr/bin/env bash
# normd's kernels beside Debian's oneDNN and PyTorch, each in its fastest layout, and memcpy: round by
# round on one core, medians. Prints a table and what the bars say; --json writes all figures.
# Usage: tests/bench/kernels.sh [--json FILE] [--rounds N] [--only OP/TYPE/SHAPE] [--threads N]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
deploy/install-packages.sh bench kernels
# Of a tree configured before those packages came, CMake does not notice them by itself.
[ ! -f build/release/build.ninja ] || cmake --preset release >/dev/null
deploy/build.sh kernels kernel_time
exec /usr/bin/python3 tests/bench/kernels.py "$@"
