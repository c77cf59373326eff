#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job on a network of our own, trained on Fashion-MNIST (zoo/fashion_cnn.txt): quantize it, compile
# it for a microcontroller, run it on the emulated device, compare every output byte with the host, and
# see how often it is right.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
dtmm=$build/dtmm
target=cortex-m4

step() {
    printf '\n$'
    printf ' %s' "$@"
    printf '\n'
    "$@"
}

step "$dtmm" inspect examples/fashion_cnn.tflite
step "$dtmm" quantize examples/fashion_cnn.tflite --data fashion-mnist -o "$build/fashion_int8.tflite"
step "$dtmm" compress "$build/fashion_int8.tflite" --target $target --force -o "$build/demo"
step "$dtmm" run "$build/demo" --per-layer
head -c $((14 * 28 * 28)) LICENSE >"$build/demo.inputs.bin" # any bytes are an int8 image
step "$dtmm" verify "$build/demo" --inputs "$build/demo.inputs.bin"
step "$dtmm" eval "$build/fashion_int8.tflite" --data fashion-mnist
step "$dtmm" eval "$build/fashion_int8.tflite" --data fashion-mnist --on $target --limit 4
printf '\nThe library is in %s: start with %s/README.md.\n' "$build/demo" "$build/demo"
