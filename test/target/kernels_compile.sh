#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every kernel compiles without a warning under GCC and clang for every core that may take it, keeps to a
# stack of 512 bytes a call, and has no symbol without dtmm_, no
# writable state and no library function but memcpy, memmove and memset. GCC compiles it at other levels of
# optimization too (-O1: kernels.sh), for one core of each instruction set: what inline assembly asks of
# the compiler depends on it.
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
work=$BUILD/kernels-compile
mkdir -p "$work"
strict="-std=c11 -ffreestanding -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"
bad=0
n=0

# The deepest chain of calls, from the compiler's call graph; what assembly takes is not in it, but in the
# high-water mark that `dtmm run` measures.
check_stack() { # .ci file, what
    awk -v what="$2" '
        /^node: / && match($0, /[0-9]+ bytes \([a-z,]+\)/) {
            size = substr($0, RSTART, RLENGTH)
            if (size !~ /\(static\)/) { print what ": stack of no fixed size"; bad = 1 }
            split($0, part, "\"")
            frame[part[2]] = depth[part[2]] = size + 0
        }
        /^edge: / { split($0, part, "\""); from[++n] = part[2]; to[n] = part[4] }
        END {
            for (changed = 1; changed && rounds < 100; rounds++) {
                changed = 0
                for (i = 1; i <= n; i++)
                    if (depth[from[i]] < frame[from[i]] + depth[to[i]]) {
                        depth[from[i]] = frame[from[i]] + depth[to[i]]
                        changed = 1
                    }
            }
            if (rounds == 100) { print what ": recursion"; bad = 1 }
            for (name in depth)
                if (depth[name] > 512) { print what ": " depth[name] " bytes of stack in " name; bad = 1 }
            exit bad
        }' "$1"
}

check_symbols() { # nm, object, what
    "$1" "$2" | awk -v what="$3" '
        NF == 3 && $2 ~ /^[TDBRC]$/ && $3 !~ /^dtmm_/ { print what ": symbol " $3; bad = 1 }
        NF == 3 && $2 ~ /^[dDbBC]$/ && $3 !~ /^\$/ { print what ": writable state " $3; bad = 1 }
        $1 == "U" && $2 !~ /^(dtmm_|memcpy$|memset$|memmove$|__aeabi_|__)/ { print what ": needs " $2; bad = 1 }
        END { exit bad }'
}

check() { # core, folder, gcc prefix, clang target, flags...
    local core=$1 folder=$2 prefix=$3 target=$4 file object
    shift 4
    for file in runtime/"$folder"/*.c; do
        [ -e "$file" ] || continue
        object=$work/$folder.$(basename "$file" .c).$core.o
        # shellcheck disable=SC2086
        "${prefix}gcc" "$@" $strict -O2 -fcallgraph-info=su -c -o "$object" "$file" || { bad=1; continue; }
        # shellcheck disable=SC2086
        clang --target="$target" "$@" $strict -O2 -c -o "$object.clang" "$file" || bad=1
        check_stack "${object%.o}.ci" "$file on $core" || bad=1
        check_symbols "${prefix}nm" "$object" "$file on $core" || bad=1
        n=$((n + 1))
    done
}

levels() { # core, folder, gcc prefix, flags...
    local core=$1 folder=$2 prefix=$3 level file result=0
    shift 3
    for level in -Os -O3 -O0; do
        for file in runtime/"$folder"/*.c; do
            # shellcheck disable=SC2086
            "${prefix}gcc" "$@" $strict $level -c -o "$work/level.$core.o" "$file" && continue
            echo "$file on $core: does not compile at $level"
            result=1
        done
    done
    return $result
}

arm() { # core, ISA folder, float ABI
    check "$1" c arm-none-eabi- arm-none-eabi -mthumb -mcpu="$1" -mfloat-abi="$3"
    check "$1" "$2" arm-none-eabi- arm-none-eabi -mthumb -mcpu="$1" -mfloat-abi="$3"
}

arm cortex-m0 armv6m soft
arm cortex-m0plus armv6m soft
arm cortex-m3 armv7m soft
arm cortex-m4 armv7em soft
arm cortex-m7 armv7em soft
arm cortex-m33 armv7em soft
arm cortex-m55 mve hard
for isa in rv32imc rv32imac; do
    check $isa c riscv64-unknown-elf- riscv32-unknown-elf -march=$isa -mabi=ilp32
    check $isa rv32 riscv64-unknown-elf- riscv32-unknown-elf -march=$isa -mabi=ilp32
done

jobs=()
levels cortex-m0plus armv6m arm-none-eabi- -mthumb -mcpu=cortex-m0plus &
jobs+=($!)
levels cortex-m3 armv7m arm-none-eabi- -mthumb -mcpu=cortex-m3 &
jobs+=($!)
levels cortex-m4 armv7em arm-none-eabi- -mthumb -mcpu=cortex-m4 &
jobs+=($!)
levels cortex-m55 mve arm-none-eabi- -mthumb -mcpu=cortex-m55 -mfloat-abi=hard &
jobs+=($!)
levels rv32imc rv32 riscv64-unknown-elf- -march=rv32imc -mabi=ilp32 &
jobs+=($!)
for job in "${jobs[@]}"; do wait "$job" || bad=1; done

[ "$bad" = 0 ] && echo "$n pairs of kernel and core compile and keep to their stack"
exit "$bad"
