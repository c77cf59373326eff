#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the options of pruning do to a small network: compensation, units, recipes, scores; and what is refused.
. "$(dirname "$0")/../lib.sh"
cd "$work"
pattern_data data
pattern_network
remove() { # OUT options...: without training
    local out=$1
    shift
    "$dtmm" prune dense/model.tflite --data data --steps 1 --epochs 0 --json -o "$out.tflite" "$@" \
        >"$out.json" 2>"$out.log" || { cat "$out.log"; die "does not prune: $*"; }
}
near() { # FILE LOW HIGH: the share that is absent
    awk -v got="$(json "$1" sparsity)" -v low="$2" -v high="$3" 'BEGIN {exit !(got >= low && got <= high)}' ||
        die "$1: $(json "$1" sparsity) is absent, expected $2 to $3"
}
channels() { # MODEL LAYER: of its output
    "$dtmm" inspect "$1" | awk -v layer="$2" '$1 == layer {sub(/.*x/, "", $4); print $4}'
}

# Least squares make good for what plain removal breaks.
for unit in block:4 filterlet filter; do
    name=${unit%:*}
    share=0.5
    largest=0.05 # share of one unit with all that leaves with it
    [ $unit != filter ] || { share=0.3; largest=0.12; }
    remove plain_$name --sparsity $share --unit $unit --score magnitude --no-compensate
    remove solved_$name --sparsity $share --unit $unit --score magnitude --compensate
    at_least solved_$name.json validation_pruned "$(json plain_$name.json validation_pruned)"
    at_least solved_$name.json validation_int8 0.95
    at_least plain_$name.json sparsity $share
    awk -v s="$(json plain_$name.json sparsity)" -v most="$(awk "BEGIN {print $share + $largest}")" 'BEGIN {exit !(s < most)}' ||
        die "$unit: $(json plain_$name.json sparsity) is absent, $share was asked for"
done
expect_fail 1 '99.9 % of the weights cannot leave, only' \
    "$dtmm" prune dense/model.tflite --data data --sparsity 0.999 --steps 1 --epochs 0 -o x.tflite
remove plain --sparsity 0.6 --score magnitude --no-compensate
remove solved --sparsity 0.6 --score magnitude --compensate
awk -v plain="$(json plain.json validation_int8)" -v solved="$(json solved.json validation_int8)" \
    'BEGIN {exit !(solved > plain + 0.2)}' || die "compensation: $(json solved.json validation_int8), without $(json plain.json validation_int8)"

# The same seed, the same bytes; another seed, others.
pattern_prune first --sparsity 0.5 --score taylor --compensate --seed 5
pattern_prune second --sparsity 0.5 --score taylor --compensate --seed 5 --threads 2
cmp first.tflite second.tflite || die "another network with the same seed"
cmp first.safetensors second.safetensors || die "another float network with the same seed"
pattern_prune third --sparsity 0.5 --score taylor --compensate --seed 6
! cmp -s first.tflite third.tflite || die "the seed is not used"

# Filters leave the shapes, with the input channels of the next layer.
pattern_prune filter --sparsity 0.4 --unit filter
first=$(channels filter.tflite conv) second=$(channels filter.tflite second)
[ "$first" -le 8 ] && [ "$second" -le 8 ] && [ $((first + second)) -lt 14 ] || die "still $first and $second channels"
near filter.json 0.4 0.7 # with what the next layers read of them
[ "$(channels filter.tflite dense)" = 3 ] || die "a class is missing"

# Scores by what the others can make good for.
for unit in block:4 filterlet; do
    pattern_prune solved_${unit%:*} --sparsity 0.5 --unit $unit --score reconstruction --compensate
    near solved_${unit%:*}.json 0.5 0.62
    at_least solved_${unit%:*}.json validation_int8 0.95
