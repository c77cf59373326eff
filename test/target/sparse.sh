#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pruned networks end to end: with --sparsity the weights shrink as asked, kernels run on FWCS, and the
# device computes what the host does, on bytes that look random.
. "$(dirname "$0")/../lib.sh"

samples=4

check() { # CORE, MODEL, SPARSITY, bytes of one input
    local core=$1 model=$2 sparsity=$3 bytes=$4 dense stored n
    "$dtmm" compress "$model" --target "$core" --sparsity "$sparsity" --force -o "$work/out" >"$work/screen"
    dense=$(json "$work/out/report.json" weight_bytes_dense)
    stored=$(json "$work/out/report.json" weight_bytes)
    n=$(grep -c '"kernel": "dtmm_.*fwcs' "$work/out/report.json")
    [ "$n" -ge 2 ] || die "$model: $n layers in FWCS"
    awk -v stored="$stored" -v dense="$dense" -v sparsity="$sparsity" \
        'BEGIN { exit !(stored <= dense * (1 - sparsity + 0.03)) }' ||
        die "$model: $stored of $dense bytes at sparsity $sparsity"
    cat src/*/*.c | gzip -9n | tail -c +1001 | head -c $((samples * bytes)) >"$work/inputs.bin"
    [ "$(stat -c %s "$work/inputs.bin")" = $((samples * bytes)) ] || die "not enough bytes"
    "$dtmm" verify "$work/out" --inputs "$work/inputs.bin" >"$work/verified"
    grep -q ": $samples of $samples samples equal" "$work/verified" || { cat "$work/verified"; die "$model"; }
    echo "note: $(basename "$model") at $sparsity on $core: $stored of $dense B, $n layers in FWCS, $samples" \
        "samples equal on device and host"
}

check cortex-m4 examples/small_cnn.tflite 0.5 784
check cortex-m55 examples/small_cnn.tflite 0.8 784
check rv32imc examples/small_cnn.tflite 0.5 784
for core in cortex-m4 cortex-m55; do
    [ -d "$shared/models" ] || break
    check $core "$shared/models/kws_ref_model.tflite" 0.5 490
    check $core "$shared/models/pretrainedResnet_quant.tflite" 0.5 3072
    check $core "$shared/models/pretrainedResnet_quant.tflite" 0.9 3072
done
