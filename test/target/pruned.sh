#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `dtmm prune` makes, on every emulated core: each output byte equal to the host's. A network of its own
# with mixed units and one whose filters left; with the folder `shared`, also the CIFAR-10 network of MLPerf Tiny with
# three quarters of its weights absent in blocks, which the Cortex-M0's machine is too small for (on made-up
# images: what is asked is whether all answers are equal, not how good they are).
. "$(dirname "$0")/../lib.sh"
cd "$work"
pattern_data data
pattern_network
cat >mixed.json <<'EOT'
{"layers": {"conv": {"unit": "filterlet", "sparsity": 0.4}, "second": {"unit": "block:4", "sparsity": 0.6},
            "dense": {"unit": "block:8", "sparsity": 0.5}}}
EOT
prune() { # OUT MODEL DATA options...
    local out=$1 model=$2 data=$3
    shift 3
    "$dtmm" prune "$model" --data "$data" --epochs 0 -o "$out.tflite" "$@" >"$out.log" 2>&1 ||
        { cat "$out.log"; die "$out: does not prune"; }
}
prune mixed dense/model.tflite data --recipe mixed.json
prune filters dense/model.tflite data --unit filter --sparsity 0.3
cores="cortex-m0 cortex-m0plus cortex-m3 cortex-m4 cortex-m7 cortex-m33 cortex-m55 rv32imc"
equal() { # MODEL CORE DATA: two samples
    "$dtmm" eval "$1.tflite" --data "$3" --on "$2" --limit 2 >eval.log 2>&1 || { cat eval.log; die "$1 on $2: does not run"; }
    grep -q 'equal to the host in every output byte: 2 of 2' eval.log || { cat eval.log; die "$1 on $2: another answer"; }
}
for core in $cores; do
    equal mixed "$core" data
    equal filters "$core" data
done
if [ -e "$shared/models" ]; then
    mkdir images
    /usr/bin/python3 - <<'EOT'
import numpy as np
random = np.random.default_rng(5)
for part, n in (("train", 100), ("test", 2)):
    x = random.integers(0, 256, (n, 8, 8, 3)).repeat(4, 1).repeat(4, 2)
    np.save(f"images/x_{part}.npy", x.astype(np.uint8))
np.save("images/y_test.npy", np.array([0, 9], np.uint8))
EOT
    prune resnet "$shared/models/pretrainedResnet.tflite" images --unit block:4 --sparsity 0.75
    for core in $cores; do
        [ "$core" = cortex-m0 ] || equal resnet "$core" images
    done
else
    echo "note: the CIFAR-10 network: skipped, $shared/models is not there"
fi
