#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# report.json: every field by its name and type, null until run, totals that are the sums of the layers.
. "$(dirname "$0")/../lib.sh"
model=$PWD/examples/small_cnn.tflite
cd "$work"

# has FILE INDENT NAME TYPE COUNT: so many lines `"name": value` at that indent whose value has the type.
has() {
    local type
    case $4 in
    string) type='".*"' ;;
    integer) type='[0-9]+' ;;
    number) type='[0-9]+(\.[0-9]+)?' ;;
    null) type=null ;;
    array) type='\[' ;;
    esac
    [ "$(grep -Ecx " {$2}\"$3\": $type,?" "$1")" = "$5" ] || die "$1: not $5 times \"$3\": $4"
}

check_constant_fields() { # FILE
    local name
    for name in model target; do has "$1" 2 $name string 1; done
    for name in macs macs_dense weight_bytes weight_bytes_dense flash_bytes flash_code_bytes arena_bytes \
        sram_bytes io_bytes index_bytes; do
        has "$1" 2 $name integer 1
    done
    has "$1" 2 sparsity number 1
    has "$1" 2 layers array 1
    for name in name op; do has "$1" 6 $name string 9; done
    for name in macs weight_bytes filters filters_kept filterlets filterlets_kept scratch_bytes; do
        has "$1" 6 $name integer 9
    done
    has "$1" 6 kernel string 8 # reshape only shares memory
    has "$1" 6 kernel null 1
}

# add_up FILE NAME: the total is the sum of the layers.
add_up() {
    sed -nE "s/^( +)\"$2\": ([0-9]+),?$/\2/p" "$1" |
        awk 'NR == 1 {total = $1} NR > 1 {sum += $1} END {exit NR != 10 || sum != total || sum == 0}' ||
        die "$1: $2 is not the sum of the layers"
}

for sparsity in 0 0.75; do
    "$dtmm" compress "$model" --target cortex-m4 --sparsity $sparsity --force -o out >stdout
    check_constant_fields out/report.json
    for name in stack_bytes instructions; do has out/report.json 2 $name null 1; done
    has out/report.json 6 instructions null 9
    add_up out/report.json macs
    add_up out/report.json weight_bytes

    "$dtmm" run out >stdout
    check_constant_fields out/report.json
    for name in stack_bytes instructions; do has out/report.json 2 $name integer 1; done
    has out/report.json 6 instructions null 9

    "$dtmm" run out --per-layer --json >run.json
    check_constant_fields run.json
    check_constant_fields out/report.json
    for name in stack_bytes instructions; do has out/report.json 2 $name integer 1; done
    has out/report.json 6 instructions integer 9
done

# flash_code_bytes is what is left without the constant arrays of the source.
[ "$(json out/report.json model)" = "$model" ] && [ "$(json out/report.json target)" = cortex-m4 ] ||
    die "model or target"
flash=$(json out/report.json flash_bytes) code=$(json out/report.json flash_code_bytes)
arrays=$(awk '
    /^static const u?int(8|16|32)_t [a-z0-9_]+\[[0-9]+\]/ {
        match($0, /int[0-9]+/); bits = substr($0, RSTART + 3, RLENGTH - 3)
        match($0, /\[[0-9]+/); bytes += bits / 8 * substr($0, RSTART + 1, RLENGTH - 1)
    }
    END {print bytes}' out/src/small_cnn.c)
[ $((flash - code)) = "$arrays" ] || die "flash $flash B, code $code B, but arrays of $arrays B"
[ "$(json out/report.json sram_bytes)" -ge "$(json out/report.json arena_bytes)" ] || die "SRAM"
