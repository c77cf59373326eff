#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: budgets.sh
# 50 random budgets that can be met, over three networks and four cores: compresses (short training on few samples),
# links, runs, and compares with the budgets; then 20 that cannot be met, which have to be refused with the reason in
# less than a minute. Rewrites bench/budgets.csv; goes on where it was cut off, with $BUILD/budgets. Exit code 1 where a
# promise was broken. The data is in the folder `shared` beside the repository (or $DTMM_SHARED).
set -eu
cd "$(dirname "$0")/.."
. bench/lib.sh
build=${BUILD:-build}
dtmm=$build/dtmm
shared=${DTMM_SHARED:-../shared}
work=$build/budgets
export DTMM_SHARE=$PWD
mkdir -p "$work"
[ -e "$shared/data" ] || { echo "budgets.sh: $shared/data is not there" >&2; exit 1; }

# ---- networks, each with some of its data, without a test part ----
/usr/bin/python3 - "$shared/data" "$work" <<'PY'
import gzip, lzma, os, sys
import numpy as np
shared, work = sys.argv[1:]
def save(name, x, y):
    folder = os.path.join(work, name)
    os.makedirs(folder, exist_ok=True)
    np.save(os.path.join(folder, "x_train.npy"), x)
    np.save(os.path.join(folder, "y_train.npy"), y)
x, y = (np.load(lzma.open(os.path.join(shared, "kws01", n))) for n in ("mfcc_i8.npy.xz", "y_u8.npy.xz"))
save("kws", x, y)
pixels = gzip.open("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz").read()[16:]
labels = gzip.open("/usr/share/datasets/fashion-mnist/train-labels-idx1-ubyte.gz").read()[8:]
save("fashion", np.frombuffer(pixels, np.uint8).reshape(-1, 28, 28, 1)[:4000], np.frombuffer(labels, np.uint8)[:4000])
raw = lzma.open(os.path.join(shared, "cifar10", "train.bin.xz")).read(4000 * 3073)
raw = np.frombuffer(raw, np.uint8).reshape(-1, 3073)
save("cifar", raw[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).copy(), raw[:, 0].copy())
PY
networks=(kws fashion resnet)
declare -A model=([kws]=$shared/models/kws_ref_model.tflite [fashion]=examples/fashion_cnn.tflite
    [resnet]=$shared/models/pretrainedResnet.tflite)
declare -A data=([kws]=$work/kws [fashion]=$work/fashion [resnet]=$work/cifar)
declare -A rate=([kws]=0.002 [fashion]=0.02 [resnet]=0.02)
epochs=2
cores=(cortex-m4 cortex-m55 cortex-m3 cortex-m0plus)

random=1
draw() { # LOW HIGH: sets `drawn`
    random=$(((random * 1103515245 + 12345) % 2147483648))
    drawn=$(($1 + random / 65536 % ($2 - $1 + 1)))
}
compress() { # NETWORK CORE OUT options...
    local network=$1 core=$2 out=$3
    shift 3
    "$dtmm" compress "${model[$network]}" --data "${data[$network]}" --target "$core" --lr "${rate[$network]}" --epochs $epochs --json -f -o "$out" "$@"
}
# The ends of what is possible: of the dense network, and the least there is.
ends_find() { # NETWORK CORE
    local at=$work/$1.$2
    local epochs=0
    [ -e "$at.json" ] || { compress "$1" "$2" "$at" >"$at.new" 2>"$at.log" || { cat "$at.log"; exit 1; }; mv "$at.new" "$at.json"; }
    for what in flash instructions; do
        [ -e "$at.$what" ] || { compress "$1" "$2" "$at.no" --$what 1K 2>&1 | sed -nE 's/.*the least .* is ([0-9,]+)\. Give.*/\1/p' |
            tr -d , >"$at.new"; mv "$at.new" "$at.$what"; }
    done
    dense_flash=$(number "$at.json" flash_bytes) dense_sram=$(number "$at.json" sram_bytes)
    dense_instructions=$(number "$at.json" instructions)
    least_flash=$(cat "$at.flash") least_instructions=$(cat "$at.instructions")
}

