#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Images per second of training zoo/resnet8.txt, batch 64: this engine on one and on two threads, PyTorch
# with its defaults and PyTorch with glibc's malloc told to keep its memory. All in one run, by turns; the
# best of three each, since only ratios of one run mean anything. Writes bench/training_speed.csv. Exit
# code 1 unless two threads are 3 and 1.25 times as fast as PyTorch and 1.7 times as fast as one.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
seconds=${SECONDS_EACH:-5}
mkdir -p "$build/bench"
# shellcheck disable=SC2086
gcc -std=c11 -O2 -Isrc -D_POSIX_C_SOURCE=200809L -c -o "$build/bench/train_speed.o" bench/train_speed.c
g++ -o "$build/bench/train_speed" "$build/bench/train_speed.o" "$build/libdtmm.a" $LDLIBS
keep="MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=268435456"
best() { sort -n "$1" | tail -n 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for _ in 1 2 3; do
    "$build/bench/train_speed" zoo/resnet8.txt 64 1 "$seconds" >>"$work/one"
    "$build/bench/train_speed" zoo/resnet8.txt 64 2 "$seconds" >>"$work/two"
    /usr/bin/python3 bench/train_speed.py 64 "$seconds" >>"$work/torch"
    env $keep /usr/bin/python3 bench/train_speed.py 64 "$seconds" >>"$work/torch_kept"
done
one=$(best "$work/one") two=$(best "$work/two") torch=$(best "$work/torch") kept=$(best "$work/torch_kept")
awk -v one="$one" -v two="$two" -v torch="$torch" -v kept="$kept" 'BEGIN {
    print "engine,images_per_second,ratio_of_dtmm_2_threads"
    printf "dtmm 1 thread,%d,%.2f\n", one, two / one
    printf "dtmm 2 threads,%d,%.2f\n", two, 1
    printf "pytorch 1.13 defaults,%d,%.2f\n", torch, two / torch
    printf "pytorch 1.13 malloc thresholds raised,%d,%.2f\n", kept, two / kept
}' | tee bench/training_speed.csv
awk -v one="$one" -v two="$two" -v torch="$torch" -v kept="$kept" \
    'BEGIN {exit !(two >= 1.7 * one && two >= 3 * torch && two >= 1.25 * kept)}' ||
    { echo "slower than demanded; is the machine doing something else?" >&2; exit 1; }
