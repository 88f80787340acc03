#!/usr/bin/env bash
# Builds the image, runs it as README does, streams through it from outside, and drains it while a
# stream is open. Exits 77 where no Docker engine runs. Usage: deploy/test-image.sh
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
docker info >/dev/null 2>&1 || { echo "SKIPPED: no Docker engine runs here"; exit 77; }
deploy/install-packages.sh script
deploy/build.sh normd normctl

source deploy/loopback.sh

image=normd:test
container=
remove_container() {
  [ -z "$container" ] || docker rm -f "$container" >/dev/null
  clean_up
}
trap remove_container EXIT
give_up() {
  docker logs --tail 20 "$container" >&2
  fail "$@"
}

# The base image, with what apt needs on this machine to reach Debian: proxies, dates.
mkdir "$work/base"
apt-config dump Acquire | sed -nE '/^Acquire::(https?::|Check-)/p' >"$work/base/99host"
printf 'FROM debian:bookworm-slim\nCOPY 99host /etc/apt/apt.conf.d/\n' >"$work/base/Dockerfile"
build() { docker build -q --build-arg http_proxy --build-arg https_proxy "$@" >/dev/null; }
build -t normd-base:test "$work/base"
build -t "$image" --build-arg BASE=normd-base:test .

bytes() { docker image inspect -f '{{.Size}}' "$1"; }
added=$(($(bytes "$image") - $(bytes normd-base:test)))
echo "image: $((added / 1000000)) MB on top of its base of $(($(bytes normd-base:test) / 1000000)) MB"
[ "$added" -le 30000000 ] || fail "adds more than 30 MB to its base"

container=$(docker run -d --read-only --cap-drop ALL --security-opt no-new-privileges \
  --memory 2g --pids-limit 1024 -p 127.0.0.1::50051 -p 127.0.0.1::9464 "$image")
[ "$(docker image inspect -f '{{.Config.User}}' "$image")" = 65532:65532 ] || fail "runs as root"

health() { docker inspect -f '{{.State.Health.Status}}' "$container"; }
for _ in {1..120}; do [ "$(health)" != healthy ] || break; sleep 0.5; done
[ "$(health)" = healthy ] || give_up "Docker says: $(health)"

published() { docker port "$container" "$1" | head -n 1; }
served=$(published 50051)
admin=$(published 9464)

# The same bits as from a server that runs here.
start_normd outside
here=127.0.0.1:${port_of[outside]}
tokens=tests/data/transformer_l1_tokens.npy
normctl --server "$served" health || give_up "normctl health"
for server in "$served" "$here"; do
  normctl --server "$server" session create image --method batch_norm --channels 128 --estimator cumulative >/dev/null
  normctl --server "$server" stream "$tokens" --session image --mode streaming -o "$work/${server//[^0-9]/}.npy"
done
differing=$(normctl diff "$work/${here//[^0-9]/}.npy" "$work/${served//[^0-9]/}.npy" --field differing_bits)
echo "values that differ in any bit from a server outside the container: $differing"
[ "$differing" = 0 ] || give_up "outputs differ"

curl -fsS "http://$admin/metrics" >"$work/metrics"
grep -qE '^normd_tokens_total\{method="batch_norm"\} 4079(\.0)?$' "$work/metrics" ||
  give_up "/metrics does not tell of 4079 tokens: $(grep normd_tokens "$work/metrics")"

# Drained while a stream is open: it gets its `closed`, and the container exits 0 in time.
/usr/bin/python3 deploy/open_stream.py "$served" --until-closed >"$work/open_stream" &
pids+=($!)
client=$!
wait_for 20 grep answered "$work/open_stream"
start=$SECONDS
docker stop --time 25 "$container" >/dev/null
drained=$((SECONDS - start))
wait "$client" || give_up "the open stream got no closed: $(cat "$work/open_stream")"
cat "$work/open_stream"
code=$(docker inspect -f '{{.State.ExitCode}}' "$container")
echo "drained in $drained s, exit code $code"
[ "$code" = 0 ] || give_up "exit code $code"
[ "$drained" -lt 20 ] || give_up "drained in $drained s"
