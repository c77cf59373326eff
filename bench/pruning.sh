#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: pruning.sh [ROW...]
# Prunes networks and writes their lines of bench/pruning.csv: all rows that it does not have, or those that are
# named (NETWORK.UNIT.PERCENT.EPOCHS.SEED; where the score has several words, the last one follows: .removed, .byte).
# Choices are made on validation data; the test data is read once, at the end of a row. A row that was cut off goes
# on where it stopped, in $BUILD/pruning. `absent_percent` 0 is the dense network, trained for as many epochs by the
# same recipe, with seed 1; `drop` is against it, both after int8. The data is in the folder `shared` beside the
# repository (or $DTMM_SHARED).
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
build=${BUILD:-build}
dtmm=$build/dtmm
shared=${DTMM_SHARED:-../shared}
csv=bench/pruning.csv
work=$build/pruning
mkdir -p "$work"
[ -e $csv ] || echo "network,dataset,unit,score,absent_percent,epochs,seed,accuracy_dense,accuracy,drop,weight_bytes,macs,command" >$csv

# ---- the table ----
put() { # the first seven columns, the others: replaces the line of the table
    { head -n 1 $csv; { tail -n +2 $csv | grep -vF "$1," || true; echo "$1,$2"; } | LC_ALL=C sort; } >"$csv.new"
    mv "$csv.new" $csv
}

dense_accuracy() { # epochs: of the dense network
    awk -F, -v n="$network" -v e="$1" '$1 == n && $5 == 0 && $6 == e && $7 == 1 {print $9}' $csv
}

# ---- one row ----
prune() { # name, options...: goes on where it was cut off
    local name=$1 resume=()
    shift
    if [ -e "$work/$name.json" ] && [ "$(cat "$work/$name.options")" = "$model $*" ]; then return 0; fi
    [ ! -e "$work/$name.tflite.state/state.json" ] || resume=(--resume)
    echo "dtmm prune $(basename "$model") $*"
    "$dtmm" prune "$model" --data "$data" "$@" "${resume[@]}" --json -o "$work/$name.tflite" >"$work/$name.json.new"
    echo "$model $*" >"$work/$name.options"
    mv "$work/$name.json.new" "$work/$name.json"
}

accuracy() { # name: percent on the test data; of numbers, of their variance
    "$dtmm" eval "$work/$1.tflite" --data "$data" --json >"$work/$1.eval.json"
    if [ -e "$data/variance" ]; then
        awk -v e="$(number "$work/$1.eval.json" mean_squared_error)" -v v="$(cat "$data/variance")" 'BEGIN {printf "%.2f", 100 * (1 - e / v)}'
    else
        awk -v a="$(number "$work/$1.eval.json" accuracy)" 'BEGIN {printf "%.2f", 100 * a}'
    fi
}

