#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The gates that need no test run: formatting, license lines, include directions, runtime symbols.
set -u
cd "$(dirname "$0")/.." || exit 2
BUILD=${BUILD:-build}
mkdir -p "$BUILD"
bad=0
complain() { echo "style: $*"; bad=1; }

mapfile -t sources < <(git ls-files '*.c' '*.h' '*.cc' '*.S' '*.inc' '*.sh' '*.fbs' '*.ld' Makefile .ci/run)
for file in "${sources[@]}"; do
    head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || complain "$file: no SPDX line"
done
mapfile -t formatted < <(git ls-files '*.c' '*.h' '*.cc')
clang-format --dry-run --Werror "${formatted[@]}" 2>"$BUILD/format.log" ||
    { head -n 20 "$BUILD/format.log"; complain "run 'make format'"; }
for file in "${formatted[@]}"; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 800 ] || complain "$file: $lines lines, at most 800"
done

# Includes go one way: base <- graph <- product <- {passes and other stages} <- driver <- prune <- compress <- command
# <- main.
allowed() { # folder -> folders it may include from
    case $1 in
    base) echo base ;;
    graph) echo base graph ;;
    target) echo base graph product target ;;
    product) echo base graph product ;;
    import) echo base graph import ;;
    data) echo base graph data ;;
    train) echo base graph product data train ;;
    pass) echo base graph product target pass ;;
    schedule) echo base graph product target pass schedule ;;
    eval) echo base graph product eval ;;
    emit) echo base graph product target emit ;;
    measure) echo base product target measure ;;
    report) echo base graph product target report ;;
    driver) echo base graph product target import data train pass schedule eval emit measure report driver ;;
    prune) echo base graph product target data train pass report driver prune ;;
    compress) echo base graph product target data pass schedule emit report driver prune compress ;;
    command) echo base graph product target data train eval emit measure report driver prune compress command ;;
    esac
}
for file in $(git ls-files 'src/*/*.c' 'src/*/*.h' 'src/*/*.cc'); do
    folder=$(echo "$file" | cut -d/ -f2)
    for included in $(sed -nE 's/^#include "([a-z]+)\/.*/\1/p' "$file" | sort -u); do
        [ "$included" = flatbuffers ] && continue
        allowed "$folder" | grep -qw "$included" || complain "$file includes $included/: wrong direction"
    done
done
if grep -nE '#include "(base|graph|product|pass|eval|emit)/' $(git ls-files 'runtime/*') /dev/null; then
    complain "runtime/ includes a file of the host compiler"
fi

# Headers stand alone, the runtime's in C++ too.
for header in $(git ls-files 'src/*.h'); do
    gcc -std=c11 -Wall -Wextra -Isrc -fsyntax-only -x c "$header" || complain "$header does not stand alone"
done
g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++ runtime/dtmm.h ||
    complain "runtime/dtmm.h is not C++"

# The runtime: freestanding, warnings as errors under both compilers, prefixed symbols, no library.
strict="-std=c11 -ffreestanding -O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"
mkdir -p "$BUILD/style"
for file in $(git ls-files 'runtime/c/*.c'); do
    object=$BUILD/style/$(basename "$file" .c).o
    gcc $strict -c -o "$object" "$file" || complain "$file does not compile under gcc"
    clang $strict -fsyntax-only "$file" || complain "$file does not compile under clang"
    nm "$object" | awk '$2 ~ /[TDBRC]/ && $3 !~ /^dtmm_/ {print $3}' | grep . && complain "$file: symbol without dtmm_"
    nm "$object" | awk '$1 == "U" && $2 !~ /^(dtmm_|memcpy$|memset$|memmove$|__|_GLOBAL)/ {print $2}' | grep . &&
        complain "$file needs a library function"
    nm "$object" | awk '$2 ~ /[dDbBC]/ {print $3}' | grep . && complain "$file has writable state"
done

[ "$bad" = 0 ] && echo "style: ok"
exit "$bad"
