#!/usr/bin/env bash
# Instructions a token, outside the kernel, of normd and of a plain gRPC echo, counted by Valgrind: the
# same in every run within 2%, where processor time differs by a tenth.
# Usage: tests/bench/instructions.sh [FLAGS of normctl bench]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
deploy/install-packages.sh bench
deploy/build.sh normd normctl echo_server
exec /usr/bin/python3 tests/bench/instructions.py "$@"
