#!/usr/bin/env bash
# A picture of Prometheus' own graphs, after some time for them to fill: for deploy/README.md. Needs
# Debian's chromium. Usage: deploy/screenshot.sh http://HOST:PORT FILE SECONDS
set -euo pipefail

prometheus=$1 file=$2 seconds=$3
command -v chromium >/dev/null || { echo "screenshot.sh: apt-get install chromium" >&2; exit 1; }
sleep "$seconds"

url=$prometheus/classic/graph?
number=0
while read -r expression; do
  encoded=$(/usr/bin/python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1]))' "$expression")
  url+="g$number.expr=$encoded&g$number.tab=0&g$number.range_input=${seconds}s&"
  number=$((number + 1))
done <<'END'
sum by (method) (rate(normd_tokens_total[10s])) > 0
histogram_quantile(0.99, sum by (le, grpc_method) (rate(grpc_server_handling_seconds_bucket[10s]))) >= 0
sum by (grpc_code) (rate(grpc_server_handled_total[10s])) > 0
END
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1150,2340 \
  --virtual-time-budget=10000 --screenshot="$file" "$url" 2>/dev/null
