#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: schedule.sh [CASE...]
# Schedules networks for budgets, trains, builds and measures them, and writes their lines of bench/schedule.csv: all
# that it does not have, or those that are named. Cases:
#   resnet.64K resnet.48K resnet.60percent   pretrainedResnet on a Cortex-M4, with budgets that its dense network misses;
#                                            it has seen all training data, so half of the test part is for validation
#   NETWORK.paper NETWORK.ours               of zoo/: the paper's recipe (test/tool/paper_policy), and ours under the
#                                            flash and SRAM that the paper's turned out to need, and at most 0.8 of its
#                                            instructions; NETWORK: resnet8, resnet12, vgg11
# A case that was cut off goes on where it stopped, in $BUILD/schedule. Accuracy is of the test data, read once a case;
# all choices are made on validation data. The data is in the folder `shared` beside the repository (or $DTMM_SHARED).
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
build=${BUILD:-build}
dtmm=$build/dtmm
shared=${DTMM_SHARED:-../shared}
data=$shared/data/cifar10
csv=bench/schedule.csv
work=$build/schedule
export DTMM_SHARE=$PWD
mkdir -p "$work"
[ -e "$data" ] || { echo "schedule.sh: $data is not there" >&2; exit 1; }
[ -e $csv ] || echo "case,target,flash_budget,sram_budget,instructions_budget,max_drop,flash,sram,instructions,accuracy_dense,accuracy,rounds,met,command" >$csv

# ---- one case ----
# case_run NAME MODEL TARGET options...: compresses, unless that is done, and puts the line.
case_run() {
    local name=$1 model=$2 target=$3 resume=() met=yes
    shift 3
    if [ ! -e "$work/$name.json" ]; then
        [ ! -e "$work/$name.state/state.json" ] || resume=(--resume)
        echo "$name: dtmm compress $(basename "$model") --target $target $*"
        "$dtmm" compress "$model" --data "$data" --target "$target" --augment flip,shift:2 "$@" "${resume[@]}" --json \
            -o "$work/$name" >"$work/$name.json.new"
        mv "$work/$name.json.new" "$work/$name.json"
    fi
    local -A option=([--flash]= [--sram]= [--instructions]= [--max-drop]=)
    local i
    for ((i = 1; i < $#; i++)); do
        local key=${!i} next=$((i + 1))
        [ -z "${option[$key]+x}" ] || option[$key]=${!next}
    done
    "$dtmm" run "$work/$name" --json >"$work/run.json"
    local flash sram instructions
    flash=$(number "$work/run.json" flash_bytes)
    sram=$(number "$work/run.json" sram_bytes)
    instructions=$(number "$work/run.json" instructions)
    bytes() { [ "$1" = "${1%K}" ] && echo "$1" || echo $((${1%K} * 1024)); }
    [ -z "${option[--flash]}" ] || [ "$flash" -le "$(bytes "${option[--flash]}")" ] || met=no
    [ -z "${option[--sram]}" ] || [ "$sram" -le "$(bytes "${option[--sram]}")" ] || met=no
    [ -z "${option[--instructions]}" ] || [ "$instructions" -le "${option[--instructions]}" ] || met=no
    local line
    line=$(awk -v dense="$(number "$work/$name.json" test_dense)" -v now="$(number "$work/$name.json" test)" \
        -v start="$name,$target,${option[--flash]},${option[--sram]},${option[--instructions]},${option[--max-drop]},$flash,$sram,$instructions" \
        -v rounds="$(grep -c '"name": "round' "$work/$name.json")" \
        -v end="$met,dtmm compress $(basename "$model") --data cifar10 --target $target --augment flip,shift:2 ${*//$work\//}" \
        'BEGIN {printf "%s,%.2f,%.2f,%s,%s\n", start, 100 * dense, 100 * now, rounds, end}')
    { head -n 1 $csv; { tail -n +2 $csv | grep -v "^$name," || true; echo "$line"; } | LC_ALL=C sort; } >$csv.new
    mv $csv.new $csv
}

cases=("$@")
is_wanted() { # NAME
    if [ "${#cases[@]}" -gt 0 ]; then
        [[ " ${cases[*]} " == *" $1 "* ]]
    else
        ! grep -q "^$1," $csv
    fi
}

# ---- budgets that the dense network misses ----
resnet=$shared/models/pretrainedResnet.tflite
! is_wanted resnet.64K || case_run resnet.64K "$resnet" cortex-m4 --flash 64K --sram 50K --max-drop 1.0 --val test --epochs 6
! is_wanted resnet.48K || case_run resnet.48K "$resnet" cortex-m4 --flash 48K --max-drop 2.5 --val test --epochs 6
dense_instructions() { # MODEL TARGET: of the int8 network, all of the device's memory used
    rm -rf "$work/dense"
    "$dtmm" compress "$1" --target "$2" -o "$work/dense" >/dev/null
    "$dtmm" run "$work/dense" --json >"$work/run.json"
    number "$work/run.json" instructions
}
! is_wanted resnet.60percent ||
    case_run resnet.60percent "$resnet" cortex-m4 --instructions \
        $(($(dense_instructions "$shared/models/pretrainedResnet_quant.tflite" cortex-m4) * 60 / 100)) --val test --epochs 6

# ---- the paper's policy ----
trained() { # NETWORK: trains it, or goes on with that; its model
    local -A all_epochs=([resnet8]=15 [resnet12]=10 [vgg11]=30)
    local out=$work/$1 resume=() epochs=${all_epochs[$1]}
    [ ! -e "$out/checkpoint.safetensors" ] || resume=(--resume "$out")
    [ -e "$out/model.tflite" ] ||
        "$dtmm" train "zoo/$1.txt" --data "$data" --epochs $epochs --augment flip,shift:4 --seed 1 "${resume[@]}" -o "$out" >&2
    [ -e "$out/int8.tflite" ] || "$dtmm" quantize "$out/model.tflite" --data "$data" -o "$out/int8.tflite" >&2
}
for network in resnet8 resnet12 vgg11; do
    model=$work/$network/model.tflite recipe=$work/$network/paper.json
    if is_wanted $network.paper; then
        trained $network
        [ -e "$recipe" ] ||
            "$build/test/tool/paper_policy" "$work/$network/int8.tflite" cortex-m4 0.5 0.9 0.05 1 "$data" >"$recipe.new"
        [ -e "$recipe" ] || mv "$recipe.new" "$recipe"
        case_run $network.paper "$model" cortex-m4 --recipe "$recipe" --epochs 6
    fi
    if is_wanted $network.ours; then
        figures=$(grep "^$network.paper," $csv | cut -d, -f7-9)
        [ -n "$figures" ] || { echo "schedule.sh: $network.paper is to be measured first" >&2; exit 1; }
        IFS=, read -r flash sram instructions <<<"$figures"
        case_run $network.ours "$model" cortex-m4 --flash "$flash" --sram "$sram" --instructions $((instructions * 8 / 10)) --epochs 6
    fi
done
cat $csv
