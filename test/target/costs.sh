#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Predicted instructions against measured ones: each of the four MLPerf Tiny networks within 3 % on every
# core, each layer within 8 %; layers of less than 0.2 % of their network's instructions by no more than
# that share. Prints the errors. The stack of an inference, as painted, is at most 512 bytes.
. "$(dirname "$0")/../lib.sh"
models="resnet:pretrainedResnet_quant kws:kws_ref_model vww:vww_96_int8 ad:ad01_int8"
[ -d "$shared/models" ] || skip "$shared has no models"
bad=0
for core in cortex-m0plus cortex-m3 cortex-m4 cortex-m7 cortex-m33 cortex-m55 rv32imc rv32imac; do
    for pair in $models; do
        "$dtmm" compress "$shared/models/${pair#*:}.tflite" --target "$core" --force -o "$work/out" >/dev/null
        "$dtmm" run "$work/out" --per-layer >/dev/null
        sed -nE 's/^ *"(name|stack_bytes|instructions_predicted|instructions)": "?([^",]*)"?,?$/\1 \2/p' "$work/out/report.json" |
            awk -v what="$core ${pair%%:*}" '
                $1 == "name" { name[++n] = $2 }
                $1 == "stack_bytes" && $2 > 512 { print what ": " $2 " bytes of stack"; bad = 1 }
                $1 == "instructions_predicted" { predicted[n] = $2 }
                $1 == "instructions" { measured[n] = $2 }
                END {
                    total = predicted[1] / measured[1] - 1
                    for (i = 2; i <= n; i++) {
                        if (predicted[i] == "null") { print what " " name[i] ": no prediction"; bad = 1; continue }
                        difference = predicted[i] - measured[i]
                        if (difference < 0) difference = -difference
                        if (measured[i] == 0 || difference < 0.002 * measured[1]) continue
                        error = difference / measured[i]
                        if (error > most) { most = error; where = name[i] }
                        if (error > 0.08) {
                            print what " " name[i] ": predicted " predicted[i] ", measured " measured[i]
                            bad = 1
                        }
                    }
                    printf "note: %s: total %+.2f %%, worst layer %.2f %% %s\n", what, 100 * total, 100 * most, where
                    if (total > 0.03 || total < -0.03) bad = 1
                    exit bad
                }' || bad=1
    done
done
exit "$bad"
