#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: flipped_bytes.sh [SEED [COUNT]]
# A model with random bytes replaced goes through all passes or is refused: exit code 1 and one line either
# way, because the folder to write is impossible. With the sanitizers when that build is there.
. "$(dirname "$0")/../lib.sh"
PATH=$(dirname "$dtmm")/sanitized:$(dirname "$dtmm"):$PATH
state=${1:-20240607} count=${2:-200}
echo "seed $state"
size=$(stat -c %s examples/small_cnn.tflite)

random() { # LIMIT: a number below it in $number
    state=$(((state * 1103515245 + 12345) & 0x7fffffff))
    number=$(((state >> 8) % $1))
}

compiled=0
for _ in $(seq "$count"); do
    cp examples/small_cnn.tflite "$work/model.tflite"
    random 4
    for _ in $(seq $((number + 1))); do
        random 256
        byte=$(printf '\\x%02x' "$number")
        random "$size"
        # shellcheck disable=SC2059
        printf "$byte" | dd of="$work/model.tflite" bs=1 seek="$number" conv=notrunc 2>"$work/dd"
    done
    expect_fail 1 '^dtmm: ' dtmm compress "$work/model.tflite" --target cortex-m4 --sparsity 0.3 -o /proc/out
    if grep -qx 'dtmm: /proc/out: cannot write there: No such file or directory' "$work/stderr"; then
        compiled=$((compiled + 1))
    fi
done
echo "$compiled of $count were compiled, the others refused"
[ "$compiled" -gt 0 ] && [ "$compiled" -lt "$count" ] || die "all of them the same"
