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

run_one() { # name, command...
    local name=$1 start code
    shift
    start=$(date +%s)
    "$@" >"$log/$name.log" 2>&1 </dev/null
    code=$?
    local seconds=$(($(date +%s) - start))
    case $code in
    0) passed=$((passed + 1)); printf 'ok      %-40s %3d s\n' "$name" "$seconds"
       sed -n 's/^note: /    /p' "$log/$name.log" ;;
    77) skipped=$((skipped + 1)); printf 'skipped %-40s %s\n' "$name" "$(tail -n 1 "$log/$name.log")" ;;
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
