# SPDX-License-Identifier: Apache-2.0
# Sourced by the test scripts. Gives $dtmm, $work (a folder of the test's own), $shared, and helpers.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
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

# json FILE KEY: a top-level number or string of a report.
json() {
    sed -nE "s/^  \"$2\": \"?([^\",]*)\"?,?$/\1/p" "$1"
}
