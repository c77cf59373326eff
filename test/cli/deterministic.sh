#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The same input gives the same bytes: every file of OUT, twice, from another folder and at another time.
. "$(dirname "$0")/../lib.sh"

compress() { # MODEL, OUT, options...
    local model=$1 out=$2
    shift 2
    "$dtmm" compress "$model" "$@" -o "$out" >"$out.screen" || die "exit code $?: $model $*"
    [ -s "$out/report.json" ] || die "no report"
}

check() { # MODEL, options...
    rm -rf "$work"/*
    compress "$1" "$work/first" "${@:2}"
    sleep 1.1 # no second of the day may get into a file
    mkdir "$work/elsewhere"
    (cd "$work/elsewhere" && compress "$1" "$work/second" "${@:2}")
    diff -r "$work/first" "$work/second" || die "differs: $*"
    "$dtmm" inspect "$1" >"$work/first.inspect"
    "$dtmm" inspect "$1" >"$work/second.inspect"
    cmp "$work/first.inspect" "$work/second.inspect" || die "inspect differs: $1"
}

check "$root/examples/small_cnn.tflite" --target cortex-m4
check "$root/examples/small_cnn.tflite" --target cortex-m55 --sparsity 0.5
check "$root/examples/small_cnn.tflite" --target rv32imc
for model in vww_96_int8 kws_ref_model; do
    [ ! -e "$shared/models/$model.tflite" ] ||
        check "$(realpath "$shared/models/$model.tflite")" --target cortex-m4 --sparsity 0.3
done
