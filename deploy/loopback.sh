# Sourced by the tests here: servers on loopback, started on free ports and ended by process id.

work=$(mktemp -d)
pids=()
end() { kill "$@" 2>/dev/null && wait "$@" 2>/dev/null || true; }
clean_up() {
  for pid in "${pids[@]}"; do end "$pid"; done
  rm -rf "$work"
}
trap clean_up EXIT

fail() { echo "$(basename "$0"): $*" >&2; exit 1; }
normctl() { build/release/bin/normctl "$@"; }
say() { printf '%-58s %s\n' "$1" "$2"; }

# A port that is free now, for programs that cannot tell which one they took.
free_port() { /usr/bin/python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "waited in vain for: $*"
    sleep 0.1
  done
}

declare -A pid_of port_of admin_of

# start_normd NAME FLAGS...: with the ports that it had before, or free ones; until it is ready.
start_normd() {
  local name=$1
  shift
  rm -f "$work/$name.port" "$work/$name.admin"
  build/release/bin/normd --listen="127.0.0.1:${port_of[$name]:-0}" --port_file="$work/$name.port" \
    --admin_listen="127.0.0.1:${admin_of[$name]:-0}" --admin_port_file="$work/$name.admin" \
    --log_level=warn "$@" &
  pid_of[$name]=$!
  pids+=($!)
  wait_for 20 test -s "$work/$name.port" -a -s "$work/$name.admin"
  port_of[$name]=$(cat "$work/$name.port")
  admin_of[$name]=$(cat "$work/$name.admin")
  wait_for 20 curl -fsS "http://127.0.0.1:${admin_of[$name]}/readyz"
}
metrics() { curl -fsS "http://127.0.0.1:${admin_of[$1]}/metrics"; }

# streams_started NAME: how many NormalizeStream calls a server has taken.
streams_started() {
  metrics "$1" | awk '/^grpc_server_started_total\{.*grpc_method="NormalizeStream"/ { n += $NF } END { print n + 0 }'
}
