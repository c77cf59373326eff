#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Networks that PyTorch exports to ONNX, and models written node by node for what it does not write: imported
# and run, they give PyTorch's own outputs. See test/import/make_onnx.py.
. "$(dirname "$0")/../lib.sh"
run_float=${BUILD:-build}/test/tool/run_float
[ -x "$run_float" ] || make --no-print-directory "$run_float" || die "run_float does not build"
python=/usr/bin/python3
$python -c 'import numpy, onnx, torch' 2>"$work/python" || skip "python3-torch or python3-onnx is not there"
export PYTHONDONTWRITEBYTECODE=1
$python test/import/make_onnx.py make "$work" >"$work/make" 2>&1 || { tail -n 20 "$work/make"; die "the models are not made"; }
for model in "$work"/*.onnx; do
    name=${model%.onnx}
    "$run_float" "$model" "$name.input" "$name.actual" || echo "FAILED: $(basename "$model")"
done
$python test/import/make_onnx.py compare "$work" 1e-5 || die "outputs differ from PyTorch's"

# A network that needs no transposition has no node to move values but the reshape before its linear layer.
$dtmm inspect "$work/resnet_13.onnx" -d import >"$work/resnet.txt"
[ "$(grep -c '^node reshape' "$work/resnet.txt")" = 1 ] || die "reshapes in the ResNet"
$dtmm inspect "$work/unet_transposed_13.onnx" -d import >"$work/unet.txt"
! grep -q '^node reshape' "$work/unet.txt" || die "reshapes in the U-shaped network"
