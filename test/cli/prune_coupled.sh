#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pruning a network whose filters are coupled: a depthwise convolution, a residual sum, a gate, a concatenation;
# and an autoencoder with a transpose_conv. In float and in int8, every unit gives a network that is smaller by
# what is asked for, and that the device runs as the host does.
. "$(dirname "$0")/../lib.sh"
cd "$work"
pattern_data data
mkdir samples
cp data/x_train.npy samples/
cat >net.txt <<'END'
graph coupled
tensor "image" f32 1x8x8x1
tensor "stem/w" f32 8x3x3x1 init he_normal
tensor "stem/b" f32 8 init zeros
tensor "stem" f32 1x8x8x8
tensor "d1/w" f32 1x3x3x8 init he_normal
tensor "d1/b" f32 8 init zeros
tensor "d1" f32 1x8x8x8
tensor "p1/w" f32 8x1x1x8 init he_normal
tensor "p1/b" f32 8 init zeros
tensor "p1" f32 1x8x8x8
tensor "sum" f32 1x8x8x8
tensor "pool" f32 1x1x1x8
tensor "se1/w" f32 4x1x1x8 init he_normal
tensor "se1/b" f32 4 init zeros
tensor "se1" f32 1x1x1x4
tensor "se2/w" f32 8x1x1x4 init he_normal
tensor "se2/b" f32 8 init zeros
tensor "se2" f32 1x1x1x8
tensor "gate" f32 1x1x1x8
tensor "gated" f32 1x8x8x8
tensor "b1/w" f32 6x3x3x8 init he_normal
tensor "b1/b" f32 6 init zeros
tensor "b1" f32 1x4x4x6
tensor "b2/w" f32 5x1x1x8 init he_normal
tensor "b2/b" f32 5 init zeros
tensor "b2" f32 1x4x4x5
tensor "cat" f32 1x4x4x11
tensor "mean" f32 1x1x1x11
tensor "flat" f32 1x11
tensor "dense/w" f32 3x11 init glorot_uniform
tensor "dense/b" f32 3 init zeros
tensor "logits" f32 1x3
tensor "scores" f32 1x3
input "image"
node conv_2d stem "image" "stem/w" "stem/b" -> "stem" pads 1 1 1 1 activation relu
node depthwise_conv_2d d1 "stem" "d1/w" "d1/b" -> "d1" pads 1 1 1 1 activation relu6
node conv_2d p1 "d1" "p1/w" "p1/b" -> "p1"
node add sum "p1" "stem" -> "sum" activation relu
node mean pool "sum" -> "pool" axes 6
node conv_2d se1 "pool" "se1/w" "se1/b" -> "se1" activation relu
node conv_2d se2 "se1" "se2/w" "se2/b" -> "se2"
node logistic gate "se2" -> "gate"
node mul gated "sum" "gate" -> "gated"
node conv_2d b1 "gated" "b1/w" "b1/b" -> "b1" stride 2 2 pads 0 1 0 1 activation relu
node conv_2d b2 "gated" "b2/w" "b2/b" -> "b2" stride 2 2 activation relu
node concatenation cat "b1" "b2" -> "cat" axis 3
node mean mean "cat" -> "mean" axes 6
node reshape flat "mean" -> "flat"
node fully_connected dense "flat" "dense/w" "dense/b" -> "logits"
node softmax softmax "logits" -> "scores"
output "scores"
END
cat >encoder.txt <<'END'
graph encoder
tensor "image" f32 1x8x8x1
tensor "e/w" f32 8x3x3x1 init he_normal
tensor "e/b" f32 8 init zeros
tensor "e" f32 1x4x4x8
tensor "f/w" f32 8x3x3x8 init he_normal
tensor "f/b" f32 8 init zeros
tensor "f" f32 1x4x4x8
tensor "t/w" f32 8x2x2x8 init he_normal
tensor "t/b" f32 8 init zeros
tensor "t" f32 1x8x8x8
tensor "o/w" f32 1x1x1x8 init he_normal
tensor "o/b" f32 1 init zeros
tensor "o" f32 1x8x8x1
input "image"
node conv_2d e "image" "e/w" "e/b" -> "e" stride 2 2 pads 0 1 0 1 activation relu
node conv_2d f "e" "f/w" "f/b" -> "f" pads 1 1 1 1 activation relu
node transpose_conv t "f" "t/w" "t/b" -> "t" stride 2 2
node conv_2d o "t" "o/w" "o/b" -> "o"
output "o"
END
scale=(--input-scale 0.01 --input-offset -1)
"$dtmm" train net.txt --data data "${scale[@]}" --epochs 12 --lr 0.02 -o coupled >train.log 2>&1 &&
    "$dtmm" train encoder.txt --data samples "${scale[@]}" --loss mse --epochs 12 --lr 0.01 -o encoder >train.log 2>&1 ||
    { cat train.log; die "does not train"; }
