#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job on a real network: look at it, compile it for a microcontroller, run it on the emulated
# device, and compare every output byte with the host and, where there are recordings, with those.
set -eu
cd "$(dirname "$0")/.."
dtmm=${BUILD:-build}/dtmm
shared=${DTMM_SHARED:-../shared}
out=${BUILD:-build}/demo
target=cortex-m4

step() {
    printf '\n$'
    printf ' %s' "$@"
    printf '\n'
    "$@"
}

if [ -e "$shared/models/vww_96_int8.tflite" ] && [ -e "$shared/golden/vww_img.inputs.bin" ]; then
    model=$shared/models/vww_96_int8.tflite
    inputs=$shared/golden/vww_img.inputs.bin
    recorded=(--outputs "$shared/golden/vww_img.outputs.bin")
else
    model=examples/small_cnn.tflite
    mkdir -p "${BUILD:-build}"
    inputs=${BUILD:-build}/demo.inputs.bin
    head -c $((14 * 28 * 28)) LICENSE >"$inputs" # any bytes are an int8 image
    recorded=()
fi

step "$dtmm" inspect "$model"
step "$dtmm" compress "$model" --target "$target" --force -o "$out"
step "$dtmm" run "$out" --per-layer
step "$dtmm" verify "$out" --inputs "$inputs" "${recorded[@]}"
printf '\nThe library is in %s: start with %s/README.md.\n' "$out" "$out"
