#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dtmm compress with data: what it promises of flash, SRAM and instructions holds when the library it writes is linked
# and run; what cannot be met is refused with the reason; a run that is cut off goes on to the same bytes.
. "$(dirname "$0")/../lib.sh"
cd "$work"
export DTMM_SHARE=$root
pattern_data data
pattern_network

. "$root/bench/lib.sh"
compress() { # OUT options...
    local out=$1
    shift
    "$dtmm" compress dense/model.tflite --data data --lr 0.02 --json -o "$out" "$@" >"$out.json" 2>"$out.log" ||
        { cat "$out.log"; die "does not compress: $*"; }
}

compress whole --target cortex-m4 --epochs 0
dense_flash=$(number whole.json flash_bytes)
dense_instructions=$(number whole.json instructions)
[ "$(grep -c 'running the 120 test samples' whole.log)" = 1 ] || die "the test samples are not run once"
[ "$(number whole.json test)" = "$(number whole.json test_dense)" ] || die "nothing was removed, but answers differ"
[ ! -e whole/recipe.json ] || die "a recipe although nothing is removed"

# ---- promises ----

random=${DTMM_SEED:-1}
draw() { # LOW HIGH: sets `drawn`
    random=$(((random * 1103515245 + 12345) % 2147483648))
    drawn=$(($1 + random / 65536 % ($2 - $1 + 1)))
}
for core in cortex-m4 cortex-m55 cortex-m0plus; do
    compress base --target $core --epochs 0
    for i in 1 2; do
        draw 88 98
        flash=$(($(number base.json flash_bytes) * drawn / 100))
        draw 70 95
        instructions=$(($(number base.json instructions) * drawn / 100))
        draw 0 1
        more=()
        [ $drawn = 0 ] || more=(--objective latency --max-drop 40)
        rm -rf out
        compress out --target $core --epochs 2 --flash $flash --instructions $instructions "${more[@]}"
        "$dtmm" run out --json >run.json
        got="$(number run.json flash_bytes) $(number run.json instructions)"
        echo "$core: flash $flash, instructions $instructions ${more[*]}: $got"
        [ "${got% *}" -le "$flash" ] && [ "${got#* }" -le "$instructions" ] || die "a promise is broken"
        [ "${got% *}" = "$(number out.json flash_bytes)" ] || die "the report's flash is another"
        [ "$(number out.json samples_equal)" = 4 ] || die "not equal to the host"
        "$dtmm" eval out/model.tflite --data data --json >eval.json
        [ "$(number eval.json accuracy)" = "$(number out.json test)" ] || die "the report's accuracy is another"
        [ "$(grep -c '"name": "round' out.json)" -ge 1 ] && [ -s out/recipe.json ] || die "no round, or no recipe"
        [ ! -e out.state ] || die "the state is still there"
    done
    rm -rf base
done

# The first round leaves some flash free: of a budget that is just what a recipe is said to need, too.
planned() { # options...: flash that the first round is to have
    "$dtmm" compress dense/model.tflite --data data --target cortex-m4 --epochs 0 --rounds 1 "$@" -o planned >/dev/null 2>planned.log || true
    rm -rf planned planned.state
    sed -nE 's/^round1: to be flash ([0-9,]+) B.*/\1/p' planned.log | tr -d ,
}
flash=$(planned --flash $((dense_flash * 95 / 100)))
less=$(planned --flash "$flash")
[ $((less * 1000)) -le $((flash * 998)) ] || die "of $flash bytes the first round means to use $less"

# Where the budget is the least there is, nothing can be left free: that is no reason to refuse it.
"$dtmm" compress dense/model.tflite --data data --target cortex-m4 --epochs 0 --instructions 1K -o least >/dev/null 2>least.log &&
    die "1,000 instructions are enough"
least=$(sed -nE 's/.*the least (found|there can be) is ([0-9,]+)\. Give.*/\2/p' least.log | tr -d ,)
"$dtmm" compress dense/model.tflite --data data --target cortex-m4 --epochs 0 --rounds 1 --instructions "$least" -o least >/dev/null 2>least.log || true
grep -q '^round1: to be' least.log || { cat least.log; die "the least there is, is refused"; }
rm -rf least least.state

# Accuracy that is missed: less is removed in the next round, by what the first has shown.
compress again --target cortex-m4 --epochs 0 --no-compensate --objective latency --max-drop 2
[ "$(grep -c '"name": "round' again.json)" = 2 ] || { cat again.log; die "not two rounds"; }
awk -v first="$(sed -nE 's/^round1: .*, ([0-9.]+) % of the validation.*/\1/p' again.log)" \
    -v second="$(sed -nE 's/^round2: .*, ([0-9.]+) % of the validation.*/\1/p' again.log)" \
    'BEGIN {exit !(first < 98 && second >= 98)}' || { cat again.log; die "the second round does not keep to --max-drop"; }
[ "$(number again.json instructions)" -lt "$dense_instructions" ] || die "nothing was gained"

# What the drop costs in predicted loss is a guess before the first round: it is no reason to refuse.
compress guess --target cortex-m4 --epochs 4 --flash $((dense_flash * 93 / 100)) --objective latency --max-drop 0.001
[ "$(number guess.json flash_bytes)" -le $((dense_flash * 93 / 100)) ] || die "a promise is broken"

# Without a budget of time the fastest of about equally good recipes, never slower than without that choice.
planned --flash $((dense_flash * 95 / 100)) --instructions 999M >/dev/null
slower=$(sed -nE 's/^round1: to be .* B, ([0-9,]+) instructions.*/\1/p' planned.log | tr -d ,)
planned --flash $((dense_flash * 95 / 100)) >/dev/null
faster=$(sed -nE 's/^round1: to be .* B, ([0-9,]+) instructions.*/\1/p' planned.log | tr -d ,)
echo "instructions: $faster, $slower"
[ "$faster" -lt "$slower" ] || die "not the fastest"
grep -Eq '^round1: to be .*least instructions there can be: [0-9,]+, so at most [0-9.]+ % too much' again.log || die "no word of the bound"

# The other ways to say what is wanted.
compress few --target cortex-m4 --epochs 2 --solver anneal --flash $((dense_flash * 95 / 100))
[ "$(number few.json flash_bytes)" -le $((dense_flash * 95 / 100)) ] || die "anneal: a promise is broken"
compress small --target cortex-m4 --epochs 2 --objective flash --min-accuracy 90
[ "$(number small.json flash_bytes)" -lt "$dense_flash" ] || die "--objective flash: nothing was gained"
awk -v a="$(sed -nE 's/^round[0-9]: .*, ([0-9.]+) % of the validation.*/\1/p' small.log | tail -n 1)" 'BEGIN {exit !(a >= 90)}' ||
    die "--min-accuracy is not kept"
compress timed --target stm32f446 --epochs 2 --latency $((dense_instructions * 9 / 10 * 1000 / 180 / 1000))us
[ "$(number timed.json instructions)" -lt "$dense_instructions" ] || die "--latency: nothing was gained"

# Shares are of what is alive: of a network with dead filters as much leaves as the schedule expects.
/usr/bin/python3 - dense/model.safetensors dead.safetensors <<'EOF'
import json, struct, sys
import numpy as np
raw = bytearray(open(sys.argv[1], "rb").read())
size, = struct.unpack("<Q", raw[:8])
for name, about in json.loads(raw[8 : 8 + size]).items():
    if name in ("conv/w", "gamma", "beta"):
        first, last = (8 + size + offset for offset in about["data_offsets"])
        values = np.frombuffer(raw[first:last], np.float32).copy()
        values[: len(values) // 2] = 0
        raw[first:last] = values.tobytes()
open(sys.argv[2], "wb").write(raw)
EOF
"$dtmm" compress dead.safetensors --data data --target cortex-m4 --lr 0.02 --epochs 2 --rounds 1 --objective latency --max-drop 90 \
    --json -o dead >dead.json 2>dead.log || { cat dead.log; die "dead filters: does not compress"; }
expected=$(sed -nE 's/^round1: to be .* SRAM [0-9,]+ B, ([0-9,]+) instructions.*/\1/p' dead.log | tr -d ,)
got=$(number dead.json instructions)
[ $((got * 100)) -lt $((expected * 120)) ] || die "dead filters: $got instructions, the schedule expected $expected"

# The recipe can be edited and used: nothing is searched then.
cp -R out kept
rm -rf out
compress out --target $core --epochs 2 --recipe kept/recipe.json
cmp out/model.tflite kept/model.tflite || die "the same recipe makes another network"
! grep -q prob out.log || die "searched although there is a recipe"
rm -rf out

# ---- what cannot be met ----

refused() { # PATTERN options...
    local pattern=$1 start=$SECONDS code=0 epochs=(--epochs 1)
    shift
    [[ " $* " != *" --epochs "* ]] || epochs=()
    "$dtmm" compress dense/model.tflite --data data --target cortex-m4 -o no --lr 0.02 "${epochs[@]}" "$@" >stdout 2>stderr || code=$?
    [ $code = 1 ] && [ ! -s stdout ] && tail -n 1 stderr | grep -Eq -e "$pattern" || { cat stderr; die "not refused: $*"; }
    [ $((SECONDS - start)) -lt 60 ] || die "refused after a minute: $*"
    [ ! -e no ] || die "wrote something: $*"
    rm -rf no.state
}
cat >heavy.json <<'END'
{"layers": {"conv": {"unit": "filterlet", "sparsity": 0.8}, "second": {"unit": "filterlet", "sparsity": 0.9}}}
END
no='dense/model.tflite: no recipe keeps to'
refused "$no [0-9,]+ bytes of flash; the least (found|there can be) is [0-9,]+. Give a larger --flash" --flash 1K
refused "$no [0-9,]+ bytes of flash" --flash $((dense_flash / 2))
refused "$no 16 bytes of SRAM; the least (found|there can be) is [0-9,]+. Give a larger --sram" --sram 16
refused "$no 1,000 instructions; the least (found|there can be) is [0-9,]+. Give a larger --instructions" --instructions 1K
refused "$no [0-9,]+ bytes of SRAM" --sram 20 --flash $((dense_flash * 95 / 100))
refused 'the nearest needs [0-9]+ instructions, [0-9]+ more than the budget; give --instructions' \
    --instructions $((dense_instructions / 3))
refused '--objective latency needs --max-drop or --min-accuracy' --objective latency
refused "$no [0-9,]+ instructions; .* Give a larger --latency" --latency 1us
refused "the nearest needs [0-9]+ bytes of flash, [0-9]+ more than the budget, and [0-9]+ instructions, [0-9]+ more than the budget .the recipe is given.; give --flash [0-9]+ and --instructions [0-9]+" \
    --recipe kept/recipe.json --instructions 2K --flash 3K
refused "cannot be|more than the budget .the recipe is given.; give --instructions [0-9]+" --recipe kept/recipe.json --instructions 2K
refused 'of the validation samples right, [0-9.]+ points less than the dense network; wanted are 9[89].* Give --max-drop [0-9.]+, more --epochs' \
    --recipe heavy.json --max-drop 1 --epochs 0 --no-compensate
# What the message says is enough, is.
drop=$(sed -nE 's/.*Give --max-drop ([0-9.]+),.*/\1/p' stderr)
compress told --target cortex-m4 --epochs 0 --no-compensate --recipe heavy.json --max-drop "$drop"
echo '{"layers": {"nowhere": {"sparsity": 0.5}}}' >wrong.json
refused "wrong.json: .*nowhere" --recipe wrong.json
! grep -q '^dense:' stderr || die "a wrong recipe is noticed only after the dense network is measured"
refused '--latency and --instructions say the same' --latency 1ms --instructions 5
refused '--latency 5: not a time' --latency 5
refused '--instructions x: not a count' --instructions x
refused '--recipe skips the search' --recipe kept/recipe.json --solver anneal
refused '--sparsity is for a compression without --data' --sparsity 0.5
refused '--solver best: must be' --solver best
refused '--objective best: must be' --objective best
refused 'cannot open' --recipe missing.json
mkdir no.state
touch no.state/mine
expect_fail 1 'no.state: is in the way' "$dtmm" compress dense/model.tflite --data data --target cortex-m4 -o no
[ -e no.state/mine ] || die "removed a folder that is not its own"
expect_fail 1 '--max-drop needs --data' "$dtmm" compress dense/model.tflite --target cortex-m4 --max-drop 1 -o no
mkdir unlabeled
cp data/x_train.npy unlabeled/
"$dtmm" compress dense/model.tflite --data unlabeled --target cortex-m4 --max-drop 1 --epochs 0 -o bare >stdout 2>stderr &&
    die "took --max-drop without labels"
tail -n 1 stderr | grep -q "unlabeled: has no labels of the network's classes, which --max-drop" || { cat stderr; die "another reason"; }

# ---- cut off ----

course=(dense/model.tflite --data data --target cortex-m4 --instructions $((dense_instructions * 6 / 10)) --epochs 60
    --lr 0.02 --threads 1)
"$dtmm" compress "${course[@]}" -o one >one.txt 2>one.log || { cat one.log; die "does not compress"; }
killed_at '^epoch *1/' "$dtmm" compress "${course[@]}" -o two
rm two.state/round1/state/state.json # as if cut off before the first step was saved
killed_at '^epoch *30/' "$dtmm" compress "${course[@]}" -o two --resume
[ ! -e two ] || die "wrote something before it was done"
"$dtmm" compress "${course[@]}" -o two --resume >two.txt 2>two.log || { cat two.log; die "does not go on"; }
! grep -q prob two.log || die "probed anew"
! grep -Eq '^epoch +1?[0-9]/60' two.log || die "trained anew what was trained"
diff -r one two || die "resuming changes the result"
expect_fail 1 'no run is there to go on with' "$dtmm" compress "${course[@]}" -o three --resume
mkdir four.state
touch four.state/state.json.partial-1 # as if cut off before anything was saved
killed_at '^epoch *1/' "$dtmm" compress "${course[@]}" -o four --resume

# What is trained is not lost when the measuring after it is cut off.
course=(dense/model.tflite --data data --target cortex-m4 --recipe heavy.json --epochs 2 --min-accuracy 99.9 --no-compensate --lr 0.0001)
! "$dtmm" compress "${course[@]}" -o lost >stdout 2>stderr || die "accuracy without learning"
grep -q '^epoch *2/2' stderr || die "did not train"
/usr/bin/python3 - lost.state/state.json <<'EOF'
import json, sys
state = json.load(open(sys.argv[1]))
del state["rounds"]["round1"]["device"]
json.dump(state, open(sys.argv[1], "w"))
EOF
! "$dtmm" compress "${course[@]}" -o lost --resume >stdout 2>stderr || die "accuracy without learning"
grep -q '^round1: flash' stderr || die "did not measure again"
! grep -q '^epoch' stderr || die "trained again what was only to be measured"
