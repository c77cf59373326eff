#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# inspect: its table, JSON, a line a pass, the graph in text form.
. "$(dirname "$0")/../lib.sh"
PATH=$(dirname "$dtmm"):$PATH
mkdir "$work/here"
cp examples/small_cnn.tflite "$work/here/"
cd "$work/here"

show dtmm inspect small_cnn.tflite
show dtmm inspect small_cnn.tflite -v
show dtmm inspect --json small_cnn.tflite

# The text form reads back as the same graph.
dtmm inspect small_cnn.tflite -d import >small_cnn.txt
head -n 3 small_cnn.txt >"$work/head"
show cat "$work/head"
show grep -v '^tensor\|^ ' small_cnn.txt
dtmm inspect small_cnn.txt --dump import | cmp - small_cnn.txt || die "the text form changed when read back"
dtmm inspect small_cnn.txt | tail -n +3 >"$work/text"
dtmm inspect small_cnn.tflite | tail -n +3 | cmp - "$work/text" || die "another report from the text form"
sed -i "s|$work|WORK|" "$work/transcript"
expect_transcript inspect
