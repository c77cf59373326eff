#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles and runs the four MLPerf Tiny networks for Cortex-M3, M4 and M55, writes
# bench/models.csv and the table of README.md between its markers. Needs the folder `shared` beside the
# repository (or $DTMM_SHARED) with models/ and peers/tflm_models.csv.
set -eu
cd "$(dirname "$0")/.."
dtmm=${BUILD:-build}/dtmm
shared=${DTMM_SHARED:-../shared}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -d "$shared/models" ] || { echo "bench: $shared/models is not there" >&2; exit 1; }

models="resnet:pretrainedResnet_quant kws:kws_ref_model vww:vww_96_int8 ad:ad01_int8"
csv=bench/models.csv
echo "core,model,weight_bytes,weight_bytes_dense,macs,macs_dense,flash_bytes,flash_code_bytes,arena_bytes,sram_bytes,io_bytes,stack_bytes,instructions" >"$csv.new"

value() { # key
    sed -nE "s/^  \"$1\": \"?([^\",]*)\"?,?$/\1/p" "$work/out/report.json"
}
peer() { # core model figure
    awk -F, -v c="$1" -v m="$2" -v f="$3" '$1 == c && $2 == m && $3 == f {print $4}' "$shared/peers/tflm_models.csv"
}
grouped() { # number -> with thousands separators
    sed -E ':a;s/^([0-9]+)([0-9]{3})/\1,\2/;ta' <<<"$1"
}

{
    echo "| core | network | weights, B (dense) | flash, B | of it code, B (TFLM) | arena, B (TFLM) | SRAM, B | stack, B | instructions (TFLM + CMSIS-NN) | ratio |"
    echo "|---|---|---|---|---|---|---|---|---|---|"
} >"$work/table"
for core in cortex-m3 cortex-m4 cortex-m55; do
    for pair in $models; do
        model=${pair%%:*}
        "$dtmm" compress "$shared/models/${pair#*:}.tflite" --target "$core" --force -o "$work/out" >/dev/null
        "$dtmm" run "$work/out" >/dev/null
        row=$core,$model
        for key in weight_bytes weight_bytes_dense macs macs_dense flash_bytes flash_code_bytes arena_bytes sram_bytes io_bytes stack_bytes instructions; do
            row=$row,$(value $key)
        done
        echo "$row" >>"$csv.new"
        ratio=$(awk -v a="$(value instructions)" -v b="$(peer $core $model instructions)" 'BEGIN {printf "%.2f", a / b}')
        echo "| $core | $model | $(grouped "$(value weight_bytes)") ($(grouped "$(value weight_bytes_dense)")) | $(grouped "$(value flash_bytes)") | $(grouped "$(value flash_code_bytes)") ($(grouped "$(peer $core $model code_bytes)")) | $(grouped "$(value arena_bytes)") ($(grouped "$(peer $core $model arena_bytes)")) | $(grouped "$(value sram_bytes)") | $(grouped "$(value stack_bytes)") | $(grouped "$(value instructions)") ($(grouped "$(peer $core $model instructions)")) | $ratio |" >>"$work/table"
        tail -n 1 "$work/table"
    done
done
mv "$csv.new" "$csv"

# write_block NAME FILE: puts the file between the markers of that name in README.md.
write_block() {
    awk -v name="$1" -v file="$2" '
        $0 ~ "<!-- " name ": begin" { print; while ((getline line < file) > 0) print line; skipping = 1 }
        $0 ~ "<!-- " name ": end" { skipping = 0 }
        !skipping { print }' README.md >"$work/README.md"
    cp "$work/README.md" README.md
}

{
    echo
    echo "    \$ dtmm compress vww_96_int8.tflite --target cortex-m4 -o out"
    "$dtmm" compress "$shared/models/vww_96_int8.tflite" --target cortex-m4 --force -o "$work/out" |
        sed -nE '/^(MACs|weights and index) /s/^/    /p'
    echo
} >"$work/lossless"
write_block lossless "$work/lossless"
write_block models "$work/table"
