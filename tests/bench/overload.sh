#!/bin/bash
# What normd completes of more streams than it can: overload.sh [BUILD]. As root, with cgroups.
#
# Confines it to QUOTA of a processor, measures its capacity, and offers streams at multiples of it,
# with --max_queue_delay=5ms and with none. The line "paced" offers a tenth of it beside 500 streams with
# a pace of their own that take 30%: none should be refused. Each line: the multiple, streams a
# second that were offered, completed within their deadline, refused, expired; the milliseconds until
# half and 99% of the refusals were there; and completed streams as a share of the capacity.
# LOAD holds further flags of overload_load, but --chunks; NORMD of normd.
set -euo pipefail
build=${1:-build/release}
quota=${QUOTA:-0.25}
chunks=200  # of a stream
load=($build/bin/overload_load --chunks=$chunks ${LOAD:-})
work=$(mktemp -d)
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  group=/sys/fs/cgroup/normd-overload-$$
  mkdir $group
  echo "$(awk "BEGIN{print int(100000*$quota)}") 100000" > $group/cpu.max
else
  group=/sys/fs/cgroup/cpu/normd-overload-$$
  mkdir $group
  awk "BEGIN{print int(100000*$quota)}" > $group/cpu.cfs_quota_us
fi
server=
stop() {
  [ -z "$server" ] || { kill "$server"; wait "$server" || true; }
  server=
}
trap 'stop; rmdir $group; rm -r $work' EXIT

start() {
  rm -f $work/port
  ( echo $BASHPID > $group/cgroup.procs
    exec $build/bin/normd --listen=127.0.0.1:0 --port_file=$work/port --log_level=error \
      ${NORMD:-} "$@" ) &
  server=$!
  until [ -s $work/port ]; do sleep 0.05; done
}

# overload_load's lines are an outcome, its rate, and the quantiles of its milliseconds.
measure() {  # RATE
  "${load[@]}" --server=127.0.0.1:$(cat $work/port) --rate=$1
}

report() {  # NAME
  printf '%5s %8.1f %9.1f %8.1f %8.1f %8.1f %5.0f %12.2f\n' $1 $(of offered 2) $(of ok 2) \
    $(of OVERLOADED 2) $(of expired 2) $(of OVERLOADED 3) $(of OVERLOADED 4) \
    $(awk "BEGIN{print $(of ok 2)/$capacity}")
}

of() { awk -v outcome=$1 -v column=$2 '$1 == outcome {v = $column} END {print v + 0}' $work/out; }

start --max_queue_delay=0
measure 0 > $work/out
stop
capacity=$(of ok 2)
echo "capacity: $capacity streams a second on $quota of a processor"
for delay in 5ms 0; do
  echo "--max_queue_delay: $delay"
  echo "    x  offered completed  refused  expired  ms: 50%   99%  of capacity"
  for multiple in 0.5 1 2 4; do
    start --max_queue_delay=$delay
    measure $(awk "BEGIN{print $capacity*$multiple}") > $work/out
    stop
    report $multiple
  done
  start --max_queue_delay=$delay
  $build/bin/normctl --server=127.0.0.1:$(cat $work/port) bench --method layer_norm --streams 500 \
    --connections 16 --rate $(awk "BEGIN{print 0.3*$capacity*$chunks}") --rounds 1 --seconds 15 >/dev/null &
  paced=$!
  measure $(awk "BEGIN{print 0.1*$capacity}") > $work/out
  wait $paced || echo "paced: streams of its own were refused"
  stop
  report paced
done