csv=$work/budgets.csv
lines=$work/lines
touch "$lines"
bad=0
case_number=0
# measure NETWORK CORE FLASH SRAM INSTRUCTIONS (0: no budget)
measure() {
    local options=() met=yes start=$SECONDS out=$work/out rounds
    [ "$3" = 0 ] || options+=(--flash "$3")
    [ "$4" = 0 ] || options+=(--sram "$4")
    [ "$5" = 0 ] || options+=(--instructions "$5")
    case_number=$((case_number + 1))
    ! grep -q "^$case_number,feasible," "$lines" || return 0
    if compress "$1" "$2" "$out" "${options[@]}" >"$work/out.json" 2>"$work/out.log"; then
        "$dtmm" run "$out" --json >"$work/run.json"
        rounds=$(grep -c '"name": "round' "$work/out.json" || true)
        local got=()
        for key in flash_bytes sram_bytes instructions; do got+=("$(number "$work/run.json" $key)"); done
        for i in 0 1 2; do
            local limit=${*:$((i + 3)):1}
            [ "$limit" = 0 ] || [ "${got[$i]}" -le "$limit" ] || met=no
        done
        echo "$case_number,feasible,$1,$2,$3,$4,$5,${got[0]},${got[1]},${got[2]},$rounds,$met," >>"$lines"
    else
        echo "$case_number,feasible,$1,$2,$3,$4,$5,,,,,refused,$(tail -n 1 "$work/out.log" | sed 's/^dtmm: //; s/,/ /g')" >>"$lines"
    fi
    tail -n 1 "$lines"
}
for i in $(seq 50); do
    network=${networks[$((i % 3))]} core=${cores[$((i / 3 % 4))]}
    ends_find "$network" "$core"
    draw 30 95
    flash=$((least_flash + (dense_flash - least_flash) * drawn / 100))
    draw 30 95
    instructions=$((least_instructions + (dense_instructions - least_instructions) * drawn / 100))
    draw 0 3
    case $drawn in
    0) instructions=0 ;;
    1) flash=0 ;;
    esac
    draw 90 120
    sram=$((dense_sram * drawn / 100))
    draw 0 1
    [ "$drawn" = 1 ] || sram=0
    measure "$network" "$core" "$flash" "$sram" "$instructions"
done

# refuse NETWORK CORE PATTERN options...: the reason is what the last line of the errors says.
refuse() {
    local network=$1 core=$2 pattern=$3 start=$SECONDS code=0 met=yes
    shift 3
    case_number=$((case_number + 1))
    ! grep -q "^$case_number,infeasible," "$lines" || return 0
    compress "$network" "$core" "$work/no" "$@" >/dev/null 2>"$work/out.log" || code=$?
    local seconds=$((SECONDS - start))
    [ $code = 1 ] && tail -n 1 "$work/out.log" | grep -Eq -e "$pattern" && [ $seconds -lt 60 ] || met=no
    echo "$case_number,infeasible,$network,$core,${*// /},,,,,,,$met,$(tail -n 1 "$work/out.log" | sed 's/^dtmm: //; s/,/ /g')" >>"$lines"
    tail -n 1 "$lines"
}
for i in $(seq 0 3); do
    for network in "${networks[@]}"; do
        core=${cores[$(((i + ${#network}) % 4))]}
        ends_find "$network" "$core"
        case $i in
        0) refuse "$network" "$core" 'no recipe keeps to .* bytes of flash' --flash $((least_flash * 9 / 10)) ;;
        1) refuse "$network" "$core" 'no recipe keeps to .* bytes of SRAM' --sram $((dense_sram / 40)) ;;
        2) refuse "$network" "$core" 'no recipe keeps to .* instructions' --instructions $((least_instructions * 9 / 10)) ;;
        3) refuse "$network" "$core" 'the dense network itself has' --min-accuracy 99.9 ;;
        esac
    done
done
ends_find kws cortex-m4
refuse kws cortex-m4 'no recipe keeps to .* bytes of flash' --flash $((least_flash * 95 / 100)) --max-drop 2
refuse kws cortex-m4 'no recipe keeps to .* instructions' --instructions $((least_instructions / 2)) --flash $((dense_flash * 9 / 10))
refuse kws stm32f072 'no recipe keeps to .* instructions' --latency 1ms
refuse kws cortex-m4 'is more than cortex-m4 has' --flash 100M
refuse kws cortex-m4 'needs --max-drop or --min-accuracy' --objective flash
refuse kws cortex-m4 'say the same' --latency 1ms --instructions 1M
refuse resnet cortex-m4 'no recipe keeps to .* bytes of SRAM' --sram 1K --max-drop 1
refuse resnet stm32f446 'no recipe keeps to .* instructions' --latency 100us
{
    echo "case,kind,network,core,flash_budget,sram_budget,instructions_budget,flash,sram,instructions,rounds,met,reason"
    sort -t, -k1,1n "$lines"
} >"$csv"
cp "$csv" bench/budgets.csv
awk -F, 'NR > 1 && $12 != "yes" {print "not met: " $0; bad = 1} END {exit bad}' bench/budgets.csv
