#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The four MLPerf Tiny networks on every emulated core: each output byte of every recorded sample equal
# on the device, on the host and in the recordings. What a core cannot hold is printed with the reason.
. "$(dirname "$0")/../lib.sh"
[ -d "$shared/golden" ] && [ -d "$shared/models" ] || skip "$shared has no models and recordings"

# The recordings of a model: 16 samples each.
declare -A recordings=([pretrainedResnet_quant]=resnet [kws_ref_model]=kws [vww_96_int8]="vww vww_img"
    [ad01_int8]=ad)
models="pretrainedResnet_quant kws_ref_model vww_96_int8 ad01_int8"
# The machine that emulates the Cortex-M0 has 16 KB of SRAM and 248 KB of flash, and the test's buffers
# and stack need some; all others must hold all of them.
may_be_too_small="cortex-m0"
cores="cortex-m0 cortex-m0plus cortex-m3 cortex-m4 cortex-m7 cortex-m33 cortex-m55 rv32imc"

# verified CORE MODEL: 0 all bytes equal, 1 the core cannot hold it; $error tells why.
verified() {
    local code=0 name lines budget=()
    [ "$1" != cortex-m0 ] || budget=(--sram 12K)
    "$dtmm" compress "$shared/models/$2.tflite" --target "$1" "${budget[@]}" --force -o "$work/out" \
        >"$work/stdout" 2>"$work/error" || code=$?
    for name in ${recordings[$2]}; do
        [ "$code" = 0 ] || break
        "$dtmm" verify "$work/out" --inputs "$shared/golden/$name.inputs.bin" \
            --outputs "$shared/golden/$name.outputs.bin" >"$work/stdout" 2>"$work/error" || code=$?
        [ "$code" = 0 ] || break
        lines=$(grep -c ': 16 of 16 samples equal$' "$work/stdout")
        [ "$lines" = 3 ] || { cat "$work/stdout"; die "$2 on $1: not three comparisons"; }
        samples=$((samples + 16))
    done
    error=$(sed 's/^dtmm: //' "$work/error")
    [ "$code" -le 1 ] || die "$2 on $1: exit code $code: $error"
    return "$code"
}

for core in $cores; do
    samples=0 held=
    for model in $models; do
        if verified "$core" "$model"; then
            held="$held $model"
        elif [[ " $may_be_too_small " == *" $core "* && $error =~ (does not fit|cannot hold|needs) ]]; then
            echo "note: $core cannot hold $model: $error"
        else
            die "$model on $core: $error"
        fi
    done
    echo "note: $core: $samples samples equal byte for byte; networks:${held:- none}"
done
