#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Places that cannot be written and budgets that cannot be kept: one line that says what is needed and
# why, exit code 1, nothing left behind.
. "$(dirname "$0")/../lib.sh"
PATH=$(dirname "$dtmm"):$PATH
mkdir "$work/here" "$work/here/full" "$work/here/empty" "$work/tmp"
export TMPDIR=$work/tmp
cp examples/small_cnn.tflite "$work/here/model.tflite"
cd "$work/here"
echo "mine" >full/notes
echo "mine" >file

compress() { # OPTIONS...
    refused dtmm compress model.tflite "$@"
}

# The place.
compress --target cortex-m4 -o file
compress --target cortex-m4 --force -o file
compress --target cortex-m4 -o file/out
compress --target cortex-m4 -o /proc/out
compress --target cortex-m4 -o /proc/new/folder/out
compress --target cortex-m4 -o ""
compress --target cortex-m4 -o full
compress --target cortex-m4 --force -o .
compress --target cortex-m4 --force -o ..
cp model.tflite full/
refused dtmm compress full/model.tflite --target cortex-m4 --force -o full
rm full/model.tflite

# The target.
compress --target cortex-m5 -o out
compress --target M4 -o out
compress --target stm32f447 -o out
compress --target nrf52 -o out
compress --target gpu -o out
compress --target host -o out
compress -o out

# Budgets: no sizes, contradictory, too small for flash, for SRAM, for both, for the device.
compress --target cortex-m4 --flash 64Q -o out
compress --target cortex-m4 --flash 0 -o out
compress --target cortex-m4 --sram -1 -o out
compress --target cortex-m4 --sram 99999999999999999999 -o out
compress --target stm32f103c8 --flash 128K -o out
compress --target stm32f103c8 --sram 32K -o out
compress --target cortex-m4 --flash 64K --flash 32K -o out
compress --target cortex-m4 --target cortex-m3 -o out
compress --target cortex-m4 --sparsity 1 -o out
compress --target cortex-m4 --sparsity -0.1 -o out
compress --target cortex-m4 --sparsity nan -o out
compress --target cortex-m4 --sparsity half -o out
compress --target cortex-m4 --sparsity 0.5 --sparsity 0.25 -o out
compress --target cortex-m4 --sram 2K -o out
compress --target cortex-m4 --flash 1 --sram 1 -o out

# Passes to dump.
compress --target cortex-m4 -d prnue -o out
compress --target cortex-m4 -d plan --json -o out
refused dtmm inspect model.tflite -d plan
expect_transcript bad_output
[ "$(cat full/notes file)" = "mine
mine" ] || die "a file of the user's changed"
[ -z "$(ls -A "$TMPDIR")" ] || die "left behind: $(ls "$TMPDIR")"

# How much flash is needed depends on the compiler, how much SRAM on the kernels.
for out in out parent/of/out; do
    compress --target cortex-m4 --flash 4K -o "$out"
    grep -Eqx "dtmm: model.tflite: 'model' does not fit cortex-m4: it needs [0-9]{5} bytes of flash \
\([0-9]{4,5} of them code\) and there are 4096 \(too few\); it needs [0-9]{4} bytes of SRAM \([0-9]{4} of them arena\) \
and there are 4194304; the largest layer is conv_2d 'conv2d_3' with 4410 bytes of weights" "$work/stderr" ||
        die "another error: $(cat "$work/stderr")"
done

# A disk that is full: files may not grow beyond 4 KB, so that the source cannot be written.
refused bash -c 'ulimit -f 4; exec dtmm compress model.tflite --target cortex-m4 -o out'
grep -q 'cannot write: File too large' "$work/stderr" || die "another error: $(cat "$work/stderr")"
mkdir disk
# shellcheck disable=SC2016
unshare --mount sh -c 'mount -t tmpfs -o size=16k none disk && dtmm compress model.tflite --target cortex-m4 \
    -o disk/out; echo "exit code $?"; ls -A disk' >"$work/disk" 2>&1 || true
if grep -q 'No space left on device' "$work/disk"; then
    [ "$(tail -n +2 "$work/disk")" = "exit code 1" ] || { cat "$work/disk"; die "a full disk"; }
else
    echo "note: a full disk was only simulated by a limit, no file system can be mounted here"
fi

# An empty folder is fine, --force replaces a full one as a whole, parents are made.
dtmm compress model.tflite --target cortex-m4 -o empty/ >"$work/stdout"
[ -f empty/report.json ] || die "an empty folder was not used"
dtmm compress model.tflite --target cortex-m4 --force -o full >"$work/stdout"
[ -f full/report.json ] && [ ! -e full/notes ] || die "--force did not replace the folder"
dtmm compress model.tflite --target cortex-m4 -o new//parent/out/ >"$work/stdout"
[ -f new/parent/out/report.json ] || die "parents were not made"
[ "$(find . -name '*.partial-*' -o -name '*.replaced-*')" = "" ] || die "left behind: $(ls -A)"
