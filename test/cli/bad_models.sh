#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Damaged models and models that are not supported: one line that names the file, the layer and the
# remedy; exit code 1; nothing left behind.
. "$(dirname "$0")/../lib.sh"
# With the sanitizers when that build is there.
PATH=$(dirname "$dtmm")/sanitized:$(dirname "$dtmm"):$PATH
mkdir "$work/here" "$work/json"
cp examples/small_cnn.tflite "$work/here/good.tflite"
cd "$work/here"
flatc --json --defaults-json --raw-binary -o "$work/json" "$root/src/import/tflite.fbs" -- good.tflite
tr -d ' \n' <"$work/json/good.json" >"$work/json/compact.json"

compress() { # MODEL
    refused dtmm compress "$1" --target cortex-m4 -o out
}

# edited NAME SED-EXPRESSION: the model with its JSON form edited.
edited() {
    sed -E "$2" "$work/json/compact.json" >"$work/json/$1.json"
    ! cmp -s "$work/json/compact.json" "$work/json/$1.json" || die "$1: the edit had no effect"
    flatc -b -o . "$root/src/import/tflite.fbs" "$work/json/$1.json"
    compress "$1.tflite"
}

compress missing.tflite
mkdir folder.tflite
compress folder.tflite
: >empty.tflite
compress empty.tflite
echo "This is no network." >text.tflite
compress text.tflite
printf 'graph nonsense\n' >graph.txt
compress graph.txt
head -c 4096 /dev/zero >zeros.tflite
compress zeros.tflite

# Cut off at every sixteenth of its length, and within its last string.
size=$(stat -c %s good.tflite)
for i in $(seq 1 15) last; do
    [ "$i" = last ] && length=$((size - 8)) || length=$((size * i / 16))
    head -c "$length" good.tflite >"cut_$i.tflite"
    compress "cut_$i.tflite"
done

edited unknown_op 's/builtin_code:"SOFTMAX"/builtin_code:"BATCH_MATMUL"/; s/code:25,/code:126,/'
edited newer_op 's/(code:3,version:)3/\199/'
edited overflow 's/shape:\[1,28,28,1\]/shape:[65536,65536,65536,65536]/'
edited overflow_weights 's/shape:\[32,3,3,32\]/shape:[2147483647,3,3,32]/'
edited zero_dimension 's/shape:\[1,28,28,1\]/shape:[1,0,28,1]/'
edited zero_filters 's/shape:\[8,3,3,1\]/shape:[0,3,3,1]/'
edited negative_dimension 's/shape:\[1,28,28,1\]/shape:[1,-28,28,1]/'
edited dynamic_dimension 's/shape_signature:\[-1,28,28,1\]/shape_signature:[-1,-1,28,1]/'
edited uint8_input 's/type:"INT8"/type:"UINT8"/'
edited int16_weights 's/(shape:\[8,3,3,1\],type:)"INT8"/\1"INT16"/'
edited unknown_type 's/type:"INT8"/type:99/'
edited short_buffer 's/shape:\[32,3,3,32\]/shape:[32,3,3,33]/'
edited no_such_buffer 's/buffer:1,/buffer:1000,/'
edited cycle 's/(opcode_index:0,inputs:\[)3,4,5/\16,4,5/'
edited forward_reference 's/(opcode_index:0,inputs:\[)0,1,2/\115,1,2/'
edited dangling_reference 's/(opcode_index:0,inputs:\[)0,1,2/\11000,1,2/'
edited negative_reference 's/(opcode_index:0,inputs:\[)0,1,2/\1-7,1,2/'
edited two_producers 's/outputs:\[6\]/outputs:[3]/'
edited no_outputs 's/outputs:\[22\],operators/outputs:[],operators/'
edited other_output 's/outputs:\[22\],operators/outputs:[99],operators/'
edited no_such_code 's/opcode_index:5/opcode_index:50/'
edited stride_0 's/stride_w:2,stride_h:2/stride_w:0,stride_h:2/'
edited wrong_output_shape 's/shape:\[1,14,14,16\]/shape:[1,14,14,15]/'
edited no_scale 's/scale:\[0.003922\],//'
edited scale_0 's/scale:\[0.003922\]/scale:[0.0]/'
edited version_2 's/^\{version:3/{version:2/'
expect_transcript bad_models

# inspect refuses what compress refuses, in the same words.
for model in empty.tflite cut_9.tflite cycle.tflite overflow.tflite; do
    expected=$(sed -n "/^\$ dtmm compress $model /{n;p}" "$work/transcript")
    refused dtmm inspect "$model"
    [ "$(cat "$work/stderr")" = "$expected" ] || die "inspect $model says: $(cat "$work/stderr")"
done
