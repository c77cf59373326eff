#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# compress: its table, JSON, a line a pass, the dump of each pass, what it writes.
. "$(dirname "$0")/../lib.sh"
PATH=$(dirname "$dtmm"):$PATH
mkdir "$work/here"
cp examples/small_cnn.tflite "$work/here/"
cd "$work/here"

show dtmm compress small_cnn.tflite --target cortex-m3 -o out
show ls out out/include out/src
show dtmm compress small_cnn.tflite -t cortex-m3 --flash 64K --sram 8K --sparsity 0.5 -v -o pruned
show dtmm compress small_cnn.tflite -t stm32f103c8 --json -f -o out
dtmm compress small_cnn.tflite -t stm32f103c8 --json -f -o out >"$work/json"
cmp "$work/json" out/report.json || die "--json differs from report.json"

# Each pass that makes a graph prints it in a form that reads back as the same graph.
passes=$(dtmm compress --help | sed -n '/--dump/,/--json/p' | grep -Eo '\b(import|score|prune|simplify|pack|plan)\b' | sort -u)
[ "$(echo $passes)" = "import pack plan prune score simplify" ] || die "passes: $passes"
for pass in import prune simplify; do
    dtmm compress small_cnn.tflite -t cortex-m3 --sparsity 0.5 -f -o out -d $pass >$pass.txt
    dtmm inspect $pass.txt -d import | cmp - $pass.txt || die "the dump of $pass changed when read back"
    show dtmm inspect $pass.txt
done
dtmm compress small_cnn.tflite -t cortex-m3 -f -o out -d pack >pack.txt
[ "$(grep -Ecx '[a-z0-9_]+: dtmm_[a-z0-9_]+( (weights|mask|bias|multiplier|shift) [0-9]+)* scratch [0-9]+' pack.txt)" = 8 ] ||
    { cat pack.txt; die "-d pack does not print 8 calls"; }
# The chart is tested in test/unit/plan.c; here: a row a call, one of them the peak, and the totals.
dtmm compress small_cnn.tflite -t cortex-m3 -f -o out -d plan >plan.txt
[ "$(grep -Ecx '[a-z0-9_]+ +[-|=#*~.]{72} +[0-9]+(  <- peak)?' plan.txt)" = 8 ] &&
    [ "$(grep -c '<- peak$' plan.txt)" = 1 ] &&
    [ "$(sed -nE 's/^arena +([0-9]+) bytes$/\1/p' plan.txt)" = "$(json out/report.json arena_bytes)" ] ||
    { cat plan.txt; die "-d plan prints another chart"; }
dtmm compress small_cnn.tflite -t cortex-m3 --sparsity 0.5 -f -o out -d score >score.txt
show cut -d ' ' -f 1-8 score.txt
show dtmm compress small_cnn.tflite -t cortex-m3 -f -o out -d score
expect_transcript compress

# The folder is the same whenever and wherever it is made, but for the model's path in its report.
dtmm compress small_cnn.tflite -t cortex-m3 -o first >"$work/stdout"
mkdir elsewhere
(cd elsewhere && TMPDIR=. dtmm compress ../small_cnn.tflite -t cortex-m3 -o second >"$work/stdout")
sed -i 's|"../small_cnn.tflite"|"small_cnn.tflite"|' elsewhere/second/report.json
diff -r first elsewhere/second || die "another library the second time"

# A model may have any name; the library gets one that C allows.
long=$(head -c 200 /dev/zero | tr '\0' n)
while read -r name header; do
    cp small_cnn.tflite "$name.tflite"
    dtmm compress "./$name.tflite" -t cortex-m3 --force -o "out of $name" >"$work/stdout"
    [ -f "out of $name/include/$header.h" ] || die "$name: $(ls "out of $name/include")"
    dtmm run "out of $name" --on host >"$work/stdout"
done <<END
it's_"\$(touch_ran)" it_s_touch_ran
2nd-model n2nd_model
register register_
INPUT input
main main
größe gr_e
$long $long
END
[ ! -e ran ] || die "a name was run by a shell"
