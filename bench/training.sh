#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: training.sh [ROW...]
# Trains and quantizes networks and writes their lines of bench/training.csv; all rows without
# arguments. Choices are made on validation data; the test data is read once, at the end of a row. A run
# that was cut off goes on from its checkpoint in $BUILD/training. CIFAR-10 and the pretrained network are
# in the folder `shared` beside the repository (or $DTMM_SHARED); rows without their data are left out.
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
build=${BUILD:-build}
dtmm=$build/dtmm
shared=${DTMM_SHARED:-../shared}
csv=bench/training.csv
work=$build/training
mkdir -p "$work"

put() { # name, line: replaces the line of the table that starts with the name
    { [ -e $csv ] && grep -v "^$1," $csv || echo "network,dataset,epochs,seed,accuracy_float,accuracy_int8,images_per_second,seconds,command"; } >"$csv.new"
    echo "$2" >>"$csv.new"
    { head -n 1 "$csv.new"; tail -n +2 "$csv.new" | LC_ALL=C sort; } >$csv
    rm "$csv.new"
}

accuracy() { # model, data: percent on the test data
    "$dtmm" eval "$1" --data "$2" --json >"$work/eval.json"
    awk -v a="$(number "$work/eval.json" accuracy)" 'BEGIN {printf "%.2f", 100 * a}'
}

train() { # name, net, data, epochs, options...
    local name=$1 net=$2 data=$3 epochs=$4 out=$work/$1
    shift 4
    local resume=()
    [ -e "$out/checkpoint.safetensors" ] && resume=(--resume "$out")
    [ -e "$out/model.tflite" ] ||
        "$dtmm" train "$net" --data "$data" --epochs "$epochs" --seed 1 "$@" "${resume[@]}" --json -o "$out" >"$out.json"
    cp "$out/curve.csv" "bench/training_curve_$name.csv"
    "$dtmm" quantize "$out/model.tflite" --data "$data" -o "$work/$name.int8.tflite"
    put "$name" "$name,$(basename "$data"),$epochs,1,$(accuracy "$out/model.tflite" "$data"),$(accuracy "$work/$name.int8.tflite" "$data"),$(number "$out.json" images_per_second | cut -d. -f1),$(number "$out.json" seconds | cut -d. -f1),dtmm train $net --data $(basename "$data") --epochs $epochs --seed 1 $*; dtmm quantize"
}

quantize() { # name, model, data, epochs, options...
    local name=$1 model=$2 data=$3 epochs=$4 started
    shift 4
    started=$(date +%s)
    "$dtmm" quantize "$model" --data "$data" "$@" -o "$work/$name.tflite"
    put "$name" "$name,$(basename "$data"),$epochs,1,$(accuracy "$model" "$data"),$(accuracy "$work/$name.tflite" "$data"),,$(($(date +%s) - started)),dtmm quantize $(basename "$model") --data $(basename "$data") $*"
}

row() {
    case $1 in
    fashion_cnn) train fashion_cnn zoo/fashion_cnn.txt fashion-mnist 15 --augment flip,shift:2 ;;
    resnet8) train resnet8 zoo/resnet8.txt "$shared/data/cifar10" 40 --augment flip,shift:4 ;;
    pretrained_ptq) quantize pretrained_ptq "$shared/models/pretrainedResnet.tflite" "$shared/data/cifar10" 0 ;;
    pretrained_qat) quantize pretrained_qat "$shared/models/pretrainedResnet.tflite" "$shared/data/cifar10" 5 --qat 5 --augment flip,shift:4 ;;
    *) echo "training.sh: there is no row $1" >&2; exit 1 ;;
    esac
}

for name in "${@:-fashion_cnn resnet8 pretrained_ptq pretrained_qat}"; do
    for one in $name; do
        case $one in
        resnet8 | pretrained_*) [ -e "$shared/data/cifar10" ] || { echo "$one: skipped, $shared/data/cifar10 is not there"; continue; } ;;
        esac
        row "$one"
    done
done
cat $csv
