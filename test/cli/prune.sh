#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pruning a small network on made-up images: what is asked for is absent, the accuracy stays, the same bytes
# come out again, and the result compiles.
. "$(dirname "$0")/../lib.sh"
cd "$work"
pattern_data data
pattern_network
dense_bytes=$((72 + 576 + 384))
for score in magnitude taylor fisher; do
    pattern_prune $score --sparsity 0.5 --unit block:4 --score $score
    at_least $score.json sparsity 0.5
    at_least $score.json validation_int8 0.95
done
pattern_prune filterlet --sparsity 0.5
pattern_prune filter --sparsity 0.3 --unit filter --threads 1
[ "$(json magnitude.json weight_bytes)" -lt $((dense_bytes * 3 / 4)) ] || die "half the weights take three quarters"
pattern_prune again --sparsity 0.5 --unit block:4 --score magnitude --threads 1
cmp magnitude.tflite again.tflite || die "another outcome with the same seed"
pattern_prune random --sparsity 0.5 --unit block:4 --score random
! cmp -s magnitude.tflite random.tflite || die "the score is not used"

# The accuracy that is told is that of the int8 network as the host executes it, not that of the float one.
on_validation() { # MODEL: its accuracy on validation data
    "$dtmm" eval "$1" --data data --part validation --val 0.9 --json >eval.json
    json eval.json accuracy
}
"$dtmm" prune dense/model.tflite --data data --val 0.9 --sparsity 0.9 --unit block:4 --score random --steps 1 --epochs 0 \
    --no-compensate --json -o rough.tflite >rough.json 2>rough.log || { cat rough.log; die "does not prune"; }
[ "$(json rough.json validation_int8)" = "$(on_validation rough.tflite)" ] || die "int8: $(on_validation rough.tflite)"
[ "$(json rough.json validation_pruned)" = "$(on_validation rough.safetensors)" ] || die "float: $(on_validation rough.safetensors)"
[ "$(on_validation rough.tflite)" != "$(on_validation rough.safetensors)" ] || die "nothing is shown: both are alike"

# Layer by layer.
echo '{"layers": {"second": {"unit": "block:8", "sparsity": 0.75}}}' >recipe.json
pattern_prune layers --recipe recipe.json
awk -v s="$(json layers.json sparsity)" 'BEGIN {exit !(s > 0.4 && s < 0.5)}' || die "another share than the recipe's"

# Filters, then blocks of what is left of the others.
echo '{"layers": {"second": {"filters": 0.25, "unit": "block:4", "sparsity": 0.5}}}' >filters.json
pattern_prune thin --recipe filters.json
"$dtmm" inspect thin.tflite --json >thin.txt
grep -q '^      "filters": 6,' thin.txt || { cat thin.txt; die "a quarter of 8 filters is 2"; }
awk -v s="$(json thin.json sparsity)" 'BEGIN {exit !(s > 0.43 && s < 0.45)}' || die "thin: $(json thin.json sparsity) is absent"

"$dtmm" compress magnitude.tflite --target cortex-m4 -o out >compress.log 2>&1 || { cat compress.log; die "does not compile"; }
"$dtmm" eval magnitude.tflite --data data --on cortex-m4 --limit 3 >eval.log 2>&1 || { cat eval.log; die "another answer on the device"; }
grep -q 'equal to the host in every output byte: 3 of 3' eval.log || { cat eval.log; die "not compared"; }

expect_fail 1 '--sparsity or --recipe is missing' "$dtmm" prune dense/model.tflite --data data -o x.tflite
expect_fail 1 '--recipe tells units' "$dtmm" prune dense/model.tflite --data data --recipe r --unit filter -o x.tflite
expect_fail 1 "unit 'half': must be filterlet" \
    "$dtmm" prune dense/model.tflite --data data --sparsity 0.5 --unit half -o x.tflite
echo '{"layers": {"third": {}}}' >bad.json
expect_fail 1 "bad.json: the network has no layer 'third'" \
    "$dtmm" prune dense/model.tflite --data data --recipe bad.json -o x.tflite
[ ! -e x.tflite ] || die "a refused pruning wrote something"
