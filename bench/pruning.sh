#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: pruning.sh [ROW...]
# Prunes networks and writes their lines of bench/pruning.csv; all rows without arguments. Choices are made
# on validation data; the test data is read once, at the end of a row. A row that was cut off goes on where it
# stopped, in $BUILD/pruning; what is done there is not done again. The data is in the folder `shared` beside
# the repository (or $DTMM_SHARED).
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
dtmm=$build/dtmm
shared=${DTMM_SHARED:-../shared}
csv=bench/pruning.csv
work=$build/pruning
mkdir -p "$work"

cifar=$shared/data/cifar10
resnet=$shared/models/pretrainedResnet.tflite
keywords=$shared/models/kws_ref_model.tflite

number() { # file, key: a number of a JSON report
    sed -nE "s/^ *\"$2\": ([-0-9.e+]+),?$/\1/p" "$1" | head -n 1
}

put() { # key (first seven columns), line: replaces the line of the table
    { [ -e $csv ] && grep -vF "$1," $csv || echo "network,dataset,unit,score,absent_percent,epochs,seed,accuracy_dense,accuracy,drop,weight_bytes,macs,command"; } >"$csv.new"
    echo "$2" >>"$csv.new"
    { head -n 1 "$csv.new"; tail -n +2 "$csv.new" | LC_ALL=C sort; } >$csv
    rm "$csv.new"
}

accuracy() { # name: percent on the test data, read once
    [ -e "$work/$1.accuracy" ] ||
        "$dtmm" eval "$work/$1.tflite" --data "$data" --json >"$work/$1.accuracy.new"
    [ -e "$work/$1.accuracy" ] || mv "$work/$1.accuracy.new" "$work/$1.accuracy"
    awk -v a="$(number "$work/$1.accuracy" accuracy)" 'BEGIN {printf "%.2f", 100 * a}'
}

run() { # name, options...: prunes, unless that is done; goes on where it was cut off
    local name=$1 out=$work/$1.tflite resume=()
    shift
    [ ! -e "$work/$name.json" ] || return 0
    [ ! -e "$out.state/state.json" ] || resume=(--resume)
    echo "dtmm prune $(basename "$model") $*"
    "$dtmm" prune "$model" --data "$data" "$@" "${resume[@]}" --json -o "$out" >"$work/$name.json.new"
    mv "$work/$name.json.new" "$work/$name.json"
}

# network, unit, percent, epochs, seed, options...: a row, and the dense network trained likewise
row() {
    local network=$1 unit=$2 percent=$3 epochs=$4 seed=$5 score=magnitude
    shift 5
    local share name=$network.$unit.$percent.$epochs.$seed dense=$network.dense.$epochs.$seed option previous=
    for option; do
        [ "$previous" != --score ] || score=$option
        case $option in --compensate) [ "$epochs" != 0 ] || name=$name.compensated ;; esac
        previous=$option
    done
    [ "$epochs" != 0 ] || [[ $name == *.compensated ]] || score="$score, removed"
    share=$(awk -v p="$percent" 'BEGIN {print p / 100}')
    run "$dense" --sparsity 0 --steps 1 --unit "$unit" --epochs "$epochs" --seed "$seed" "${always[@]}"
    run "$name" --sparsity "$share" --unit "$unit" --epochs "$epochs" --seed "$seed" "${always[@]}" "$@"
    local before after
    before=$(accuracy "$dense")
    after=$(accuracy "$name")
    put "$network,$dataset,$unit,$score,$percent,$epochs,$seed" \
        "$network,$dataset,$unit,$score,$percent,$epochs,$seed,$before,$after,$(awk -v a="$before" -v b="$after" 'BEGIN {printf "%.2f", a - b}'),$(number "$work/$name.json" weight_bytes),$(number "$work/$name.json" macs),dtmm prune $(basename "$model") --data $dataset --sparsity $share --unit $unit --epochs $epochs --seed $seed ${always[*]} $*"
}

images() { # network, model
    network=$1 model=$2 data=$cifar dataset=cifar10
    always=(--augment flip,shift:4)
}

# The plain network is trained first; so is what an interrupted training left.
vgg11() {
    local out=$work/vgg11 resume=()
    [ ! -e "$out/checkpoint.safetensors" ] || resume=(--resume "$out")
    [ -e "$out/model.tflite" ] ||
        "$dtmm" train zoo/vgg11.txt --data "$cifar" --epochs 30 --augment flip,shift:4 --seed 1 "${resume[@]}" -o "$out"
    images vgg11 "$out/model.tflite"
}

# 700 inputs without labels, and 300 others to be judged by.
words() {
    network=kws model=$keywords data=$work/kws dataset=kws01
    always=()
    [ -e "$data/y_test.npy" ] || /usr/bin/python3 - "$shared/data/kws01" "$data" <<'PY'
import lzma, os, sys
import numpy as np
x, y = (np.load(lzma.open(os.path.join(sys.argv[1], name))) for name in ("mfcc_i8.npy.xz", "y_u8.npy.xz"))
order = np.random.RandomState(1).permutation(len(x))
os.makedirs(sys.argv[2], exist_ok=True)
np.save(os.path.join(sys.argv[2], "x_train.npy"), x[order[:700]])
np.save(os.path.join(sys.argv[2], "x_test.npy"), x[order[700:]])
np.save(os.path.join(sys.argv[2], "y_test.npy"), y[order[700:]])
PY
}
