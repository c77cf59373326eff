#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of the groups named: unit (compiled tests in $BUILD/sanitized/test/unit), cli and target
# (scripts in test/cli and test/target). A script's exit code 0 is a pass, 77 a skip (its last line says
# why), anything else a failure; its lines that start with "note: " are shown. The last line counts them.
set -u
cd "$(dirname "$0")/.." || exit 2
BUILD=${BUILD:-build}
export BUILD
log=$BUILD/test-logs
mkdir -p "$log"
passed=0 failed=0 skipped=0

# How many tests of a unit test's log PASSED or were SKIPPED.
unit_tests() { # PASSED|SKIPPED, log
    grep -oE "\[ +$1 +\] [0-9]+ test" "$2" | grep -oE '[0-9]+'
}

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
    0) passed=$((passed + 1))
       printf 'ok      %-40s %3d s%s\n' "$name" "$seconds" "${missing:+, $missing of its tests skipped}"
       sed -n 's/^note: /    /p' "$log/$name.log" ;;
    77) skipped=$((skipped + 1)); printf 'skipped %-40s %s\n' "$name" "$(grep -m 1 'is not there' "$log/$name.log" || tail -n 1 "$log/$name.log")" ;;
    *) failed=$((failed + 1)); printf 'FAILED  %-40s exit code %d\n' "$name" "$code"
       tail -n 40 "$log/$name.log" | sed 's/^/    /' ;;
    esac
}

for group in "$@"; do
    case $group in
    unit)
        for source in test/unit/*.c; do
            name=$(basename "$source" .c)
            run_one "unit-$name" "$BUILD/sanitized/test/unit/$name"
        done ;;
    *)
        for script in test/"$group"/*.sh; do
            [ -e "$script" ] || continue
            run_one "$group-$(basename "$script" .sh)" bash "$script"
        done ;;
    esac
done
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ $((passed)) -gt 0 ]
