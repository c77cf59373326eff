#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The four MLPerf Tiny networks on every emulated core: each output byte of every recorded sample equal
# on the device, on the host and in the recordings. What a core cannot hold is printed with the reason.
# Code at most a quarter of TensorFlow Lite Micro's, the arena smaller than its; what the zero weights of
# vww_96_int8 must save.
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

peer() { # CORE NETWORK FIGURE
    awk -F, -v c="$1" -v m="$2" -v f="$3" '$1 == c && $2 == m && $3 == f {print $4}' "$shared/peers/tflm_models.csv"
}

# small CORE MODEL: the sizes in $work/out against the peer's, where those are recorded.
small() {
    local network=${recordings[$2]%% *} report=$work/out/report.json code arena
    code=$(peer "$1" "$network" code_bytes) arena=$(peer "$1" "$network" arena_bytes)
    if [ -n "$code" ]; then
        [ $((4 * $(json "$report" flash_code_bytes))) -le "$code" ] ||
            die "$2 on $1: $(json "$report" flash_code_bytes) bytes of code, the peer has $code"
        [ "$(json "$report" arena_bytes)" -lt "$arena" ] ||
            die "$2 on $1: an arena of $(json "$report" arena_bytes) bytes, the peer has $arena"
        compared=$((compared + 1))
    fi
    [ "$2" != vww_96_int8 ] || { [ "$(json "$report" weight_bytes)" -le 35300 ] &&
        [ "$(json "$report" macs)" -le 3870000 ]; } || die "$2 on $1: zero weights are left"
}

compared=0
for core in $cores; do
    samples=0 held=
    for model in $models; do
        if verified "$core" "$model"; then
            small "$core" "$model"
            held="$held $model"
        elif [[ " $may_be_too_small " == *" $core "* && $error =~ (does not fit|cannot hold|needs) ]]; then
            echo "note: $core cannot hold $model: $error"
        else
            die "$model on $core: $error"
        fi
    done
    echo "note: $core: $samples samples equal byte for byte; networks:${held:- none}"
done
[ "$compared" -ge 8 ] || die "only $compared sizes could be compared"
echo "note: $compared times code at most a quarter of TensorFlow Lite Micro's and a smaller arena"
