#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# quantize: a float network in text form becomes an int8 .tflite file that the other commands read; the
# same samples and seed give the same bytes, with training for int8 too; what is wrong is said in one line.
. "$(dirname "$0")/../lib.sh"
PATH=$(dirname "$dtmm"):$PATH
[ -e /usr/share/datasets/fashion-mnist ] || skip "dataset-fashion-mnist is not there"
mkdir "$work/here"
cd "$work/here"

# Pixels 0 to 255; weights that tell dark from light places, so that predictions differ.
awk 'BEGIN {
    print "graph small"
    print "tensor \"image\" f32 1x28x28x1"
    print "tensor \"conv/w\" f32 4x3x3x1 ="
    for (i = 0; i < 36; i++) printf " %.3f", ((i * 7919) % 101 - 50) / 500; print ""
    for (i = 0; i < 4; i++) { gamma = gamma " " 1 + i / 4; beta = beta " " i / 10 - 0.2; mean = mean " " i; variance = variance " " 2000 * (i + 1) }
    print "tensor \"gamma\" f32 4 =" gamma
    print "tensor \"beta\" f32 4 =" beta
    print "tensor \"mean\" f32 4 =" mean
    print "tensor \"variance\" f32 4 =" variance
    print "tensor \"conv\" f32 1x14x14x4\ntensor \"norm\" f32 1x14x14x4\ntensor \"act\" f32 1x14x14x4"
    print "tensor \"pool\" f32 1x2x2x4\ntensor \"flat\" f32 1x16"
    print "tensor \"dense/w\" f32 10x16 ="
    for (i = 0; i < 160; i++) printf " %.3f", ((i * 104729) % 211 - 105) / 100; print ""
    print "tensor \"logits\" f32 1x10\ntensor \"scores\" f32 1x10"
    print "input \"image\""
    print "node conv_2d conv \"image\" \"conv/w\" -> \"conv\" stride 2 2 pads 0 1 0 1"
    print "node batch_normalization norm \"conv\" \"gamma\" \"beta\" \"mean\" \"variance\" -> \"norm\""
    print "node relu act \"norm\" -> \"act\""
    print "node average_pool_2d pool \"act\" -> \"pool\" stride 7 7 window 7 7"
    print "node reshape flat \"pool\" -> \"flat\""
    print "node fully_connected dense \"flat\" \"dense/w\" -> \"logits\""
    print "node softmax scores \"logits\" -> \"scores\""
    print "output \"scores\""
}' >small.txt

data="--data fashion-mnist"
dtmm quantize small.txt $data --calibrate 64 --validate 200 -o small.tflite >stdout
grep -Eqx 'small.tflite: int8, [0-9,]+ B, calibrated on 64 samples \(percentile\)' stdout || die "first line: $(cat stdout)"
grep -q '^on 200 validation samples:$' stdout || die "no validation"
grep -Eq 'accuracy +float [0-9.]+ %, int8 [0-9.]+ % ' stdout || die "no accuracy"
decibels=$(sed -nE 's/.*int8 is ([0-9]+).*/\1/p' stdout)
[ "$decibels" -ge 15 ] || die "int8 is $decibels dB above its difference from float"

# Folded, int8 from end to end, pixels as they are; and the rest of the program takes it.
dtmm inspect small.tflite -d import >graph
grep -q '^tensor "image" s8 1x28x28x1 scale 1 zero_point -128$' graph || die "another input: $(grep image graph)"
tr -s '\n ' ' ' <graph | grep -q 'pads 0 1 0 1 activation relu node' || die "not folded"
! grep -Eq 'f32|batch_normalization' graph || die "float is left"
dtmm compress small.tflite --target cortex-m4 -o out >stdout

# The same bytes again; other methods; switches.
dtmm quantize small.txt $data --calibrate 64 --validate 0 -o again.tflite >stdout
cmp small.tflite again.tflite || die "other bytes the second time"
for options in "--method minmax" "--method mse" "--method percentile --percentile 99" "--no-equalize" \
    "--no-bias-correction --clip-weights" "--per-channel-dense" "--seed 2" "--input-like small.tflite"; do
    dtmm quantize small.txt $data --calibrate 64 --validate 50 --json $options -o other.tflite >stdout
    grep -q '"n_calibration": 64' stdout || die "$options: no JSON"
    dtmm inspect other.tflite >stdout
done
dtmm quantize small.txt $data --calibrate 8 --validate 0 --input-scale 0.0078125 --input-offset -1 -o scaled.tflite >stdout
dtmm inspect scaled.tflite -d import | grep -q '^tensor "image" s8 1x28x28x1 scale 0.0078125 zero_point 0$' ||
    die "the scale of the input is not that of the pixels"

