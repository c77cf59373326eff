#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A pruning that is cut off, and gone on with, gives the same bytes as one that is not; and what a run cannot go
# on from is refused.
. "$(dirname "$0")/../lib.sh"
cd "$work"
pattern_data data
pattern_network

# 35 epochs after each of two removals, then 30 with the rounding.
course=(dense/model.tflite --data data --sparsity 0.5 --unit block:4 --score taylor --compensate --steps 2
    --epochs 100 --qat 30 --lr 0.02 --augment noise:4 --threads 1)
prune() { # OUT options...
    local out=$1
    shift
    "$dtmm" prune "${course[@]}" -o "$out.tflite" "$@" >"$out.txt" 2>"$out.log" || { cat "$out.log"; die "does not prune: $*"; }
}
last_epoch() { # FILE: the number in the last of the lines that say "epoch  7/100 loss ..."
    sed -nE 's/^epoch +([0-9]+)\/.*/\1/p' "$1" | tail -n 1
}
# cut_off SIGNAL EPOCH OUT options...: ends a run by a signal once it has done so many epochs.
cut_off() {
    local signal=$1 epoch=$2 out=$3 pid code=0 done
    shift 3
    env --default-signal=INT "$dtmm" prune "${course[@]}" -o "$out.tflite" "$@" >"$out.txt" 2>"$out.log" &
    pid=$!
    until done=$(last_epoch "$out.log"); [ "${done:-0}" -ge "$epoch" ]; do
        kill -0 $pid 2>/dev/null || { cat "$out.log"; die "ended before epoch $epoch"; }
        sleep 0.01
    done
    kill -"$signal" $pid
    wait $pid && die "not ended by SIG$signal"
    [ "$signal" = KILL ] || [ "$(tail -n 1 "$out.log")" = "stopped; go on with the same options and --resume" ] ||
        { cat "$out.log"; die "no word of how to go on"; }
    [ -e "$out.tflite.state/state.json" ] || die "no state after SIG$signal"
    [ ! -e "$out.tflite" ] || die "SIG$signal: a network was written"
}

prune whole &
whole=$!
cut_off TERM 1 part
cp -R part.tflite.state kept.tflite.state
cut_off KILL "$(($(last_epoch part.log) + 1))" part --resume # in the first step
first=$(sed -nE 's/^epoch +([0-9]+)\/.*/\1/p' part.log | head -n 1)
[ "$first" -gt 1 ] || die "started anew instead of going on"
cut_off KILL 40 part --resume
cut_off INT 75 part --resume # while it trains with the rounding
prune part --resume
wait $whole || die "the run that was not cut off failed"
cmp whole.tflite part.tflite || die "resuming changes the network"
cmp whole.safetensors part.safetensors || die "resuming changes the float network"
cmp whole.txt <(sed 's/part\./whole./g' part.txt) || die "resuming changes what is said of the result"
[ -z "$(find . -name '*.partial-*')" ] || die "left behind: $(find . -name '*.partial-*')"
[ ! -e part.tflite.state ] && [ ! -e whole.tflite.state ] || die "the state is still there"

# ---- what is refused ----

refused() { # PATTERN, options...: of a run that goes on from kept.tflite.state
    local pattern=$1
    shift
    expect_fail 1 "$pattern" "$dtmm" prune "${course[@]}" --resume -o kept.tflite "$@"
    [ ! -e kept.tflite ] && [ ! -e kept.safetensors ] || die "a refused run wrote something"
}
expect_fail 1 'nothing.tflite.state: no run is there to go on with; start without --resume' \
    "$dtmm" prune "${course[@]}" --resume -o nothing.tflite
[ ! -e nothing.tflite.state ] || die "a refused run left a state"
refused "state.json: the run was started with '[^']*--augment noise:4[^']*', not with '[^']*--seed 4[^']*'; give the same options" \
    --seed 4
refused "state.json: the run was started with .*, not with .*--weight-decay 0.1" --weight-decay 0.1

state=kept.tflite.state/state.json
cp $state state.json
damage() { # PATTERN, what sed does to the state
    sed -E "$2" state.json >$state
    refused "$1"
    cp state.json $state
}
damage "$state: is damaged; start again without --resume" 's/"step": 1/"step": 3/'
damage "$state: is damaged" 's/"step": 1/"step": 0/'
damage "$state: is damaged" 's/"step": 1/"step": "1"/'
damage "$state: is damaged" 's/"settings"/"others"/'
damage "$state: is damaged" '/^}/d'
damage "step2.safetensors: cannot open" 's/"step": 1/"step": 2/'
damage "$state: the run was started with another recipe, or another network" 's/"recipe": "/&{}/'
: >$state
refused "$state: is damaged"
cp state.json $state
for file in step1 training1; do
    cp kept.tflite.state/$file.safetensors whole-file
    head -c 3000 whole-file >kept.tflite.state/$file.safetensors
    refused "kept.tflite.state/$file.safetensors: "
    cp whole-file kept.tflite.state/$file.safetensors
done

# A folder that is in the way is not removed.
in_the_way() { # PATTERN options...
    expect_fail 1 "^dtmm: mine.tflite.state: is in the way: .* but it $1; choose another -o" \
        "$dtmm" prune dense/model.tflite --data data --sparsity 0.5 --epochs 0 -o mine.tflite "${@:2}"
    [ ! -e mine.tflite ] || die "a refused run wrote something"
}
mkdir mine.tflite.state
echo mine >mine.tflite.state/notes.txt
in_the_way 'holds notes.txt'
in_the_way 'holds notes.txt' --resume
cp state.json mine.tflite.state/
in_the_way 'holds notes.txt'
[ "$(cat mine.tflite.state/notes.txt)" = mine ] || die "notes are gone"
rm -r mine.tflite.state
echo mine >mine.tflite.state
in_the_way 'is no folder'
rm mine.tflite.state

# Cut off before the first state was complete, a run starts anew.
unborn() { # files of the state that are there
    mkdir unborn.tflite.state
    for file in "$@"; do cp kept.tflite.state/step1.safetensors "unborn.tflite.state/$file"; done
    "$dtmm" prune dense/model.tflite --data data --sparsity 0.5 --steps 2 --epochs 0 -o unborn.tflite --resume >unborn.log 2>&1 ||
        { cat unborn.log; die "does not start anew: $*"; }
    cmp unborn.tflite fresh.tflite || die "another network: $*"
    [ ! -e unborn.tflite.state ] || die "the state is still there: $*"
}
"$dtmm" prune dense/model.tflite --data data --sparsity 0.5 --steps 2 --epochs 0 -o fresh.tflite >fresh.log 2>&1 || { cat fresh.log; die "does not prune"; }
unborn
unborn step1.safetensors
unborn step1.safetensors state.json.partial-123
unborn step1.safetensors.partial-123

# Without --resume a run starts anew, whatever it has left there. Cut off before the first epoch was done, it goes on, too.
cut_off TERM 1 kept
rm kept.tflite.state/training1.safetensors
prune kept --resume --verbose
cmp whole.tflite kept.tflite || die "resuming a removal changes the network"
