#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No operator of the four MLPerf Tiny networks takes more instructions than TensorFlow Lite Micro with
# CMSIS-NN does, on the cores that this was recorded for.
. "$(dirname "$0")/../lib.sh"
peers=$shared/peers/tflm_ops.csv
[ -d "$shared/models" ] && [ -e "$peers" ] || skip "$shared has no models and recorded operators"
bad=0
for core in cortex-m4 cortex-m55; do
    for pair in resnet:pretrainedResnet_quant kws:kws_ref_model vww:vww_96_int8 ad:ad01_int8; do
        "$dtmm" compress "$shared/models/${pair#*:}.tflite" --target "$core" --force -o "$work/out" >/dev/null
        "$dtmm" run "$work/out" --per-layer >/dev/null
        sed -nE 's/^ {6}"(name|kernel|instructions)": "?([^",]*)"?,?$/\1 \2/p' "$work/out/report.json" |
            awk -v core="$core" -v model="${pair%%:*}" -v peers="$peers" '
                BEGIN {
                    while ((getline line < peers) > 0) {
                        split(line, f, ",")
                        if (f[1] == core && f[2] == model) { peer[f[3]] = f[6]; n_peers++ }
                    }
                }
                $1 == "name" { name[++n] = $2 }
                $1 == "kernel" { kernel[n] = $2 }
                $1 == "instructions" { instructions[n] = $2 }
                END {
                    if (n != n_peers) { print core " " model ": " n " layers, recorded " n_peers; exit 1 }
                    for (i = 1; i <= n; i++) {
                        if (kernel[i] == "null") continue
                        ratio = instructions[i] / peer[i - 1]
                        if (ratio > worst) worst = ratio
                        if (ratio > 1) {
                            print core " " model " " name[i] ": " instructions[i] ", recorded " peer[i - 1]
                            bad = 1
                        }
                    }
                    printf "note: %s %s: at most %.2f of the recorded instructions\n", core, model, worst
                    exit bad
                }' || bad=1
    done
done
exit "$bad"
