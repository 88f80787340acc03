#!/usr/bin/env bash
# Many streams that are open at one time and mostly quiet: whether every token is answered, and what a
# stream takes of memory beside a plain gRPC echo. Fails where a bar is missed.
# Usage: tests/bench/many_streams.sh [--streams N] [--connections N] [--seconds S]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
deploy/install-packages.sh bench
deploy/build.sh normd normctl echo_server
exec /usr/bin/python3 tests/bench/many_streams.py "$@"
