#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every portable kernel compiles without a warning for every instruction set, with at most 256 bytes of
# stack (all functions of its file together).
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
work=$BUILD/kernels-compile
mkdir -p "$work"
strict="-std=c11 -ffreestanding -O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fstack-usage"
bad=0

check() { # name, compiler, flags...
    local name=$1 file object
    shift
    for file in runtime/c/*.c; do
        object=$work/$(basename "$file" .c).$name.o
        # shellcheck disable=SC2086
        "$@" $strict -c -o "$object" "$file" || { bad=1; continue; }
        awk -F '\t' -v file="$file" -v isa="$name" '
            $3 != "static" { print file " on " isa ": stack of no fixed size"; bad = 1 }
            { sum += $2 }
            END { if (sum > 256) { print file " on " isa ": " sum " bytes of stack"; bad = 1 }
                  exit bad }' "${object%.o}.su" || bad=1
    done
}

for core in cortex-m0 cortex-m4 cortex-m55; do
    check "$core" arm-none-eabi-gcc -mthumb -mcpu="$core"
done
check rv32imc riscv64-unknown-elf-gcc -march=rv32imc -mabi=ilp32
[ "$bad" = 0 ] && echo "all kernels compile and keep to their stack"
exit "$bad"
