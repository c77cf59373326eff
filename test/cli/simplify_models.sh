#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# simplify on the MLPerf Tiny networks: outputs bit for bit the same on the recorded and on random inputs,
# and of the visual wake words network, which is zero for the most part, as little left as there must be.
. "$(dirname "$0")/../lib.sh"
[ -d "$shared/golden" ] && [ -d "$shared/models" ] || skip "$shared has no models and recordings"
tool=${BUILD:-build}/test/tool/check_simplify

value() { # NAME
    sed -n "s/^$1 //p" "$work/result"
}

check() { # MODEL, random inputs, recordings...
    local model=$1 n=$2 files=() name
    shift 2
    for name in "$@"; do files+=("$shared/golden/$name.inputs.bin"); done
    "$tool" "$shared/models/$model.tflite" "$n" "${files[@]}" >"$work/result" || die "$model"
    [ "$(value random_inputs)" = "$n" ] || die "$model: not $n random inputs"
    [ "$(value samples)" = $((16 * $#)) ] || die "$model: not all recorded inputs"
    echo "note: $model: $(value weight_bytes) B of convolution weights, $(value macs) MACs;" \
        "same outputs for $n random and $(value samples) recorded inputs"
}

check pretrainedResnet_quant 20 resnet
check kws_ref_model 50 kws
check ad01_int8 200 ad
check vww_96_int8 1000 vww vww_img
[ "$(value weight_bytes)" -le 35300 ] || die "more than 35,300 B of weights are left"
[ "$(value macs)" -le 3870000 ] || die "more than 3.87 M MACs are left"