done
expect_fail 1 "conv_2d 'conv': --score reconstruction is for filterlets and blocks" \
    "$dtmm" prune dense/model.tflite --data data --sparsity 0.5 --unit filter --score reconstruction -o x.tflite
cat >one.json <<'END'
{"unit": "filterlet", "sparsity": 0.3, "layers": {"second": {"unit": "filter", "sparsity": 0.25}, "dense": {"sparsity": 0}}}
END
expect_fail 1 "conv_2d 'second': --score reconstruction is for" \
    "$dtmm" prune dense/model.tflite --data data --recipe one.json --score reconstruction -o x.tflite
[ ! -e x.tflite ] && [ ! -e x.tflite.state ] || die "a refused pruning wrote something"

# Random scores take no more than they are asked for, however many steps.
"$dtmm" prune dense/model.tflite --data data --sparsity 0.5 --unit block:4 --score random --steps 6 --epochs 0 --json -o random.tflite \
    >random.json 2>random.log || { cat random.log; die "does not prune by chance"; }
near random.json 0.5 0.62

# Step by step along a cubic course.
"$dtmm" prune dense/model.tflite --data data --sparsity 0.5 --unit element --score magnitude --steps 4 --epochs 0 --verbose \
    -o course.tflite >course.txt 2>course.log || { cat course.log; die "does not prune in steps"; }
sed -nE 's/^prune +step ([0-9]) of 4: ([0-9.]+) % of the weights absent.*/\1 \2/p' course.log >course
awk 'function far(share) {d = $2 - 50 * share; return d > 0.15 || d < -0.15}
    far(1 - (1 - $1 / 4) ^ 3) {print "step " $1 ": " $2; exit 1} END {if (NR != 4) exit 1}' course ||
    { cat course.log; die "another course than 28.9, 43.8, 49.2, 50.0"; }

# Each step scores what the one before has left: two steps are a step on what one step makes.
step() { # MODEL OUT SHARE STEPS
    "$dtmm" prune "$1" --data data --unit block:4 --sparsity "$3" --score "$score" --steps "$4" --epochs 0 -o "$2.tflite" \
        >"$2.txt" 2>"$2.log" || { cat "$2.log"; die "does not prune in steps"; }
}
for score in magnitude reconstruction; do
    step dense/model.tflite first 0.4375 1
    step first.safetensors second 0.5 1
    step dense/model.tflite both 0.5 2
    step dense/model.tflite once 0.5 1
    cmp second.safetensors both.safetensors || die "$score: the second step does not score anew"
    ! cmp -s once.safetensors both.safetensors || die "$score: one step is what two are"
done

# A unit for each layer.
cat >units.json <<'END'
{"layers": {"conv": {"unit": "filterlet", "sparsity": 0.25}, "second": {"unit": "filter", "sparsity": 0.5},
            "dense": {"unit": "block:4", "sparsity": 0.4}}}
END
pattern_prune mixed --recipe units.json --compensate
[ "$(channels mixed.tflite conv)" = 8 ] || die "filters of conv have left"
[ "$(channels mixed.tflite second)" = 4 ] || die "half of the filters of 'second' were to leave"
at_least mixed.json validation_int8 0.95
# Half of 576, a quarter of 72, 40 % of 384 (half of which has left with the channels that it reads).
near mixed.json 0.46 0.55

# Filters by magnitude, then units of what is left by what the others cannot undo; or both by magnitude.
cat >filters.json <<'END'
{"layers": {"second": {"unit": "block:4", "sparsity": 0.5, "filters": 0.5}, "conv": {"unit": "filterlet", "sparsity": 0.25}}}
END
pattern_prune apart --recipe filters.json --compensate
[ "$(json apart.json score)" = reconstruction ] || die "filters leave: $(json apart.json score)"
[ "$(channels apart.tflite second)" = 4 ] || die "half of the filters of 'second' were to leave"
# 54 of 72, 144 of the 288 of four filters, half of the 384 that read them.
near apart.json 0.62 0.64
pattern_prune together --recipe filters.json --compensate --score magnitude
near together.json 0.62 0.64
! cmp -s apart.tflite together.tflite || die "the score is not used"