# Training for int8 (QAT), on made-up 8x8 images of three classes: the same bytes on any number of threads;
# other bytes than without; weights that are zero stay zero; nothing is lost against float.
/usr/bin/python3 - <<'EOF'
import numpy as np
random = np.random.default_rng(7)
patterns = random.integers(0, 200, (3, 8, 8, 1))
y = random.integers(0, 3, 640)
np.save("x.npy", (patterns[y] + random.integers(0, 56, (640, 8, 8, 1))).astype(np.uint8))
np.save("y.npy", y.astype(np.uint8))
EOF
awk 'BEGIN {
    print "graph pruned\ntensor \"image\" f32 1x8x8x1\ntensor \"conv/w\" f32 6x3x3x1 ="
    for (i = 0; i < 54; i++) printf " %.3f", i % 3 == 1 ? 0 : ((i * 7919) % 101 - 50) / 5000; print ""
    print "tensor \"conv\" f32 1x6x6x6\ntensor \"flat\" f32 1x216\ntensor \"dense/w\" f32 3x216 ="
    for (i = 0; i < 648; i++) printf " %.4f", i % 2 == 1 ? 0 : ((i * 104729) % 211 - 105) / 2000; print ""
    print "tensor \"dense/b\" f32 3 = 0 0 0\ntensor \"logits\" f32 1x3\ntensor \"scores\" f32 1x3\ninput \"image\""
    print "node conv_2d conv \"image\" \"conv/w\" -> \"conv\" activation relu\nnode reshape flat \"conv\" -> \"flat\""
    print "node fully_connected dense \"flat\" \"dense/w\" \"dense/b\" -> \"logits\""
    print "node softmax scores \"logits\" -> \"scores\"\noutput \"scores\""
}' >untaught.txt
dtmm train untaught.txt --data x.npy,y.npy --epochs 4 --lr 0.02 --keep-zeros -o taught >stdout 2>&1 ||
    { cat stdout; die "no network to quantize"; }
taught="taught/model.safetensors --data x.npy,y.npy --calibrate 64"
dtmm quantize $taught -o plain.tflite >stdout
dtmm quantize $taught --qat 1 --augment noise:4 -o qat.tflite >stdout 2>log || { cat log; die "--qat"; }
grep -Eq 'epoch +1/1 loss' log || die "--qat shows no epoch: $(cat log)"
awk '/accuracy/ {found = 1; if ($6 + 0 < $3 - 2) exit 1} END {exit !found}' stdout || die "--qat loses accuracy: $(cat stdout)"
! cmp -s plain.tflite qat.tflite || die "--qat changes nothing"
dtmm quantize $taught --qat 1 --augment noise:4 -o again.tflite >stdout 2>&1
cmp qat.tflite again.tflite || die "other bytes with --qat the second time"
dtmm quantize $taught --qat 1 --augment noise:4 --lr 0.02 -o faster.tflite >stdout 2>&1
! cmp -s qat.tflite faster.tflite || die "--lr of --qat is not used"
zeros() { # FILE: how many of the weights of conv and dense are zero at the places that were pruned
    dtmm inspect "$1" -d import | tr -s '\n ' ' ' | sed 's/tensor "/\n&/g' | awk '
        / s8 6x3x3x1 | s8 3x216 / {
            sub(/.* = /, "")
            sub(/ (input|node|output).*/, "")
            for (i = 1; i <= NF; i++) n += NF == 54 ? i % 3 == 2 && $i == 0 : i % 2 == 0 && $i == 0
        }
        END {print n + 0}'
}
[ "$(zeros plain.tflite)" = 342 ] || die "$(zeros plain.tflite) of 342 zeros of the pruned network are left"
dtmm quantize $taught --qat 3 --lr 2 -o far.tflite >stdout 2>&1
[ "$(zeros far.tflite)" = 342 ] || die "--qat keeps $(zeros far.tflite) of 342 zeros"

: >"$work/transcript"
refused dtmm quantize small.txt -o x.tflite
refused dtmm quantize small.txt $data
refused dtmm quantize small.txt $data --method best -o x.tflite
refused dtmm quantize small.txt $data --method mse --percentile 99 -o x.tflite
refused dtmm quantize small.txt $data --equalize --no-equalize -o x.tflite
refused dtmm quantize small.txt $data --input-scale 0 -o x.tflite
refused dtmm quantize small.txt $data --input-scale 1 --input-like small.tflite -o x.tflite
refused dtmm quantize small.txt $data --input-like small.txt -o x.tflite
refused dtmm quantize small.txt $data -o missing/x.tflite
refused dtmm quantize small.txt --data missing -o x.tflite
refused dtmm quantize small.tflite $data -o x.tflite
sed 's/1x28x28x1/1x26x28x1/; s/1x14x14x4/1x13x14x4/; s/stride 7 7 window 7 7/stride 6 7 window 7 7/' small.txt >odd.txt
refused dtmm quantize odd.txt $data -o x.tflite
sed 's/^tensor "gamma" f32 4.*/tensor "gamma" f32 4 init ones/' small.txt >untrained.txt
refused dtmm quantize untrained.txt $data -o x.tflite
expect_transcript quantize_refused
