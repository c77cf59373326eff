#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# --val test in each command: every second test sample is for validation and no other is, and what is said of test data
# is of the others. A quarter of the former's labels are wrong and all of the latter's, so that each command shows which
# it has looked at.
. "$(dirname "$0")/../lib.sh"
. "$root/bench/lib.sh"
cd "$work"
export DTMM_SHARE=$root
pattern_data data
pattern_network
/usr/bin/python3 - <<'EOF'
import numpy as np
y = np.load("data/y_test.npy")
y[1::2] = (y[1::2] + 1) % 3
y[::8] = (y[::8] + 1) % 3
np.save("data/y_test.npy", y)
EOF
says() { # NAME COMMAND...: its JSON in NAME.json
    local name=$1
    shift
    "$dtmm" "$@" --val test --json >"$name.json" 2>"$name.log" || { cat "$name.log"; die "fails: $*"; }
}
is_about() { # NAME KEY SHARE
    awk -v got="$(number "$1.json" "$2")" -v share="$3" 'BEGIN {exit !(got >= share - 0.06 && got <= share + 0.06)}' ||
        die "$1: $2 is $(number "$1.json" "$2"), not about $3"
}
validation=0.75 rest=0

says train train net.txt --data data --epochs 12 --lr 0.02 -o trained
is_about train validation_accuracy $validation
says quantize quantize dense/model.tflite --data data -o int8.tflite
[ "$(number quantize.json n_samples)" = 60 ] || die "quantize has not looked at 60 validation samples"
is_about quantize accuracy $validation
says prune prune dense/model.tflite --data data --sparsity 0.3 --epochs 5 --lr 0.02 -o pruned.tflite
for key in validation_dense validation_pruned validation_int8; do
    is_about prune $key $validation
done
says rest eval int8.tflite --data data --input-like int8.tflite
says validation eval int8.tflite --data data --input-like int8.tflite --part validation
for name in rest validation; do
    [ "$(json $name.json n_samples)" = 60 ] || die "eval: $name: other than 60 samples"
done
is_about rest accuracy $rest
is_about validation accuracy $validation
says compress compress dense/model.tflite --data data --target cortex-m4 --epochs 0 -o out
[ "$(number compress.json n_test)" = 60 ] || die "compress has not looked at 60 test samples"
is_about compress test $rest
grep -q '7[0-9.]* % of the validation samples right' compress.log || { cat compress.log; die "compress validates on other samples"; }
expect_fail 1 '--val 2: ' "$dtmm" train net.txt --data data --val 2 -o x
