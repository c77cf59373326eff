#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# verify: device, host and recordings against each other; exit code 3 for a single wrong byte.
. "$(dirname "$0")/../lib.sh"
PATH=$(dirname "$dtmm"):$PATH
mkdir "$work/here"
cp examples/small_cnn.tflite "$work/here/"
cd "$work/here"

dtmm compress small_cnn.tflite --target cortex-m4 -o out >"$work/stdout"
tail -c 1568 small_cnn.tflite >inputs.bin

# Recorded outputs: what the host gives, as bytes.
dtmm run out --on host --json --input inputs.bin | sed -nE 's/^ {8}(-?[0-9]+),?$/\1/p' |
    while read -r value; do printf "\\x$(printf %02x $((value & 255)))"; done >outputs.bin
head -c 10 outputs.bin >one.bin
[ "$(stat -c %s outputs.bin)" = 20 ] || die "the outputs are not 20 bytes"
show dtmm verify out --inputs inputs.bin
show dtmm verify out --inputs inputs.bin --outputs outputs.bin
show dtmm verify out --inputs inputs.bin --outputs outputs.bin --on host
show dtmm verify out --inputs inputs.bin --outputs outputs.bin --on cortex-m7 -v
show dtmm verify out --inputs inputs.bin --outputs outputs.bin --json

# One wrong byte.
cp outputs.bin wrong.bin
printf '\x00' | dd of=wrong.bin bs=1 seek=13 conv=notrunc 2>"$work/dd"
show dtmm verify out --inputs inputs.bin --outputs wrong.bin
show dtmm verify out --inputs inputs.bin --outputs wrong.bin --on host
show dtmm verify out --inputs inputs.bin --outputs wrong.bin --json
expect_transcript verify

: >"$work/transcript"
refused dtmm verify out
refused dtmm verify out --inputs missing.bin
refused dtmm verify out --inputs inputs.bin --on host
refused dtmm verify out --inputs inputs.bin --outputs one.bin
refused dtmm verify out --inputs inputs.bin --outputs missing.bin
refused dtmm verify out --inputs outputs.bin
refused dtmm verify here --inputs inputs.bin
expect_transcript verify_refused
