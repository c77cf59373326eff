#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run: outputs, instructions in all and by layer, flash, SRAM and stack; on the device and on the host.
. "$(dirname "$0")/../lib.sh"
PATH=$(dirname "$dtmm"):$PATH
mkdir "$work/here"
cp examples/small_cnn.tflite "$work/here/"
cd "$work/here"

dtmm compress small_cnn.tflite --target cortex-m4 -o out >"$work/stdout"
tail -c 1568 small_cnn.tflite >two.bin
show dtmm run out
show dtmm run out --per-layer
show dtmm run out --on host
show dtmm run out --input two.bin --on cortex-m7 --per-layer
show dtmm run out --input two.bin --json
show dtmm run out --on host --json --input two.bin -v
expect_transcript run

# A measurement of the same thing gives the same numbers; the report keeps that of its own target only.
dtmm run out --per-layer >"$work/first"
cp out/report.json "$work/report.json"
dtmm run out --per-layer | cmp - "$work/first" || die "another measurement the second time"
dtmm run out --on cortex-m7 >"$work/stdout"
dtmm run out --on host >"$work/stdout"
cmp out/report.json "$work/report.json" || die "a run elsewhere changed the report"

# Layers add up to the total, each but the one that only shares memory takes instructions.
sed -nE 's/^ +"instructions": ([0-9]+).*/\1/p' out/report.json | awk '
    NR == 1 { total = $1 }
    NR > 1 { sum += $1; zeros += $1 == 0 }
    END { if (NR != 10 || zeros != 1 || sum < total * 0.99 || sum > total * 1.01) {
            print "total " total ", sum " sum ", layers " NR - 1 ", without instructions " zeros; exit 1 } }' ||
    die "the layers do not add up"

# Wrong arguments, damaged folders.
: >"$work/transcript"
refused dtmm run missing
mkdir empty
refused dtmm run empty
refused dtmm run out --on cortex-m5
refused dtmm run out --timeout 0
refused dtmm run out --input missing.bin
head -c 785 small_cnn.tflite >odd.bin
refused dtmm run out --input odd.bin
: >none.bin
refused dtmm run out --input none.bin
for file in report.json model.txt; do
    cp -R out damaged
    head -c 220 out/$file >damaged/$file
    refused dtmm run damaged
    : >damaged/$file
    refused dtmm run damaged
    rm damaged/$file
    refused dtmm run damaged
    rm -r damaged
done
cp -R out damaged
echo '{"target": "cortex-m4", "layers": 3}' >damaged/report.json
refused dtmm run damaged
echo '[]' >damaged/report.json
refused dtmm run damaged
expect_transcript run_refused
