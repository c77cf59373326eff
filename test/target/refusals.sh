#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What cannot be built, held or trusted is refused with a message that says why; nothing is left behind.
set -u
cd "$(dirname "$0")/../.." || exit 2
tool=$PWD/${BUILD:-build}/test/tool/measure_tiny
# No shell sees the paths: they may hold what a shell would act on.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
scratch="$folder/it's a \$(touch ran), "
mkdir "$scratch" "$scratch/tmp"
export TMPDIR=$scratch/tmp
bad=0
complain() { echo "$*"; bad=1; }

# A copy of the fixture with one file changed by sed: NAME FILE EXPRESSION
change() {
    cp -R test/target/fixture "$scratch/$1"
    sed -i "$3" "$scratch/$1/$2"
    ! cmp -s "$scratch/$1/$2" "test/target/fixture/$2" || complain "$1: the change had no effect"
}

# EXTENDED-REGEX TARGET FOLDER MODE [TIMEOUT FLASH SRAM]
refused() {
    local message=$1 output
    shift
    if output=$(PATH=${tool_path:-$PATH} "$tool" "$@"); then
        complain "not refused: $*: $output"
    elif ! grep -qE "^error $message" <<<"$output"; then
        complain "another message: $*: $output"
    else
        echo "$output"
    fi
    [ -z "$(ls -A "$TMPDIR")" ] || complain "left behind: $(ls "$TMPDIR")"
}

# Too large for the device, for a budget, for the emulated machine.
change flash src/tiny.c 's/TABLE_BYTES 64/TABLE_BYTES 70000/'
refused "'tiny' does not fit stm32f103c8: it needs 7[0-9]{4} bytes of flash .* there are 65536 \(too few\); .*there are 20480$" \
    stm32f103c8 "$scratch/flash" build
change sram src/tiny.c 's/STATE_WORDS 4/STATE_WORDS 6000/'
refused "'tiny' does not fit stm32f103c8: .* it needs 242[0-9]{2} bytes of SRAM \(256 of them arena\) and there are 20480 \(too few\)" \
    stm32f103c8 "$scratch/sram" run
refused "'tiny' does not fit cortex-m4: .* and there are 1000 \(too few\)" \
    cortex-m4 test/target/fixture build 30 1000 0
refused "'tiny' does not fit cortex-m4: .* and there are 270 \(too few\)" \
    cortex-m4 test/target/fixture build 30 0 270
change full include/tiny.h 's/ARENA_BYTES 256/ARENA_BYTES 20200/'
refused "'tiny' does not fit stm32f103c8: 202[0-9]{2} bytes of data and arena and 4[0-9]{2} of stack are more than its 20480 bytes" \
    stm32f103c8 "$scratch/full" run
change machine include/tiny.h 's/ARENA_BYTES 256/ARENA_BYTES 15600/'
refused "'tiny' fits stm32f072, but the emulated machine microbit .*cannot hold it .*overflowed by [0-9]+ bytes" \
    stm32f072 "$scratch/machine" run
change stack runtime/c/tiny.c 's/400/15900/'
refused "'tiny' needs more stack than the emulated machine microbit has left" \
    cortex-m0 "$scratch/stack" run

# Firmware that goes wrong.
change fault src/tiny.c 's/    state\[STATE_WORDS - 1\] = 0;/    __builtin_trap();/'
refused "the firmware ended in a processor fault on mps2-an386" cortex-m4 "$scratch/fault" run
refused "the firmware ended in a processor fault on virt" rv32imc "$scratch/fault" run
change state src/tiny.c 's/    state\[STATE_WORDS - 1\] = 0;/    output[0] = (int8_t)state[1]++;/'
refused "two inferences on the same input gave different outputs" cortex-m4 "$scratch/state" run
change warning src/tiny.c 's/^    struct dtmm_tiny layer/    int unused;\n&/'
refused "arm-none-eabi-gcc rejects .*/warning/src/tiny.c: .*unused" cortex-m4 "$scratch/warning" build
change undefined src/tiny.c 's/dtmm_tiny_loop(LOOP_COUNT)/dtmm_tiny_gone(LOOP_COUNT)/'
sed -i 's/^#endif/void dtmm_tiny_gone(uint32_t n);\n&/' "$scratch/undefined/runtime/dtmm.h"
refused "the library cannot be linked for cortex-m4: .*undefined reference to .dtmm_tiny_gone" \
    cortex-m4 "$scratch/undefined" build

# A hang: ended in time, no process left in the session.
change hang src/tiny.c 's/    state\[STATE_WORDS - 1\] = 0;/    for (;;)\n        state[0] = 1;/'
setsid --wait bash -c 'echo $$ >"$1"; exec "$2" cortex-m55 "$3" run 2' hang "$scratch/session" "$tool" \
    "$scratch/hang" >"$scratch/hang.log"
grep -q "^error qemu-system-arm did not end within 2 s and was stopped" "$scratch/hang.log" ||
    complain "hang: $(cat "$scratch/hang.log")"
# In /proc/PID/stat the session is the fourth field after the name in parentheses.
left=$(cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | awk -v s="$(cat "$scratch/session")" '$4 == s && $1 != "Z"')
[ -z "$left" ] || complain "hang: a process is left: $left"
[ -z "$(ls -A "$TMPDIR")" ] || complain "left behind: $(ls "$TMPDIR")"

# Tools that are missing or do not count as expected.
mkdir "$scratch/empty" "$scratch/no-emulator" "$scratch/other-emulator"
tool_path=$scratch/empty refused "arm-none-eabi-gcc is not installed; apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi$" \
    cortex-m4 test/target/fixture build
tool_path=$scratch/empty refused "riscv64-unknown-elf-gcc is not installed; apt-get install gcc-riscv64-unknown-elf$" \
    esp32c3 test/target/fixture build
printf '#!/bin/bash\nexec %s "$@"\n' "$(command -v arm-none-eabi-gcc)" >"$scratch/no-emulator/arm-none-eabi-gcc"
chmod +x "$scratch/no-emulator/arm-none-eabi-gcc"
tool_path=$scratch/no-emulator refused "qemu-system-arm is not installed; apt-get install qemu-system-arm$" \
    cortex-m4 test/target/fixture run
printf '#!/bin/bash\nexec %s "${@/shift=8/shift=7}"\n' "$(command -v qemu-system-arm)" >"$scratch/other-emulator/qemu-system-arm"
chmod +x "$scratch/other-emulator/qemu-system-arm"
tool_path=$scratch/other-emulator:$PATH refused "qemu-system-arm -M mps2-an386 counts [0-9.]+ instructions in a loop of 8000000" \
    cortex-m4 test/target/fixture run
refused "target 'host' is not a device" host test/target/fixture run
refused ".*/nothing: there is no such folder" cortex-m4 "$scratch/nothing" build
[ -z "$(find . "$folder" -name ran)" ] || complain "a path was run as a command"
exit "$bad"
