#!/usr/bin/env bash
# Makes the example reports' pages and opens them in a browser; exits 77 where there is none.
# Usage: pages_in_browser.sh RENDER_PAGE FOLDER [--screenshots FOLDER]
set -euo pipefail

for program in chromium python3; do
  command -v "$program" >/dev/null || { echo "SKIPPED: no $program; deploy/install-packages.sh browser brings it"; exit 77; }
done

here=$(dirname "${BASH_SOURCE[0]}") render=$1 folder=$2
"$here/make_examples.py" "$folder"
"$render" "$folder/transformer.json" "Transformer tokens" >"$folder/transformer.html"
"$render" "$folder/convolution.json" "A convolution's pixels" >"$folder/convolution.html"
"$render" "$folder/minimal.json" "<b>five</b> tokens" >"$folder/minimal.html"

"$here/page_in_browser.py" --least-marks 4 "$folder"/{transformer,convolution}.html "${@:3}"
"$here/page_in_browser.py" "$folder/minimal.html" "${@:3}"
