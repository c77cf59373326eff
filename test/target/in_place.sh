#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Layers that work in place because the SRAM budget demands it: the recorded outputs, byte for byte.
. "$(dirname "$0")/../lib.sh"
[ -d "$shared/golden" ] && [ -d "$shared/models" ] || skip "$shared has no models and recordings"

check() { # CORE, MODEL, RECORDING, budget, kernel that must be there
    "$dtmm" compress "$shared/models/$2.tflite" --target "$1" --sram "$4" --force -o "$work/out" >"$work/screen"
    grep -q "\"dtmm_$5" "$work/out/report.json" || die "$2 on $1: no kernel $5"
    "$dtmm" verify "$work/out" --inputs "$shared/golden/$3.inputs.bin" \
        --outputs "$shared/golden/$3.outputs.bin" >"$work/stdout"
    [ "$(grep -c ': 16 of 16 samples equal$' "$work/stdout")" = 3 ] || { cat "$work/stdout"; die "$2 on $1"; }
    echo "note: $2 on $1: an arena of $(json "$work/out/report.json" arena_bytes) bytes, 16 samples equal"
}

check cortex-m0 kws_ref_model kws 8K pointwise_inplace
check cortex-m4 kws_ref_model kws 8K depthwise_conv_2d_inplace
check cortex-m4 vww_96_int8 vww 38K pointwise_inplace
check rv32imc vww_96_int8 vww_img 38K depthwise_conv_2d_inplace
check cortex-m55 vww_96_int8 vww_img 38K pointwise_inplace
