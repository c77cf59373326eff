#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dtmm compress for a device whose SRAM the dense network and its stack do not fit together: that is one more thing to
# be mended by removing, not the end.
. "$(dirname "$0")/../lib.sh"
cd "$work"
export DTMM_SHARE=$root
. "$root/bench/lib.sh"

# Images of 40x40 pixels that are light above or below; a network whose arena is nearly all of 16 KB.
mkdir data
/usr/bin/python3 - <<'EOF'
import numpy as np
random = np.random.default_rng(3)
for part, n in (("train", 256), ("test", 32)):
    y = random.integers(0, 2, n)
    x = random.integers(0, 90, (n, 40, 40, 1))
    for i in range(n):
        x[i, 20 * y[i] : 20 * y[i] + 20] += 100
    np.save(f"data/x_{part}.npy", x.astype(np.uint8))
    np.save(f"data/y_{part}.npy", y.astype(np.uint8))
EOF
cat >net.txt <<'EOF'
graph tight
tensor "image" f32 1x40x40x1
tensor "conv/w" f32 9x3x3x1 init he_normal
tensor "conv/b" f32 9 init zeros
tensor "conv" f32 1x38x38x9
tensor "pool" f32 1x2x1x9
tensor "flat" f32 1x18
tensor "dense/w" f32 2x18 init glorot_uniform
tensor "dense/b" f32 2 init zeros
tensor "logits" f32 1x2
tensor "scores" f32 1x2
input "image"
node conv_2d conv "image" "conv/w" "conv/b" -> "conv" activation relu
node average_pool_2d pool "conv" -> "pool" stride 19 38 window 19 38
node reshape flat "pool" -> "flat"
node fully_connected dense "flat" "dense/w" "dense/b" -> "logits"
node softmax softmax "logits" -> "scores"
output "scores"
EOF
"$dtmm" train net.txt --data data --epochs 2 --seed 1 -o dense >/dev/null 2>train.log || { cat train.log; die "does not train"; }
"$dtmm" compress dense/model.tflite --data data --target stm32f072 --epochs 2 --lr 0.02 --json -o out >out.json 2>out.log ||
    { cat out.log; die "is refused"; }
cat out.log
grep -q '^dense: .* more than stm32f072 has' out.log || die "the dense network fits: this tests nothing"
"$dtmm" run out --json >run.json || die "the result does not fit"
[ "$(number run.json instructions)" = "$(number out.json instructions)" ] || die "the report's instructions are another"