# The device answers as the host does.
for model in mixed filter; do
    "$dtmm" eval $model.tflite --data data --on cortex-m4 --limit 3 >eval.log 2>&1 || { cat eval.log; die "$model: another answer on the device"; }
    grep -q 'equal to the host in every output byte: 3 of 3' eval.log || { cat eval.log; die "$model: not compared"; }
done

# The teacher.
pattern_prune alone --sparsity 0.4 --no-distill
pattern_prune taught --sparsity 0.4 --distill
pattern_prune default --sparsity 0.4
cmp taught.tflite default.tflite || die "the teacher is not there by default"
! cmp -s taught.tflite alone.tflite || die "--no-distill changes nothing"
pattern_prune features --sparsity 0.4 --distill-features second
! cmp -s features.tflite taught.tflite || die "--distill-features changes nothing"
pattern_prune weightless --sparsity 0.4 --distill-features second --feature-weight 0
cmp weightless.tflite taught.tflite || die "features without weight change something"
pattern_prune logits --sparsity 0.4 --score taylor --distill-features logits
for other in --distill "--distill-share 0.4" "--distill-features second"; do
    expect_fail 1 '--no-distill contradicts' \
        "$dtmm" prune dense/model.tflite --data data --sparsity 0.5 --no-distill $other -o x.tflite
done
expect_fail 1 '--score norm: must be' "$dtmm" prune dense/model.tflite --data data --sparsity 0.5 --score norm -o x.tflite
cp -R data $'d\xe9'
expect_fail 1 'the options are not UTF-8' "$dtmm" prune dense/model.tflite --data $'d\xe9' --sparsity 0.5 -o x.tflite
[ ! -e x.tflite ] && [ ! -e x.tflite.state ] || die "a refused pruning wrote something"

# What is said of the choice, and what ranking by cost does: the filters of the first layer compute at most positions.
[ "$(json plain.json score)" = magnitude ] && [ "$(json plain.json rank)" = score ] ||
    die "not the score that was asked for"
remove by_bytes --sparsity 0.4 --unit block:4 --rank bytes
remove by_both --sparsity 0.4 --unit block:4
remove by_instructions --sparsity 0.4 --unit block:4 --rank instructions
[ "$(json by_both.json score)" = reconstruction ] && [ "$(json by_both.json rank)" = both ] || die "not the default choice"
[ "$(json by_instructions.json macs)" -lt "$(json by_bytes.json macs)" ] ||
    die "ranked by instructions, $(json by_instructions.json macs) MACs; by bytes $(json by_bytes.json macs)"
expect_fail 1 '--target is for --rank instructions or both' "$dtmm" prune dense/model.tflite --data data --sparsity 0.4 \
    --rank bytes --target cortex-m4 -o x.tflite

# An activation that has lost channels is compared no more, and that is said; one that the network never had is refused.
"$dtmm" prune dense/model.tflite --data data --sparsity 0.3 --unit filter --epochs 1 --distill-features second -o narrow.tflite \
    >narrow.log 2>&1 || { cat narrow.log; die "does not prune"; }
grep -q 'note: step 1: --distill-features second has lost channels' narrow.log || { cat narrow.log; die "nothing is said of the feature"; }
"$dtmm" prune dense/model.tflite --data data --sparsity 0.3 --unit block:4 --epochs 1 --distill-features second -o wide.tflite \
    >wide.log 2>&1 || { cat wide.log; die "does not prune"; }
! grep -q 'note:' wide.log || { cat wide.log; die "a feature that is whole is not compared"; }
expect_fail 1 'the network has no such activation' "$dtmm" prune dense/model.tflite --data data --sparsity 0.3 \
    --distill-features third -o x.tflite