"$dtmm" quantize coupled/model.tflite --data data "${scale[@]}" -o int8.tflite >quantize.log 2>&1 || { cat quantize.log; die "does not quantize"; }

prune() { # OUT MODEL options...
    local out=$1 model=$2
    shift 2
    "$dtmm" prune "$model" --sparsity 0.5 --steps 2 --epochs 4 --qat 1 --lr 0.01 --compensate --json -o "$out.tflite" "$@" \
        >"$out.json" 2>"$out.log" || { cat "$out.log"; die "does not prune: $*"; }
    at_least "$out.json" sparsity 0.499
}
for unit in filterlet block:4 filter element; do
    name=${unit%:*}
    prune $name coupled/model.tflite --data data "${scale[@]}" --unit $unit
    prune int8_$name int8.tflite --data data --unit $unit
    at_least $name.json validation_int8 0.9
    at_least int8_$name.json validation_int8 0.9
    prune encoder_$name encoder/model.tflite --data samples "${scale[@]}" --unit $unit
done

# The channels of the depthwise convolution stay, unless filters leave.
live() { # MODEL LAYER: how many of its filters have weights
    "$dtmm" inspect "$1" | awk -v layer="$2" '$1 == layer {sub(/.*x/, "", $4); print $4 - $7}'
}
for name in filterlet block; do
    [ "$(live $name.tflite d1)" = "$(live $name.tflite stem)" ] || die "$name: the depthwise convolution has lost channels"
done
# Reconstruction has no scores for it, and needs none.
prune reconstruction coupled/model.tflite --data data "${scale[@]}" --unit block:4 --score reconstruction
at_least reconstruction.json validation_int8 0.9
echo '{"unit": "block:4", "sparsity": 0.5, "layers": {"d1": {"sparsity": 0.25}}}' >recipe.json
expect_fail 1 "depthwise_conv_2d 'd1': --score reconstruction is for" \
    "$dtmm" prune coupled/model.tflite --data data "${scale[@]}" --recipe recipe.json --score reconstruction -o x.tflite

for model in filter int8_block; do
    "$dtmm" eval $model.tflite --data data --input-like $model.tflite --on cortex-m4 --limit 3 >eval.log 2>&1 ||
        { cat eval.log; die "$model: another answer on the device"; }
    grep -q 'equal to the host in every output byte: 3 of 3' eval.log || { cat eval.log; die "$model: not compared"; }
done

# A training that only leads away from what the network answers is for nothing: its start is kept.
error() { # OPTIONS...: mean squared, of the pruned network against the samples
    "$dtmm" prune encoder/model.tflite --sparsity 0 --steps 1 --qat 0 --unit filterlet --data samples "${scale[@]}" \
        -o kept.tflite "$@" >kept.log 2>&1 || { cat kept.log; die "does not prune: $*"; }
    "$dtmm" eval kept.tflite --data data/x_test.npy "${scale[@]}" --task anomaly --json >kept.json || die "does not eval"
    json kept.json mean_squared_error
}
before=$(error --epochs 0)
after=$(error --epochs 3 --lr 0.1)
! grep -q '(best)' kept.log || die "an epoch of training at such a rate was taken for better"
awk -v a="$before" -v b="$after" 'BEGIN {exit !(b < 1.05 * a && a < 1.05 * b)}' || die "the start was not kept: $before, then $after"
