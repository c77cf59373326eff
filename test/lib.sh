# SPDX-License-Identifier: Apache-2.0
# Sourced by the test scripts, which then are in the project's folder. Gives $root, $dtmm, $work (a folder
# of the test's own), $shared, and helpers.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
dtmm=$PWD/${BUILD:-build}/dtmm
shared=${DTMM_SHARED:-$PWD/../shared}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skip() { # why
    echo "$*"
    exit 77
}

die() { # why
    echo "FAILED: $*" >&2
    exit 1
}

# expect_fail CODE PATTERN COMMAND...: the command must exit with CODE, print nothing on stdout and one
# line on stderr that matches the extended regular expression.
expect_fail() {
    local code=$1 pattern=$2 got=0
    shift 2
    "$@" >"$work/stdout" 2>"$work/stderr" || got=$?
    [ "$got" = "$code" ] || { cat "$work/stderr"; die "exit code $got, expected $code: $*"; }
    [ ! -s "$work/stdout" ] || die "wrote to stdout: $*"
    [ "$(wc -l <"$work/stderr")" = 1 ] || { cat "$work/stderr"; die "not one line of error: $*"; }
    grep -Eq -- "$pattern" "$work/stderr" ||
        { cat "$work/stderr"; die "the error does not match '$pattern': $*"; }
}

# expect_exact FILE COMMAND...: the command must succeed and print exactly the contents of FILE.
expect_exact() {
    local file=$1
    shift
    "$@" >"$work/stdout" || die "exit code $?: $*"
    diff -u "$file" "$work/stdout" || die "output differs: $*"
}

# What differs from run to run or with every better kernel becomes signs: seconds, instructions, sizes of
# code, scratch, arena and stack, the names of kernels.
masked() {
    awk 'match($0, /[0-9,]+  (dtmm_[a-z0-9_]+|\(shares memory\))$/) {
            number = substr($0, RSTART); sub(/ .*/, "", number)
            $0 = substr($0, 1, RSTART - 1) sprintf("%*s", length(number), "N") substr($0, RSTART + length(number))
        }
        { print }' |
        sed -E 's/\([0-9.]+ s\)/(T s)/
            s/^-{20,}$/----/
            s/^((flash|stack|instructions) +)[0-9].*/\1N/
            s/^(SRAM +)[0-9,]+ B \(.*\);/\1N;/
            s/^(plan +arena) [0-9,]+ B/\1 N B/
            s/("arena_peak_layer": ).*/\1N,/
            s/dtmm_[a-z0-9_]+("?,?)$/KERNEL\1/
            s/("instructions_predicted": )(null|[0-9]+)/\1N/
            s/("(flash_bytes|flash_code_bytes|arena_bytes|sram_bytes|stack_bytes|scratch_bytes|instructions)": )[0-9]+/\1N/'
}

# show COMMAND...: puts the command, what it prints (masked) and an exit code other than 0 into the
# transcript.
show() {
    local code=0
    echo "\$ $*" >>"$work/transcript"
    "$@" >"$work/shown" 2>&1 || code=$?
    masked <"$work/shown" >>"$work/transcript"
    [ "$code" = 0 ] || echo "exit code $code" >>"$work/transcript"
}

# refused COMMAND...: the command must exit with code 1, print one line on stderr and nothing on stdout,
# and leave the current folder as it was. The transcript gets the command and the line.
refused() {
    local code=0 before after
    before=$(find . | sort)
    "$@" >"$work/stdout" 2>"$work/stderr" || code=$?
    after=$(find . | sort)
    { echo "\$ $*"; sed -E 's/needs [0-9]+ bytes of SRAM/needs N bytes of SRAM/' "$work/stderr"; } >>"$work/transcript"
    [ "$code" = 1 ] || { cat "$work/stderr"; die "exit code $code, expected 1: $*"; }
    [ ! -s "$work/stdout" ] || die "wrote to stdout: $*"
    [ "$(wc -l <"$work/stderr")" = 1 ] || { cat "$work/stderr"; die "not one line of error: $*"; }
    [ "$before" = "$after" ] || { diff <(echo "$before") <(echo "$after"); die "left behind: $*"; }
}

