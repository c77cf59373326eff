#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Pruning an int8 network on samples without labels: an int8 network with the same input and output, that answers
# as before.
. "$(dirname "$0")/../lib.sh"
cd "$work"
pattern_data data
pattern_network
mkdir samples
cp data/x_train.npy samples/

graph_of() { # MODEL: what is read from it, as text
    "$dtmm" inspect "$1" -d import | sed 1d
}
# The types, scales and zero points of the input and the output.
ends_of() {
    graph_of "$1" | awk '$1 == "tensor" {line[$2] = $0; sub(/ =.*/, "", line[$2]); sub(/^tensor "[^"]*"/, "", line[$2])}
        $1 == "input" || $1 == "output" {print $1 line[$2]}'
}
accuracy_of() { # MODEL options...
    local model=$1
    shift
    "$dtmm" eval "$model" --data data --json "$@" | sed -nE 's/^ *"accuracy": ([0-9.]+),?$/\1/p' | head -n 1
}
# check NAME options...: prunes NAME_int8.tflite to NAME.tflite on the samples alone.
check() {
    local name=$1
    shift
    "$dtmm" prune ${name}_int8.tflite --data samples --sparsity 0.5 --unit block:4 --compensate --steps 2 --epochs 6 --qat 2 \
        --lr 0.01 --json -o $name.tflite "$@" >$name.json 2>$name.log || { cat $name.log; die "$name: does not prune"; }
    at_least $name.json sparsity 0.5
    [ "$(ends_of $name.tflite | grep -c ' s8 .* scale .* zero_point ')" = 2 ] || { ends_of $name.tflite; die "$name: not int8"; }
    diff <(ends_of ${name}_int8.tflite) <(ends_of $name.tflite) || die "$name: other scales of input or output"
    ! grep -q validation_dense $name.json || die "$name: an accuracy without labels"
}
"$dtmm" quantize dense/model.tflite --data data -o pixels_int8.tflite >quantize.log 2>&1 || { cat quantize.log; die "does not quantize"; }
check pixels
[ "$(accuracy_of pixels.tflite)" = "$(accuracy_of pixels_int8.tflite)" ] || die "answers differ: $(accuracy_of pixels.tflite)"

# The network says what its 8-bit samples mean, not the command line.
"$dtmm" train net.txt --data data --epochs 8 --lr 0.02 --input-scale 0.01 --input-offset -1 -o scaled >train.log 2>&1 ||
    { cat train.log; die "does not train"; }
"$dtmm" quantize scaled/model.tflite --data data --input-scale 0.01 --input-offset -1 -o shifted_int8.tflite >quantize.log 2>&1 ||
    { cat quantize.log; die "does not quantize"; }
check shifted
got=$(accuracy_of shifted.tflite --input-like shifted.tflite)
[ "$got" = "$(accuracy_of shifted_int8.tflite --input-like shifted_int8.tflite)" ] || die "answers differ: $got"

# What nothing is removed from, and nothing trains, is what it was: names and all.
"$dtmm" prune pixels_int8.tflite --data samples --sparsity 0 --steps 1 --epochs 0 -o same.tflite >same.log 2>&1 ||
    { cat same.log; die "does not prune"; }
diff <(graph_of pixels_int8.tflite) <(graph_of same.tflite) || die "changed without a reason"
# What lies before the one layer that something is removed from keeps its integers and its scales.
constants_of() { # MODEL LAYER: its weights
    graph_of "$1" | awk -v layer="$2" '$1 == "node" && $3 == layer {weights = $5} $1 == "tensor" {name = $2}
        $1 == "tensor" || /^ / {text[name] = text[name] $0} END {sub(/^tensor "[^"]*"/, "", text[weights]); print text[weights]}'
}
echo '{"layers": {"second": {"sparsity": 0}, "conv": {"sparsity": 0}, "dense": {"unit": "block:4", "sparsity": 0.5}}}' >last.json
"$dtmm" prune pixels_int8.tflite --data samples --recipe last.json --steps 1 --epochs 0 -o last.tflite >last.log 2>&1 ||
    { cat last.log; die "does not prune"; }
for layer in conv second; do
    constants_of pixels_int8.tflite $layer >before
    [ "$(wc -w <before)" -gt 72 ] || die "no weights of $layer are found"
    diff before <(constants_of last.tflite $layer) || die "$layer is not what it was"
done
! diff -q <(constants_of pixels_int8.tflite dense) <(constants_of last.tflite dense) >diff.log || die "nothing was removed"

expect_fail 1 'taylor and fisher need labels' \
    "$dtmm" prune pixels_int8.tflite --data samples --sparsity 0.5 --score taylor -o x.tflite
expect_fail 1 'samples: has no labels of .* leave out --no-distill' \
    "$dtmm" prune pixels_int8.tflite --data samples --sparsity 0.5 --no-distill -o x.tflite
expect_fail 1 'samples: has no labels of .* leave out --distill-share 0$' \
    "$dtmm" prune pixels_int8.tflite --data samples --sparsity 0.5 --distill-share 0 -o x.tflite
expect_fail 1 'taylor and fisher need labels' \
    "$dtmm" prune dense/model.tflite --data samples --sparsity 0.5 --score fisher -o x.tflite
[ ! -e x.tflite ] && [ ! -e x.tflite.state ] || die "a refused pruning wrote something"
