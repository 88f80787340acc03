#!/usr/bin/env bash
# HAProxy and nginx, with the configurations of this folder, each in front of two servers: sessions
# stay where they are, quiet streams stay open, large ones go through, and a rolling restart under
# HAProxy costs a client one retry at most. Usage: deploy/test-proxies.sh
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
deploy/install-packages.sh operate script
deploy/build.sh normd normctl
source deploy/loopback.sh

tokens=tests/data/transformer_l1_tokens.npy
silence=80 # seconds; nginx gives up after 60 and 75, HAProxy as often configured after 50 or 60
declare -A address_of

start_haproxy() {
  local port
  port=$(free_port)
  NORMD_BIND=127.0.0.1:$port NORMD_1=127.0.0.1:${port_of[haproxy-1]} NORMD_2=127.0.0.1:${port_of[haproxy-2]} \
    NORMD_1_ADMIN_PORT=${admin_of[haproxy-1]} NORMD_2_ADMIN_PORT=${admin_of[haproxy-2]} \
    haproxy -db -f deploy/haproxy/haproxy.cfg >"$work/haproxy.log" 2>&1 &
  pids+=($!)
  address_of[haproxy]=127.0.0.1:$port
}

start_nginx() {
  local port
  port=$(free_port)
  sed -e "s/normd-1:50051/127.0.0.1:${port_of[nginx-1]}/; s/normd-2:50051/127.0.0.1:${port_of[nginx-2]}/" \
    -e "s/^\( *listen\) 50051/\1 127.0.0.1:$port/" deploy/nginx/nginx.conf >"$work/nginx.conf"
  nginx -p "$work/" -c "$work/nginx.conf" -e stderr -g 'daemon off;' >"$work/nginx.log" 2>&1 &
  pids+=($!)
  address_of[nginx]=127.0.0.1:$port
}

# Every call and stream of a session arrives where it was created: elsewhere it would be NOT_FOUND.
check_sessions() {
  local proxy=$1 id listed=()
  for id in session-{1..20}; do
    normctl --server "${address_of[$proxy]}" session create "$id" --method batch_norm --channels 128 --estimator cumulative
    for rows in 0:64 64:128; do
      normctl --server "${address_of[$proxy]}" stream "$tokens" --session "$id" --mode streaming --rows "$rows"
    done
    normctl --server "${address_of[$proxy]}" session get "$id" | grep -q '128 values per channel'
  done >"$work/$proxy.sessions" 2>&1 || fail "$proxy: $id: $(tail -n 1 "$work/$proxy.sessions")"
  for server in "$proxy-1" "$proxy-2"; do
    listed+=("$(normctl --server "127.0.0.1:${port_of[$server]}" session list | grep -c '^sessions/session-')")
  done
  say "$proxy: sessions on each of two servers" "${listed[*]}"
  [ $((listed[0] + listed[1])) = 20 ] && [ "${listed[0]}" -ge 2 ] && [ "${listed[1]}" -ge 2 ] ||
    fail "$proxy: sessions are not spread"
}

# Streams without a session are spread evenly.
check_spread() {
  local proxy=$1 before after
  before=$(streams_started "$proxy-1")
  for _ in {1..20}; do
    normctl --server "${address_of[$proxy]}" stream "$tokens" --rows 0:16 --method layer_norm 2>/dev/null
  done
  after=$(streams_started "$proxy-1")
  say "$proxy: of 20 streams without a session, the first server's" "$((after - before))"
  [ $((after - before)) -ge 8 ] && [ $((after - before)) -le 12 ] || fail "$proxy: streams are not spread evenly"
}

check_large() {
  local proxy=$1
  normctl --server "${address_of[$proxy]}" stream "$work/large" --raw --type float32 --shape -1,128 \
    --method layer_norm --rows-per-chunk 64 -o "$work/$proxy.large" 2>"$work/$proxy.rate" ||
    fail "$proxy: $(cat "$work/$proxy.rate")"
  say "$proxy: a stream of $(($(stat -c %s "$work/large") / 1000000)) MB each way" "$(cat "$work/$proxy.rate")"
  cmp "$work/$proxy.large" "$work/large.expected" || fail "$proxy: the large stream's output differs"
}

