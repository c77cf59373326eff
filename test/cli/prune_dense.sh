#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pruning a network of fully connected layers alone, whose filterlets are whole filters; and shares that a recipe
# gives to layers of which nothing can leave.
. "$(dirname "$0")/../lib.sh"
cd "$work"
pattern_data data
cat >net.txt <<'END'
graph dense
tensor "image" f32 1x8x8x1
tensor "flat" f32 1x64
tensor "hidden/w" f32 16x64 init he_normal
tensor "hidden/b" f32 16 init zeros
tensor "hidden" f32 1x16
tensor "dense/w" f32 3x16 init glorot_uniform
tensor "dense/b" f32 3 init zeros
tensor "logits" f32 1x3
tensor "scores" f32 1x3
input "image"
node reshape flat "image" -> "flat"
node fully_connected hidden "flat" "hidden/w" "hidden/b" -> "hidden" activation relu
node fully_connected dense "hidden" "dense/w" "dense/b" -> "logits"
node softmax softmax "logits" -> "scores"
output "scores"
END
scale=(--input-scale 0.01 --input-offset -1)
"$dtmm" train net.txt --data data "${scale[@]}" --epochs 8 --lr 0.02 -o dense >train.log 2>&1 || { cat train.log; die "does not train"; }
prune=("$dtmm" prune dense/model.tflite --data data "${scale[@]}" --epochs 0)
remove() { # OUT options...: without training; half of the hidden filters leave
    local out=$1
    shift
    "${prune[@]}" --json -o "$out.tflite" "$@" >"$out.json" 2>"$out.log" || { cat "$out.log"; die "does not prune: $*"; }
    "$dtmm" inspect "$out.tflite" | grep -Eq '^ *hidden .* 1x8 ' || { "$dtmm" inspect "$out.tflite"; die "$out: not 8 filters are left"; }
    awk -v s="$(json "$out.json" sparsity)" 'BEGIN {exit !(s == 0.5)}' || die "$out: $(json "$out.json" sparsity) is absent"
}
remove filterlets --sparsity 0.5
[ "$(json filterlets.json score)" = reconstruction ] || die "chosen by $(json filterlets.json score)"
at_least filterlets.json validation_int8 0.95
remove magnitude --sparsity 0.5 --score magnitude
echo '{"layers": {"hidden": {"sparsity": 0.5}}}' >half_recipe.json
remove recipe --recipe half_recipe.json
remove steps --sparsity 0.5 --steps 3
expect_fail 1 '98.0 % of the weights cannot leave, only 93.[0-9] %: .*; remove less, or finer units \(block:4\)' \
    "${prune[@]}" --sparsity 0.98 -o x.tflite

refused() { # PATTERN RECIPE
    echo "$2" >refused.json
    expect_fail 1 "^dtmm: refused.json: $1" "${prune[@]}" --recipe refused.json -o x.tflite
    expect_fail 1 "refused.json: $1" "$dtmm" compress dense/model.tflite --data data --target cortex-m4 --recipe refused.json -o x
    [ ! -e x.tflite ] && [ ! -e x ] && [ ! -e x.state ] || die "a refused recipe wrote something"
}
refused "fully_connected 'dense': no filterlet of it can leave: .*; use \"unit\": \"block:4\" for it" \
    '{"layers": {"dense": {"sparsity": 0.5}}}'
refused "fully_connected 'dense': no filter of it can leave: each is a whole filter, .* outputs or inputs have their channels" \
    '{"unit": "filter", "layers": {"dense": {"sparsity": 0.5}}}'
refused "fully_connected 'dense': no filter of it can leave: the network's outputs or inputs have their channels; .* not \"filters\"" \
    '{"sparsity": 0, "layers": {"dense": {"filters": 0.5}}}'
refused "fully_connected 'hidden': each filter that stays keeps a unit, and has only one; .* or smaller units" \
    '{"layers": {"hidden": {"filters": 0.25, "sparsity": 0.5}}}'
# What can leave does.
echo '{"layers": {"hidden": {"filters": 0.5}, "dense": {"filters": 0, "unit": "block:4"}}}' >thin_recipe.json
remove filters --recipe thin_recipe.json
