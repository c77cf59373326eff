#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The network that the project ships, dense and pruned, on every emulated core: equal to the host.
. "$(dirname "$0")/../lib.sh"
# Any bytes are an int8 image.
tail -c $((3 * 28 * 28)) examples/small_cnn.tflite >"$work/inputs.bin"
for core in cortex-m0 cortex-m0plus cortex-m3 cortex-m4 cortex-m7 cortex-m33 cortex-m55 rv32imc rv32imac; do
    for sparsity in 0 0.5; do
        "$dtmm" compress examples/small_cnn.tflite --target $core --sparsity $sparsity --force \
            -o "$work/out" >"$work/stdout"
        "$dtmm" verify "$work/out" --inputs "$work/inputs.bin" | tee "$work/stdout"
        grep -Eqx "$core \([a-z0-9-]+\) against the host: 3 of 3 samples equal" "$work/stdout" ||
            die "$core, sparsity $sparsity"
    done
done
