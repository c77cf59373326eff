#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles every kernel for every core that may take it, as `dtmm run` does, and writes what its code and
# constants take in flash to src/target/code_bytes.inc. Code that kernels share counts for each.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
    echo "/* SPDX-License-Identifier: Apache-2.0 */"
    echo "/* CODE(core, kernel, isa, bytes of code and constants), written by bench/code_bytes.sh. */"
} >"$work/new"

measure() { # core, folder, toolchain prefix, flags...
    local core=$1 folder=$2 prefix=$3 file bytes
    shift 3
    for file in runtime/"$folder"/*.c; do
        "${prefix}gcc" "$@" -std=c11 -O2 -ffreestanding -fbuiltin -c -o "$work/kernel.o" "$file"
        bytes=$("${prefix}size" "$work/kernel.o" | awk 'NR == 2 {print $1 + $2}')
        echo "CODE(\"$core\", $(basename "$file" .c), $folder, $bytes)" >>"$work/new"
    done
}

arm() { # core, folder, float ABI
    measure "$1" c arm-none-eabi- -mthumb -mcpu="$1" -mfloat-abi="$3"
    measure "$1" "$2" arm-none-eabi- -mthumb -mcpu="$1" -mfloat-abi="$3"
}

arm cortex-m0 armv6m soft
arm cortex-m0plus armv6m soft
arm cortex-m3 armv7m soft
arm cortex-m4 armv7em soft
arm cortex-m7 armv7em soft
arm cortex-m33 armv7em soft
arm cortex-m55 mve hard
for isa in rv32imc rv32imac; do
    for folder in c rv32; do
        measure $isa $folder riscv64-unknown-elf- -march=$isa -mabi=ilp32 -msmall-data-limit=0
    done
done
mv "$work/new" src/target/code_bytes.inc