row() { # unit, percent, epochs, seed, score, options...
    local unit=$1 percent=$2 epochs=$3 seed=$4 score=$5 name=$network.$1.$2.$3.$4 share key before after drop=
    shift 5
    share=$(awk -v p="$percent" 'BEGIN {print p / 100}')
    [[ $score != *" "* ]] || name+=.${score##* }
    key="$network,$dataset,$unit,$score,$percent,$epochs,$seed"
    if [ "${#rows[@]}" -gt 0 ]; then
        [[ " ${rows[*]} " == *" $name "* ]] || return 0
    elif grep -qF "$key," $csv; then
        return 0
    fi
    local options=(--sparsity "$share" --unit "$unit" --epochs "$epochs" --seed "$seed" "${always[@]}" "$@")
    [ "$percent" != 0 ] || options=(--sparsity 0 --epochs "$epochs" --seed "$seed" "${always[@]}" "$@")
    prune "$name" "${options[@]}"
    after=$(accuracy "$name")
    before=$(dense_accuracy "$epochs")
    [ "$percent" != 0 ] || before=$after
    [ -z "$before" ] || drop=$(awk -v a="$before" -v b="$after" 'BEGIN {printf "%.2f", a - b}')
    put "$key" "$before,$after,$drop,$(number "$work/$name.json" weight_bytes),$(number "$work/$name.json" macs),dtmm prune $(basename "$model") --data $dataset ${options[*]}"
}

# ---- what is pruned ----
network() { # name, model, data, options of all rows...
    network=$1 model=$2 data=$3 dataset=$(basename "$3")
    shift 3
    always=("$@")
}

# What the trained network of a row needs is trained first, and goes on where it was cut off.
plain_network() {
    local out=$work/vgg11 resume=()
    [ ! -e "$out/checkpoint.safetensors" ] || resume=(--resume "$out")
    [ -e "$out/model.tflite" ] ||
        "$dtmm" train zoo/vgg11.txt --data "$shared/data/cifar10" --epochs 30 --augment flip,shift:4 --seed 1 "${resume[@]}" -o "$out"
}

# 700 inputs without labels to work with, 300 others to be judged by.
keywords() {
    [ -e "$work/kws01/y_test.npy" ] || /usr/bin/python3 - "$shared/data/kws01" "$work/kws01" <<'PY'
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

# An autoencoder of spectra, and no sound to try it on: its answers to random walks are spectra; those with noise
# on them are the samples, and what it answers to them is what a pruned network shall answer.
spectra() {
    [ ! -e "$work/ad01/variance" ] || return 0
    mkdir -p "$work/ad01"
    "$dtmm" compress "$shared/models/ad01_int8.tflite" --target cortex-m4 -o "$work/ad01/library" >/dev/null
    /usr/bin/python3 - "$dtmm" "$work/ad01" <<'PY'
import json, re, subprocess, sys
import numpy as np
dtmm, folder = sys.argv[1:]
header = open(folder + "/library/include/ad01_int8.h").read()
constant = {name: float(value) for name, value in re.findall(r"#define AD01_INT8_(\w+) (-?[\d.e-]+)", header)}
def answers(samples):
    samples.astype(np.int8).tofile(folder + "/samples.bin")
    run = [dtmm, "run", folder + "/library", "--on", "host", "--input", folder + "/samples.bin", "--json"]
    text = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    q = np.array([next(iter(output.values())) for output in json.loads(text)["outputs"]])
    return constant["OUTPUT_SCALE"] * (q - constant["OUTPUT_ZERO_POINT"])
def as_input(values):
    return np.clip(np.rint(values / constant["INPUT_SCALE"] + constant["INPUT_ZERO_POINT"]), -128, 127).astype(np.int8)
rng = np.random.RandomState(1)
walks = np.cumsum(rng.normal(0, 12, (3000, 640)), 1) + rng.normal(0, 40, (3000, 1))
x = as_input(answers(np.clip(walks, -128, 127)) + rng.normal(0, 3, (3000, 640)))
y = answers(x[2500:]).astype(np.float32)
np.save(folder + "/x_train.npy", x[:2500])
np.save(folder + "/x_test.npy", x[2500:])
np.save(folder + "/y_test.npy", y)
open(folder + "/variance", "w").write("%.6f\n" % y.var(0).mean())
PY
}

rows=("$@")
is_wanted() { # network: whether it has a row to make
    [ "${#rows[@]}" = 0 ] || [[ " ${rows[*]}" == *" $1."* ]]
}
[ -e "$shared/data/cifar10" ] || { echo "pruning.sh: $shared/data/cifar10 is not there" >&2; exit 1; }

# Without training, on 512 images without labels; plain removal beside it.
network resnet "$shared/models/pretrainedResnet.tflite" "$shared/data/cifar10" --augment flip
row dense 0 0 1 none
row filterlet 25 0 1 reconstruction --rank score
row filterlet 25 0 1 "magnitude removed" --score magnitude --no-compensate

# Three epochs with the network's own outputs instead of labels.
network resnet "$shared/models/pretrainedResnet.tflite" "$shared/data/cifar10" --augment flip,shift:4 --distill-share 1
row dense 0 3 1 none
row filterlet 50 3 1 reconstruction

# With training.
network resnet "$shared/models/pretrainedResnet.tflite" "$shared/data/cifar10" --augment flip,shift:2
row dense 0 20 1 none
for seed in 1 2 3; do
    row block:4 75 20 $seed reconstruction
    row filterlet 50 20 $seed reconstruction
done
row filterlet 75 20 1 reconstruction
row filter 75 20 1 magnitude
row block:8 75 20 1 reconstruction
row block:4 65 20 1 reconstruction
row filterlet 65 20 1 reconstruction
row block:4 50 20 1 reconstruction

# A network that has to do with whole filterlets learns more where images are mirrored, but not moved.
network resnet-flip "$shared/models/pretrainedResnet.tflite" "$shared/data/cifar10" --augment flip
row dense 0 20 1 none
row filterlet 75 20 1 reconstruction
for seed in 1 2 3; do
    row filterlet 50 20 $seed reconstruction
    row filterlet 65 20 $seed reconstruction
done
row filter 75 20 1 "magnitude per byte" --rank bytes
row filterlet 84 20 1 "reconstruction per instruction" --rank instructions

is_wanted kws && keywords
network kws "$shared/models/kws_ref_model.tflite" "$work/kws01" --augment shift:2x0 --lr 0.002 --qat-lr 0.01
row dense 0 60 1 none
row block:4 40 60 1 reconstruction

is_wanted ad01 && spectra
network ad01 "$shared/models/ad01_int8.tflite" "$work/ad01" --steps 1
row dense 0 20 1 none
row block:4 50 20 1 reconstruction
row block:4 75 20 1 reconstruction

is_wanted vgg11 && plain_network
network vgg11 "$work/vgg11/model.tflite" "$shared/data/cifar10" --augment flip,shift:2
row dense 0 10 1 none
row filterlet 75 10 1 reconstruction
row block:4 75 10 1 reconstruction
cat $csv
