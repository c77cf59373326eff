#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The paper's policy (test/tool/paper_policy.c): its recipes meet its budgets by its formulas, computed here
# once more for a small network with a residual sum and a concatenation; `dtmm prune` takes them; the same seed
# gives the same recipe; what cannot be met is told.
. "$(dirname "$0")/../lib.sh"
tool=$root/${BUILD:-build}/test/tool/paper_policy
cd "$work"
pattern_data data
# Without activations no channel dies in training, so that sizes are those written here.
cat >net.txt <<'END'
graph residual
tensor "image" f32 1x8x8x1
tensor "stem/w" f32 8x3x3x1 init he_normal
tensor "stem/b" f32 8 init zeros
tensor "stem" f32 1x8x8x8
tensor "a/w" f32 12x3x3x8 init he_normal
tensor "a/b" f32 12 init zeros
tensor "a" f32 1x8x8x12
tensor "b/w" f32 8x3x3x12 init he_normal
tensor "b/b" f32 8 init zeros
tensor "b" f32 1x8x8x8
tensor "sum" f32 1x8x8x8
tensor "c/w" f32 16x3x3x8 init he_normal
tensor "c/b" f32 16 init zeros
tensor "c" f32 1x4x4x16
tensor "d/w" f32 16x1x1x8 init he_normal
tensor "d/b" f32 16 init zeros
tensor "d" f32 1x4x4x16
tensor "cat" f32 1x4x4x32
tensor "e/w" f32 16x3x3x32 init he_normal
tensor "e/b" f32 16 init zeros
tensor "e" f32 1x4x4x16
tensor "mean" f32 1x1x1x16
tensor "flat" f32 1x16
tensor "dense/w" f32 3x16 init glorot_uniform
tensor "dense/b" f32 3 init zeros
tensor "logits" f32 1x3
tensor "scores" f32 1x3
input "image"
node conv_2d stem "image" "stem/w" "stem/b" -> "stem" pads 1 1 1 1
node conv_2d a "stem" "a/w" "a/b" -> "a" pads 1 1 1 1
node conv_2d b "a" "b/w" "b/b" -> "b" pads 1 1 1 1
node add sum "b" "stem" -> "sum"
node conv_2d c "sum" "c/w" "c/b" -> "c" stride 2 2 pads 0 1 0 1
node conv_2d d "sum" "d/w" "d/b" -> "d" stride 2 2
node concatenation cat "c" "d" -> "cat" axis 3
node conv_2d e "cat" "e/w" "e/b" -> "e" pads 1 1 1 1
node mean mean "e" -> "mean" axes 6
node reshape flat "mean" -> "flat"
node fully_connected dense "flat" "dense/w" "dense/b" -> "logits"
node softmax softmax "logits" -> "scores"
output "scores"
END
"$dtmm" train net.txt --data data --epochs 2 --lr 0.001 --clip 0.01 -o dense >train.log 2>&1 || { cat train.log; die "does not train"; }
"$dtmm" quantize dense/model.tflite --data data -o int8.tflite >quantize.log 2>&1 || { cat quantize.log; die "does not quantize"; }

# Flash and SRAM of a recipe for the network above.
formulas() { # RECIPE
    /usr/bin/python3 - "$1" <<'END'
import json, sys
layers = json.load(open(sys.argv[1]))["layers"]
filters = {"stem": 8, "a": 12, "b": 8, "c": 16, "d": 16, "e": 16}
positions = {"stem": 9, "a": 9, "b": 9, "c": 9, "d": 1, "e": 9}
stay = {n: f - round(f * layers[n]["filters"]) for n, f in filters.items()}
assert stay["b"] == stay["stem"]
inputs = {"stem": 1, "a": stay["stem"], "b": stay["a"], "c": stay["b"], "d": stay["b"], "e": stay["c"] + stay["d"]}
flash = stay["e"] * 3 + 3
for n in filters:
    absent = round(stay[n] * positions[n] * layers[n]["sparsity"])
    kept = stay[n] * positions[n] - absent
    assert absent == 0 or positions[n] > 1
    flash += kept * inputs[n] + (2 * kept + 2 * stay[n] if absent else 0)
at = {"image": 64, "stem": 64 * stay["stem"], "a": 64 * stay["a"], "b": 64 * stay["b"], "sum": 64 * stay["b"]}
at.update({n: 16 * stay[n] for n in "cde"})
alive = ["image stem", "stem a", "stem a b", "stem b sum", "sum c", "sum c d", "c d e", "e"]
print("flash", flash, "SRAM", max(sum(at[t] for t in names.split()) for names in alive))
END
}
within_budgets() { # LINE
    sed -E 's/flash ([0-9]+) of ([0-9]+|inf), SRAM ([0-9]+) of ([0-9]+|inf),.*/\1 \2 \3 \4/' "$1" |
        awk '{if (NF != 4 || ($2 != "inf" && $1 > $2) || ($4 != "inf" && $3 > $4)) exit 1}' ||
        { cat "$1"; die "budgets are not met"; }
}
dense='dense: flash 7739, SRAM 1792, latency 1.000000'
try() { # options...
    "$tool" int8.tflite "$@" >recipe.json 2>line || { cat line; die "no recipe: $*"; }
    "$tool" int8.tflite "$@" >again.json 2>again.line
    cmp recipe.json again.json && cmp line again.line || die "the same seed gives another recipe: $*"
    within_budgets line
    grep -q "; $dense\$" line || { cat line; die "other formulas of the dense network"; }
    got=$(sed -E 's/flash ([0-9]+) of .*SRAM ([0-9]+) of .*latency.*;.*/flash \1 SRAM \2/' line)
    [ "$got" = "$(formulas recipe.json)" ] || { cat line; die "formulas give $(formulas recipe.json): $*"; }
}
for seed in 1 2; do
    try cortex-m4 0.5 0.8 0.1 $seed
    try cortex-m4 0 0.6 0.1 $seed
    try cortex-m55 0.5 0 0.02 $seed
    try cortex-m4 0 0 0.2 $seed data 0.001
done
try cortex-m4 2000 1300 0.1 1
expect_fail 1 "^no candidate meets flash 100 and SRAM inf; $dense\$" "$tool" int8.tflite cortex-m4 100 0 0.1 1
expect_fail 1 "^no candidate meets flash inf and SRAM 100; $dense\$" "$tool" int8.tflite cortex-m4 0 100 0.1 1

"$dtmm" prune int8.tflite --data data --recipe recipe.json --epochs 0 -o pruned.tflite >prune.log 2>&1 || { cat prune.log; die "its recipe is refused"; }

model=$shared/models/pretrainedResnet_quant.tflite
[ -e "$model" ] || { echo "note: $model is not there"; exit 0; }
"$tool" "$model" cortex-m4 0.5 0.9 0.1 1 >recipe.json 2>line || { cat line; die "no recipe"; }
cat line
within_budgets line
mkdir samples
/usr/bin/python3 -c 'import numpy; numpy.save("samples/x_train.npy", numpy.random.default_rng(1).integers(0, 256, (64, 32, 32, 3), dtype=numpy.uint8))'
"$dtmm" prune "$model" --data samples --recipe recipe.json --epochs 0 -o pruned.tflite >prune.log 2>&1 || { cat prune.log; die "its recipe is refused"; }
