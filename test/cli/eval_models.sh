#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The accuracies of the pretrained networks, float and int8, as they were measured independently.
. "$(dirname "$0")/../lib.sh"
[ -e "$shared/models/pretrainedResnet.tflite" ] || skip "the folder shared is not there"
models=$shared/models data=$shared/data

# right MODEL DATA OPTIONS...: samples that are right, of how many.
right() {
    local model=$1 samples=$2
    shift 2
    "$dtmm" eval "$models/$model" --data "$data/$samples" --json "$@" >"$work/result.json"
    echo "$(json "$work/result.json" n_right) of $(json "$work/result.json" n_samples)"
}
expect() { # what, expected, found
    [ "$2" = "$3" ] || die "$1: $3 right, expected $2"
}

expect "kws, int8" "901 of 1000" "$(right kws_ref_model.tflite kws01)"
expect "kws, float" "901 of 1000" \
    "$(right kws_ref_model_float32.tflite kws01 --input-like "$models/kws_ref_model.tflite")"
expect_fail 1 'kws01: has int8 samples but the input .* is float; .*--input-like' \
    "$dtmm" eval "$models/kws_ref_model_float32.tflite" --data "$data/kws01"
right kws_ref_model.tflite kws01 --on cortex-m4 --limit 4 >"$work/device"
[ "$(json "$work/result.json" n_equal)" = 4 ] || die "kws on cortex-m4: not every output byte equals the host's"

# 87.19 % within 0.05 points.
found=$(right pretrainedResnet.tflite cifar10)
case $found in
*" of 10000") [ "${found% of *}" -ge 8714 ] && [ "${found% of *}" -le 8724 ] || die "ResNet, float: $found" ;;
*) die "ResNet, float: $found" ;;
esac
start=$(date +%s)
expect "ResNet, int8" "8707 of 10000" "$(right pretrainedResnet_quant.tflite cifar10)"
echo "note: ResNet, float $found, int8 8707 in $(($(date +%s) - start)) s"
