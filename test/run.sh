#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of the groups named, $JOBS (one a core) at a time: unit (compiled tests in
# $BUILD/sanitized/test/unit), cli and target (scripts in test/cli and test/target). A script's exit code 0 is a
# pass, 77 a skip (its last line says why), anything else a failure; its lines that start with "note: " are
# shown. The last line counts them.
set -u
cd "$(dirname "$0")/.." || exit 2
BUILD=${BUILD:-build}
export BUILD
log=$BUILD/test-logs
mkdir -p "$log"
jobs=${JOBS:-$(nproc)}

# How many tests of a unit test's log PASSED or were SKIPPED.
unit_tests() { # PASSED|SKIPPED, log
    grep -oE "\[ +$1 +\] [0-9]+ test" "$2" | grep -oE '[0-9]+'
}

# Writes the verdict to $log/NAME.verdict: its first word is ok, skipped or FAILED.
run_one() { # name, command...
    local name=$1 start code missing
    shift
    start=$(date +%s)
    "$@" >"$log/$name.log" 2>&1 </dev/null
    code=$?
    local seconds=$(($(date +%s) - start))
    missing=$(unit_tests SKIPPED "$log/$name.log")
    [ "$code" = 0 ] && [ "$(unit_tests PASSED "$log/$name.log")" = 0 ] && code=77
    case $code in
    0) printf 'ok      %-40s %3d s%s\n' "$name" "$seconds" "${missing:+, $missing of its tests skipped}"
       sed -n 's/^note: /    /p' "$log/$name.log" ;;
    77) printf 'skipped %-40s %s\n' "$name" "$(grep -m 1 'is not there' "$log/$name.log" || tail -n 1 "$log/$name.log")" ;;
    *) printf 'FAILED  %-40s exit code %d\n' "$name" "$code"
       tail -n 40 "$log/$name.log" | sed 's/^/    /' ;;
    esac >"$log/$name.verdict.new"
    mv "$log/$name.verdict.new" "$log/$name.verdict"
}

# Starts a test, $jobs at a time.
names=()
start_one() { # name, command...
    while [ "$(jobs -pr | wc -l)" -ge "$jobs" ]; do
        wait -n
        show
    done
    names+=("$1")
    rm -f "$log/$1.verdict"
    run_one "$@" &
}

# Prints the verdicts that are there, in the order of the tests.
shown=0
show() {
    while [ $shown -lt ${#names[@]} ] && [ -e "$log/${names[$shown]}.verdict" ]; do
        cat "$log/${names[$shown]}.verdict"
        shown=$((shown + 1))
    done
}

for group in "$@"; do
    case $group in
    unit)
        for source in test/unit/*.c; do
            name=$(basename "$source" .c)
            start_one "unit-$name" "$BUILD/sanitized/test/unit/$name"
        done ;;
    *)
        for script in test/"$group"/*.sh; do
            [ -e "$script" ] || continue
            start_one "$group-$(basename "$script" .sh)" bash "$script"
        done ;;
    esac
done
wait
show
count() { # ok|skipped|FAILED
    local n=0 name
    for name in "${names[@]}"; do
        read -r verdict _ <"$log/$name.verdict"
        [ "$verdict" = "$1" ] && n=$((n + 1))
    done
    echo $n
}
passed=$(count ok) failed=$(count FAILED)
echo
echo "$passed passed, $failed failed, $(count skipped) skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
