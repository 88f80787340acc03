#!/usr/bin/env bash
# Renders each folder of kubernetes/ and checks it against Kubernetes' own schemas, and that its objects
# fit each other. Exits 77 where there is no kubectl, which Debian 12 has too old. Usage: deploy/test-kubernetes.sh
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v kubectl >/dev/null || { echo "SKIPPED: no kubectl"; exit 77; }
deploy/install-packages.sh script
tools=build/kubernetes
[ -x "$tools/bin/kubernetes-validate" ] || {
  /usr/bin/python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.37.0
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for folder in deploy/kubernetes/*/; do
  kubectl kustomize "$folder" >"$work/objects.yaml"
  "$tools/bin/kubernetes-validate" --strict "$work/objects.yaml" >"$work/schemas" 2>&1 ||
    { cat "$work/schemas"; exit 1; }
  /usr/bin/python3 deploy/check_kubernetes.py <"$work/objects.yaml" || { echo "$folder: see above"; exit 1; }
  echo "$folder: $(grep -c '^kind:' "$work/objects.yaml") objects"
done
