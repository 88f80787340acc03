#!/usr/bin/env bash
# The token path beside the wire's own limit: normd and a plain gRPC echo, each on one core, under the
# same load from another, round by round; a second echo is the control. Prints a table and what the bars
# say. --full adds tokens after silence, beside a client that sends long chunks, and beside one that
# reads no more.
# Usage: tests/bench/stream.sh [--full] [--json FILE] [--seconds S] [--rounds N]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
deploy/install-packages.sh bench
deploy/build.sh normd normctl echo_server kernel_time after_silence
exec /usr/bin/python3 tests/bench/stream.py "$@"
