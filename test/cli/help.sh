#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Help, version, and what a wrong command line gets.
. "$(dirname "$0")/../lib.sh"
expect_exact test/cli/help.stdout.exact "$dtmm" --help
for command in inspect eval compress sweep prune quantize train run verify data targets; do
    expect_exact test/cli/help_$command.stdout.exact "$dtmm" "$command" --help
    grep -Eq '^examples?:$' test/cli/help_$command.stdout.exact || die "$command --help has no example"
done
# The options that a command has are those that its help tells of.
options_told() { # COMMAND sources...
    local command=$1
    shift
    diff <(cat "$@" | grep -oE '"[a-z-]+", (no|required)_argument' | sed -E 's/"(.*)".*/--\1/' | sort) \
        <("$dtmm" "$command" --help | grep -oE -- '--[a-z-]+' | sort -u) ||
        die "$command --help tells of other options than there are"
}
shared_options=(src/command/data_options.h src/command/prune_options.h)
options_told prune src/command/prune.c "${shared_options[@]}"
options_told compress src/command/compress_options.c "${shared_options[@]}"
options_told sweep src/command/sweep.c "${shared_options[@]}"
"$dtmm" --version | grep -Eqx 'dtmm [0-9]+\.[0-9]+\.[0-9]+' || die "version"
expect_fail 1 "there is no command 'compres'" "$dtmm" compres
expect_fail 1 "there is no option '--targt'" "$dtmm" compress --targt cortex-m4
expect_fail 1 "a value must follow '--target'" "$dtmm" compress model.tflite --target
expect_fail 1 "an argument is missing; see 'dtmm inspect --help'" "$dtmm" inspect
expect_fail 1 "too many arguments" "$dtmm" inspect a b
expect_fail 1 "--target is missing" "$dtmm" compress model.tflite -o "$work/out"
expect_fail 1 "-o OUT is missing" "$dtmm" compress model.tflite --target cortex-m4
expect_fail 1 "no/such/file: cannot open" "$dtmm" inspect no/such/file
expect_fail 1 "not a regular file" "$dtmm" inspect "$work"
code=0; "$dtmm" >"$work/stdout" || code=$?
[ "$code" = 1 ] || die "no command: exit code $code"
"$dtmm" targets >/dev/full 2>"$work/stderr" && die "a full disk went unnoticed"
grep -q "cannot write" "$work/stderr" || die "a full disk is not named"
