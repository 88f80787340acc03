#!/usr/bin/env bash
# layering.sh must fail, with file and line, for each kind of broken rule, and pass without one.
set -euo pipefail

layering="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/layering.sh"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
failures=0

# check ALLOWED|REFUSED FILE INCLUDE: a tree with only that include, on the file's second line.
check() {
  rm -rf "${root:?}"/*
  mkdir -p "$root"/{core,server,client} "$root/$(dirname "$2")"
  printf '// A file.\n#include %s\n' "$3" >"$root/$2"
  local verdict=ALLOWED
  "$layering" "$root" >"$root/output" 2>&1 || verdict=REFUSED
  if [ "$verdict" = REFUSED ] && ! grep -qF "$2:2: " "$root/output"; then
    verdict="REFUSED without its place"
  fi
  [ "$verdict" = "$1" ] || { echo "$2 with $3: $verdict, expected $1"; failures=$((failures + 1)); }
}

for path in '<grpcpp/grpcpp.h>' '<grpc/grpc.h>' '<google/protobuf/message.h>' '"normd/v1/x.pb.h"' \
  '<spdlog/spdlog.h>' '<sqlite3.h>' '"absl/flags/flag.h"' '"server/server.h"' \
  '"client/cpp/client.h"' '"tests/testing/reference.h"' '"../tensor/shape.h"' \
  '"core/kernels/../session/session.h"' '"core/unheard_of/x.h"'; do
  check REFUSED core/kernels/a.cc "$path"
done
check REFUSED core/kernels/a-inl.h '  <spdlog/spdlog.h>  // with a comment'
check REFUSED core/error/a.h '"core/tensor/shape.h"'
check REFUSED core/tensor/a.h '"core/kernels/row_kernels.h"'
check REFUSED core/kernels/a.h '"core/statistics/moments.h"'
check REFUSED core/statistics/a.h '"core/method/spec.h"'
check REFUSED core/method/a.cc '"core/session/session.h"'
check REFUSED core/session/a.cc '"core/comparison/comparison.h"'
check REFUSED core/unheard_of/a.cc '"core/error/error.h"'
check REFUSED client/cpp/a.cc '"core/error/error.h"'
check REFUSED client/cli/a.cc '"server/server.h"'
check REFUSED client/cpp/a.h '"client/cli/npy.h"'
check REFUSED client/cpp/a.h '"client/load/load.h"'
check REFUSED client/load/a.h '"client/cli/npy.h"'
check REFUSED server/rpc/a.cc '"client/cpp/client.h"'
check REFUSED server/rpc/a.cc '"tests/testing/reference.h"'
check REFUSED server/async/a.h '"core/error/error.h"'
check REFUSED server/async/a.h '"server/rpc/x.h"'
check REFUSED server/async/a.h '"server/storage/x.h"'
check REFUSED server/storage/a.h '"server/rpc/x.h"'
check REFUSED server/transport/a.cc '"server/async/x.h"'
check REFUSED server/observability/a.cc '"server/rpc/x.h"'
check REFUSED server/observability/a.cc '"server/storage/x.h"'
check REFUSED server/main.cc '"core/error/error.h"'
check REFUSED server/main.cc '<grpcpp/grpcpp.h>'

check ALLOWED core/session/a.cc '"core/error/error.h"'
check ALLOWED core/kernels/a.cc '"hwy/highway.h"'
check ALLOWED core/error/a.cc '"absl/strings/str_cat.h"'
check ALLOWED core/kernels/a.cc '"core/kernels/a-inl.h"'
check ALLOWED server/rpc/a.cc '"core/session/session.h"'
check ALLOWED server/storage/a.cc '"core/session/session_store.h"'
check ALLOWED server/async/a.cc '<grpcpp/grpcpp.h>'
check ALLOWED server/transport/a.cc '"core/error/error.h"'
check ALLOWED server/observability/a.cc '"server/async/event_loop.h"'
check ALLOWED server/main.cc '"absl/flags/flag.h"'
check ALLOWED server/main.cc '<string>'
check ALLOWED client/cli/a.cc '"client/cpp/client.h"'
check ALLOWED client/cli/a.cc '"client/load/load.h"'
check ALLOWED client/load/a.cc '"client/cpp/client.h"'
check ALLOWED client/cpp/a.cc '"normd/v1/session.pb.h"'

[ "$failures" -eq 0 ] || { echo "layering_selftest: $failures checks failed"; exit 1; }
echo "layering_selftest: passed"
