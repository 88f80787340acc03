#!/usr/bin/env bash
# Builds normd, streams a Transformer's activations (tests/data) through a BatchNorm session and
# through LayerNorm, and prints what each did. Everything it needs comes from apt; the server that it
# starts listens on a free loopback port and is stopped at the end. Usage: deploy/quickstart.sh
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
deploy/build.sh normd normctl

work=$(mktemp -d)
server=
stop() {
  if [ -n "$server" ]; then kill "$server" && wait "$server"; fi
  rm -rf "$work"
}
trap stop EXIT

build/release/bin/normd --listen=127.0.0.1:0 --port_file="$work/port" --log_level=warn &
server=$!
for _ in {1..100}; do [ -s "$work/port" ] || { kill -0 "$server"; sleep 0.1; }; done
NORMD_SERVER=127.0.0.1:$(cat "$work/port")
export NORMD_SERVER

normctl() { build/release/bin/normctl "$@" >>"$work/output" 2>&1 || { cat "$work/output" >&2; exit 1; }; }
tokens=tests/data/transformer_l1_tokens.npy
even=0:3968 # the first tokens, as many as batches of 128 divide

# stream NAME ARGUMENTS...: the tokens' output goes to $work/NAME.npy.
stream() { normctl stream "$tokens" -o "$work/$1.npy" "${@:2}"; }

# gap EXPECTED ACTUAL FIELD [ROWS]: one figure of how far apart two outputs are.
gap() {
  build/release/bin/normctl diff "$work/$1.npy" "$work/$2.npy" --field "$3" ${4:+--rows "$4"}
}
percent() { awk -v ratio="$1" 'BEGIN { printf (ratio < 0.01 ? "%.1f%%" : "%.0f%%"), 100 * ratio }'; }

# BatchNorm. Update-first: each token enters the session's statistics, then is normalized by them.
normctl session create tour --method batch_norm --channels 128 --estimator cumulative
stream streaming --session tour --mode streaming
stream inference --session tour --mode inference
stream inference_even --session tour --mode inference --rows "$even"
for batch in 2 32 128; do
  stream "training_$batch" --method batch_norm --mode training --rows "$even" --rows-per-chunk "$batch"
done
refusal=$(build/release/bin/normctl stream "$tokens" --rows 0:1 --method batch_norm \
  --mode training 2>&1) && { echo "TRAINING took a single token" >&2; exit 1; }

# LayerNorm, one token a message and 128.
stream layer_1 --method layer_norm
stream layer_128 --method layer_norm --rows-per-chunk 128

cat <<END

4079 tokens x 128 features: what enters a LayerNorm of a small Transformer (tests/data/README.md).
Each figure is the gap between two outputs for the same tokens: rms(difference) / rms(output).

BatchNorm, STREAMING: one token at a time, running statistics over the tokens so far
  against its INFERENCE by the statistics of all tokens
END
while read -r rows label; do
  printf '    %-20s %6s\n' "$label" "$(percent "$(gap inference streaming relative_rms "$rows")")"
done <<END
0:1 token 1
1:2 token 2
2:10 tokens 3 to 10
90:100 tokens 91 to 100
990:1000 tokens 991 to 1000
3979:4079 the last 100
END
cat <<END
  Token 1 comes out as zeros (rms $(gap inference streaming rms_actual 0:1)): it is its own mean.

BatchNorm, TRAINING: each batch by its own statistics
  against the same INFERENCE
    batches of 1         refused:
$(fold -s -w 86 <<<"$refusal" | sed 's/^/        /; s/ *$//')
END
for batch in 2 32 128; do
  printf '    batches of %-9s %6s\n' "$batch" \
    "$(percent "$(gap inference_even "training_$batch" relative_rms)")"
done
differing=$(gap layer_1 layer_128 differing_bits)
cat <<END

LayerNorm: statistics of each token's own features; no session, no modes
  one token a message against 128 a message
    values that differ in any bit: $differing of $(gap layer_1 layer_128 elements)
END
[ "$differing" = 0 ] || exit 1
cat <<END

What this shows, on these tokens: BatchNorm's output for a token depends on the tokens that came
before it or share its batch, less so the more there are. LayerNorm's depends on that token alone,
so its gap is exactly 0. Whether gaps of this size harm a model, these figures do not tell.
END
