#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The exit codes that --help documents: 0 success, 1 the user's error, 2 a tool is missing or fails, 3
# outputs differ.
. "$(dirname "$0")/../lib.sh"
[ "$("$dtmm" --help | sed -n '/^exit codes/,$p' | tr '\n' ' ' | grep -Eo '\b[0-9] [a-z]+' | tr '\n' ';')" = \
    "0 success;1 wrong;2 a;3 outputs;" ] || die "--help documents other exit codes"
model=$PWD/examples/small_cnn.tflite
tail -c 784 "$model" >"$work/input.bin"
head -c 10 /dev/zero >"$work/wrong.bin"
cd "$work"

exits() { # CODE PATTERN COMMAND...: the exit code, and a line of stderr
    local code=0 expected=$1 pattern=$2
    shift 2
    "$@" >stdout 2>stderr || code=$?
    [ "$code" = "$expected" ] || { cat stderr; die "exit code $code, expected $expected: $*"; }
    grep -Eqx -- "$pattern" stderr || [ -z "$pattern" ] || { cat stderr; die "another error: $*"; }
}

for arguments in --help --version targets "targets --help" "inspect $model" \
    "compress $model --target cortex-m4 -o out" "run out" "run out --on host" "verify out --inputs input.bin"; do
    # shellcheck disable=SC2086
    exits 0 "" "$dtmm" $arguments
    [ -s stdout ] && [ ! -s stderr ] || die "nothing printed, or an error: dtmm $arguments"
done
exits 1 "" "$dtmm"
exits 1 "dtmm: there is no command 'fly'; see 'dtmm --help'" "$dtmm" fly
exits 1 "dtmm: missing.tflite: cannot open: No such file or directory" "$dtmm" inspect missing.tflite
exits 3 "dtmm: host against the recorded outputs: 1 of 1 samples differ; .*" \
    "$dtmm" verify out --inputs input.bin --outputs wrong.bin

# No compiler; a compiler but no emulator; a compiler that fails; a read-only place for temporary files.
mkdir none failing partly tmp
compiler="dtmm: arm-none-eabi-gcc is not installed; apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"
exits 2 "$compiler" env PATH="$work/none" "$dtmm" compress "$model" --target cortex-m4 -o new
exits 2 "$compiler" env PATH="$work/none" "$dtmm" run out
exits 2 "dtmm: riscv64-unknown-elf-gcc is not installed; apt-get install gcc-riscv64-unknown-elf" \
    env PATH="$work/none" "$dtmm" compress "$model" --target rv32imc -o new
ln -s "$(command -v arm-none-eabi-gcc)" partly/
exits 2 "dtmm: qemu-system-arm is not installed; apt-get install qemu-system-arm" \
    env PATH="$work/partly" "$dtmm" run out
printf '#!/bin/sh\necho "error: out of order" >&2\nexit 1\n' >failing/arm-none-eabi-gcc
chmod +x failing/arm-none-eabi-gcc
exits 2 "dtmm: arm-none-eabi-gcc rejects .*: error: out of order" \
    env PATH="$work/failing:$PATH" "$dtmm" compress "$model" --target cortex-m4 -o new
exits 1 "dtmm: /proc: cannot make a temporary folder: .*" \
    env TMPDIR=/proc "$dtmm" compress "$model" --target cortex-m4 -o new
[ ! -e new ] && [ -z "$(find . -name '*.partial-*')" ] || die "left behind: $(ls -A)"