for server in {haproxy,nginx}-{1,2}; do start_normd "$server" --drain_delay=5s; done
start_haproxy
start_nginx
for proxy in haproxy nginx; do
  wait_for 20 normctl --server "${address_of[$proxy]}" health
  check_spread "$proxy" # before a stream stays open, which makes the other server the emptier one
done

declare -A quiet
for proxy in haproxy nginx; do
  /usr/bin/python3 deploy/open_stream.py "${address_of[$proxy]}" --silence "$silence" >"$work/$proxy.quiet" 2>&1 &
  quiet[$proxy]=$!
  pids+=($!)
done

# The data of a .npy file without its header of 128 bytes, twelve times.
for _ in {1..12}; do tail -c +129 "$tokens"; done >"$work/large"
normctl --server "127.0.0.1:${port_of[nginx-1]}" stream "$work/large" --raw --type float32 --shape -1,128 \
  --method layer_norm --rows-per-chunk 64 -o "$work/large.expected" 2>/dev/null
for proxy in haproxy nginx; do
  check_sessions "$proxy"
  check_large "$proxy"
done

for proxy in haproxy nginx; do
  wait "${quiet[$proxy]}" || fail "$proxy: a quiet stream: $(cat "$work/$proxy.quiet")"
  say "$proxy: a stream after $silence s of silence" "$(tail -n 1 "$work/$proxy.quiet")"
done

# A rolling restart under load. A client may try once more, and only after UNAVAILABLE.
try() {
  normctl --server "${address_of[haproxy]}" stream "$tokens" --rows 0:1024 --method layer_norm \
    -o "$work/client-$1.npy" 2>"$work/client-$1.error"
}
client() {
  local streams=0 retries=0 failures=0
  while [ ! -e "$work/rolled" ]; do
    streams=$((streams + 1))
    if ! try "$1"; then
      cat "$work/client-$1.error" >>"$work/retried"
      grep -qE 'Is normd running|draining' "$work/client-$1.error" && retries=$((retries + 1)) && try "$1" ||
        { failures=$((failures + 1)); cat "$work/client-$1.error" >>"$work/failed"; continue; }
    fi
    [ "$(normctl diff "$work/expected.npy" "$work/client-$1.npy" --field differing_bits)" = 0 ] ||
      { failures=$((failures + 1)); echo "wrong output" >>"$work/failed"; }
  done
  echo "$streams $retries $failures" >"$work/client-$1.count"
}
normctl --server "127.0.0.1:${port_of[haproxy-1]}" stream "$tokens" --rows 0:1024 --method layer_norm \
  -o "$work/expected.npy" 2>/dev/null
clients=()
for number in 1 2 3 4; do
  client "$number" &
  clients+=($!)
done
pids+=("${clients[@]}")

serves() { [ "$(streams_started "$1")" -gt 0 ]; }
for server in haproxy-1 haproxy-2; do
  kill -TERM "${pid_of[$server]}"
  status=0
  wait "${pid_of[$server]}" || status=$?
  [ "$status" = 0 ] || fail "$server exits $status after SIGTERM"
  start_normd "$server" --drain_delay=5s
  wait_for 20 serves "$server"
done
touch "$work/rolled"
wait "${clients[@]}"

read -r streams retries failures < <(awk '{ s += $1; r += $2; f += $3 } END { print s, r, f }' "$work"/client-*.count)
say "haproxy: rolling restart: streams, retries, failures" "$streams $retries $failures"
[ ! -s "$work/retried" ] || sort "$work/retried" | uniq -c
[ "$streams" -ge 20 ] || fail "too few streams to tell"
[ "$failures" = 0 ] || { sort "$work/failed" | uniq -c >&2; fail "clients with one retry saw errors"; }
