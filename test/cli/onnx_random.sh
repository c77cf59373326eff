#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: onnx_random.sh [SEED [COUNT]]
# Random networks that reshape and transpose between their layers give PyTorch's outputs, or are refused for
# the transposition they need: never other outputs.
. "$(dirname "$0")/../lib.sh"
run_float=${BUILD:-build}/test/tool/run_float
[ -x "$run_float" ] || make --no-print-directory "$run_float" || die "run_float does not build"
seed=${1:-1} count=${2:-60}
python=/usr/bin/python3
$python -c 'import numpy, onnx, torch' 2>"$work/python" || skip "python3-torch or python3-onnx is not there"
export PYTHONDONTWRITEBYTECODE=1
echo "seed $seed"
$python test/import/make_onnx.py random "$work" "$seed" "$count" >"$work/make" 2>&1 || { tail -n 20 "$work/make"; die "the models are not made"; }
refused=0
for model in "$work"/*.onnx; do
    name=${model%.onnx}
    "$run_float" "$model" "$name.input" "$name.actual" 2>"$work/error" && continue
    grep -Eq 'would have to be transposed in memory' "$work/error" || die "$(cat "$work/error")"
    rm "$name.expected"
    refused=$((refused + 1))
done
echo "note: $refused of $count need a transposition and are refused"
[ $((refused * 2)) -lt "$count" ] || die "most are refused"
$python test/import/make_onnx.py compare "$work" 2e-5 || die "outputs differ from PyTorch's"
