#!/usr/bin/env bash
# Prometheus, with the configuration and alerts of this folder, scrapes servers under load; then every
# expression of the dashboard and of the alerts must return data. With FILE, it also takes a screenshot
# of Prometheus' own graphs by chromium, after SECONDS of load. Usage: test-monitoring.sh [FILE SECONDS]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
deploy/install-packages.sh operate script
deploy/build.sh normd normctl
source deploy/loopback.sh

(cd deploy/prometheus && promtool check rules alerts.yml && promtool test rules alerts_test.yml) >"$work/promtool" 2>&1 ||
  fail "$(cat "$work/promtool")"

# A certificate that ends in a week, which one of the alerts is about.
certificate() { # NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7 -subj /CN=normd \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$work/$1.key" -out "$work/$1.crt" 2>/dev/null
}
certificate served
certificate client
start_normd served --tls_cert="$work/served.crt" --tls_key="$work/served.key" --tls_client_ca="$work/client.crt" \
  --tls_reload_interval=1s --max_sessions=1
export NORMD_SERVER=127.0.0.1:${port_of[served]} NORMD_TLS_CA=$work/served.crt \
  NORMD_TLS_CERT=$work/client.crt NORMD_TLS_KEY=$work/client.key
# One that drains for as long as this lasts.
start_normd draining --drain_delay=1h
kill -TERM "${pid_of[draining]}"

tokens=tests/data/transformer_l1_tokens.npy
# One row with NaN, which a layer_norm stream refuses: 128 little-endian float32.
head -c 512 /dev/zero | tr '\0' '\377' >"$work/nan"
normctl session create load --method batch_norm --channels 128 --estimator cumulative >/dev/null
load() {
  while :; do
    normctl stream "$tokens" --session load --mode streaming --rows-per-chunk 4
    normctl stream "$tokens" --method layer_norm
    normctl normalize "$tokens" --method rms_norm --rows 0:512
    normctl compare "$tokens" --rows-per-chunk 128
    normctl stream "$work/nan" --raw --type float32 --shape 1,128 --method layer_norm || true
    normctl session create one_too_many --method batch_norm --channels 128 || true
  done >"$work/load.log" 2>&1
}
load &
pids+=($!)

# As committed, but for where the servers are, one of which is not there, and how often they are asked.
port=$(free_port)
cp deploy/prometheus/alerts.yml "$work"
sed -e "s/\"normd:9464\"/\"127.0.0.1:${admin_of[served]}\", \"127.0.0.1:${admin_of[draining]}\", \"127.0.0.1:1\"/" \
  -e 's/scrape_interval: 5s/scrape_interval: 1s/' deploy/prometheus/prometheus.yml >"$work/prometheus.yml"
promtool check config "$work/prometheus.yml" >"$work/promtool" || fail "$(cat "$work/promtool")"
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" \
  --web.listen-address="127.0.0.1:$port" >"$work/prometheus.log" 2>&1 &
pids+=($!)
wait_for 30 curl -fsS "http://127.0.0.1:$port/-/ready"
# An increase needs figures from before it, and Prometheus begins to ask some seconds after it is ready.
scraped() { # SECONDS
  curl -fsS "http://127.0.0.1:$port/api/v1/query" \
    --data-urlencode "query=count_over_time(normd_tls_reloads_total{result=\"refused\"}[1m]) >= $1" | grep -q '"value"'
}
wait_for 30 scraped 2
cp "$work/client.key" "$work/served.key" # does not fit: refused, and the old pair goes on

/usr/bin/python3 deploy/check_queries.py "http://127.0.0.1:$port" --holding \
  NormdDown NormdNotReady NormdNearLimit NormdRefuses NormdCertificateExpires NormdCertificateRefused

[ $# -eq 0 ] || deploy/screenshot.sh "http://127.0.0.1:$port" "$@"
