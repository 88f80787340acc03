#!/usr/bin/env bash
# Installs the Debian packages of the given sections of packages.txt (default: build) that are
# missing. Silent where there is nothing to do. Usage: deploy/install-packages.sh [SECTION...]
set -euo pipefail

list="$(dirname "${BASH_SOURCE[0]}")/packages.txt"
[ $# -gt 0 ] || set -- build

wanted=()
for section in "$@"; do
  mapfile -t names < <(awk -v section="$section" '
    /^# [a-z]+$/ { inside = ($2 == section); next }
    inside && NF && !/^#/ { print $1 }' "$list")
  [ ${#names[@]} -gt 0 ] || { echo "install-packages.sh: no section \"$section\" in $list" >&2; exit 2; }
  wanted+=("${names[@]}")
done

missing=()
for name in "${wanted[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null || true)
  grep -qx installed <<<"$status" || missing+=("$name")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=(env)
elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
  as_root=(sudo env)
else
  echo "Missing packages; run as root: apt-get update && apt-get install -y ${missing[*]}" >&2
  exit 1
fi

echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A machine just started may still hold apt's lock: wait for it.
apt() { "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"; }
{ apt update && apt install -y --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1 || {
  cat "$log" >&2
  echo "Could not install; needed: ${missing[*]}" >&2
  exit 1
}
