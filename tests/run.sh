#!/usr/bin/env bash
# Builds everything and runs all tests; arguments go to ctest. Usage: tests/run.sh [-R REGEX ...]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
deploy/build.sh
ctest --preset release --parallel "$(nproc)" "$@"