# expect_transcript NAME: the transcript must equal test/cli/NAME.stdout.exact. ACCEPT=1 rewrites that file.
expect_transcript() {
    local exact=$root/test/cli/$1.stdout.exact
    [ -z "${ACCEPT:-}" ] || cp "$work/transcript" "$exact"
    diff -u "$exact" "$work/transcript" || die "another transcript than $exact; ACCEPT=1 rewrites it"
}

# json FILE KEY: a top-level number or string of a report.
json() {
    sed -nE "s/^  \"$2\": \"?([^\",]*)\"?,?$/\1/p" "$1"
}

# pattern_data FOLDER: a dataset of arrays that is easy to learn: noisy 8x8 images of three patterns, 640 to
# train on, 120 to test.
pattern_data() {
    mkdir "$1"
    /usr/bin/python3 - "$1" <<'EOF'
import sys
import numpy as np
random = np.random.default_rng(7)
patterns = random.integers(0, 200, (3, 8, 8, 1))
for part, n in (("train", 640), ("test", 120)):
    y = random.integers(0, 3, n)
    x = patterns[y] + random.integers(0, 56, (n, 8, 8, 1))
    np.save(f"{sys.argv[1]}/x_{part}.npy", x.astype(np.uint8))
    np.save(f"{sys.argv[1]}/y_{part}.npy", y.astype(np.uint8))
EOF
}

# pattern_network: trains a small network on the samples of the folder "data": dense/model.tflite in float, with
# a layer that has a normalization, one that has a bias, and a fully connected one, 1,032 weights in all.
pattern_network() {
    cat >net.txt <<'EOF'
graph small
tensor "image" f32 1x8x8x1
tensor "conv/w" f32 8x3x3x1 init he_normal
tensor "conv" f32 1x6x6x8
tensor "gamma" f32 8 init ones
tensor "beta" f32 8 init zeros
tensor "mean" f32 8 init zeros
tensor "variance" f32 8 init ones
tensor "norm" f32 1x6x6x8
tensor "second/w" f32 8x3x3x8 init he_normal
tensor "second/b" f32 8 init zeros
tensor "second" f32 1x4x4x8
tensor "flat" f32 1x128
tensor "dense/w" f32 3x128 init glorot_uniform
tensor "dense/b" f32 3 init zeros
tensor "logits" f32 1x3
tensor "scores" f32 1x3
input "image"
node conv_2d conv "image" "conv/w" -> "conv"
node batch_normalization norm "conv" "gamma" "beta" "mean" "variance" -> "norm" activation relu
node conv_2d second "norm" "second/w" "second/b" -> "second" activation relu
node reshape flat "second" -> "flat"
node fully_connected dense "flat" "dense/w" "dense/b" -> "logits"
node softmax softmax "logits" -> "scores"
output "scores"
EOF
    "$dtmm" train net.txt --data data --epochs 8 --lr 0.02 -o dense >train.log 2>&1 ||
        { cat train.log; die "does not train"; }
}

# at_least FILE KEY VALUE: a number of a report.
at_least() {
    awk -v got="$(json "$1" "$2")" -v least="$3" 'BEGIN {exit !(got >= least)}' ||
        die "$1: $2 is $(json "$1" "$2"), expected at least $3"
}

# killed_at PATTERN COMMAND...: ends a command by SIGKILL once its stderr has a line of the pattern.
killed_at() {
    local pattern=$1 pid
    shift
    "$@" >"$work/killed.out" 2>"$work/killed.log" &
    pid=$!
    until grep -q "$pattern" "$work/killed.log"; do
        kill -0 $pid 2>/dev/null || { cat "$work/killed.log"; die "ended before '$pattern': $*"; }
        sleep 0.01
    done
    kill -KILL $pid
    ! wait $pid || die "not ended: $*"
}

# pattern_prune OUT options...: prunes the network of pattern_network with a short training.
pattern_prune() {
    local out=$1
    shift
    "$dtmm" prune dense/model.tflite --data data --steps 2 --epochs 4 --qat 1 --lr 0.02 --json -o "$out.tflite" "$@" \
        >"$out.json" 2>"$out.log" || { cat "$out.log"; die "does not prune: $*"; }
    [ ! -e "$out.tflite.state" ] || die "$out: the state is still there"
}
