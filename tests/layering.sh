#!/usr/bin/env bash
# Who may include whom: prints file:line of every #include that points upward or sideways, and fails
# where there is one. Headers in the system's include path are not stopped by the linker.
# Usage: tests/layering.sh [ROOT]
set -euo pipefail

cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}"

# Our folders below the root; what is included from one of them by its path is "ours".
folders=(core server client)
for folder in "${folders[@]}"; do [ -d "$folder" ] || { echo "layering: no folder $folder/" >&2; exit 2; }; done

# One line per #include: file:line:path. What a macro names is not followed.
includes() {
  find "${folders[@]}" -type f \( -name '*.h' -o -name '*.cc' \) -print0 | sort -z |
    xargs -0 -r awk '
      match($0, /^[ \t]*#[ \t]*include[ \t]*[<"][^>"]+[>"]/) {
        path = substr($0, RSTART, RLENGTH)
        sub(/^[^<"]*[<"]/, "", path)
        sub(/[>"]$/, "", path)
        print FILENAME ":" FNR ":" path
      }'
}

# Prints the includes that break a rule, with the rule.
includes | awk -F: '
  BEGIN {
    # Below core, each folder sees itself and the ones before it.
    n = split("error tensor kernels statistics method session comparison", order, " ")
    for (i = 1; i <= n; i++) level[order[i]] = i
  }

  function complain(rule) { print $1 ":" $2 ": includes " $3 ": " rule; broken = 1 }
  function under(prefix) { return index($1, prefix) == 1 }
  function ours(path) { return path ~ /^(core|server|client|tests)\// }

  { path = $3 }

  path ~ /^\.\.?\// || path ~ /\/\.\.\// { complain("paths begin at the root of the repository") }

  under("core/") && path ~ /^(grpc|google\/|spdlog|sqlite3|absl\/flags)|\.pb\.h$/ {
    complain("core/ knows no gRPC, protobuf, spdlog, SQL or flags")
  }
  under("core/") && ours(path) {
    split($1, own, "/"); split(path, other, "/")
    if (path !~ /^core\//) complain("core/ includes only core/")
    else if (!(own[2] in level)) complain("core/" own[2] " has no place in the order of tests/layering.sh")
    else if (!(other[2] in level) || level[other[2]] > level[own[2]])
      complain("core/" own[2] " includes only core folders below it")
  }

  under("client/") && path ~ /^(core|server|tests)\// { complain("client/ knows the wire only") }
  under("client/cpp/") && path ~ /^client\/(load|cli)\// { complain("client/cpp knows no other folder of the client") }
  under("client/load/") && path ~ /^client\/cli\// { complain("client/load does not know client/cli") }

  under("server/") && path ~ /^(client|tests)\// { complain("server/ includes no client/ and no tests/") }
  under("server/async/") && path ~ /^(core\/|server\/)/ && path !~ /^server\/async\// {
    complain("server/async knows no other folder of ours")
  }
  under("server/storage/") && path ~ /^server\// && path !~ /^server\/storage\// {
    complain("server/storage includes core/ and itself only")
  }
  under("server/transport/") && path ~ /^server\// && path !~ /^server\/transport\// {
    complain("server/transport knows no other folder of the server")
  }
  under("server/observability/") && path ~ /^server\// && path !~ /^server\/(observability|async|transport)\// {
    complain("server/observability knows no calls and no sessions of ours")
  }
  # Of names with a folder: the standard headers have none, those of the system sys/.
  $1 == "server/main.cc" && path ~ /\// && path !~ /^(server|absl|sys)\// {
    complain("server/main.cc includes server/ and absl/ only")
  }

  END { exit broken }
' || { echo "layering: the includes above break a rule; see the README of the folder" >&2; exit 1; }
echo "layering: every include is allowed"
