#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Storage and kernel that a recipe gives to a layer are what the library has; a kernel that cannot be is refused with
# the layer's name, and what was trained is not trained again once that is mended.
. "$(dirname "$0")/../lib.sh"
cd "$work"
export DTMM_SHARE=$root
. "$root/bench/lib.sh"
pattern_data data
pattern_network

write_recipe() { # form of the second layer
    cat >recipe.json <<EOF
{"layers": {"conv": {"unit": "filterlet", "sparsity": 0.2}, "second": {"unit": "block:4", "sparsity": 0.5$1}}}
EOF
}
compress() { # OUT options...
    local out=$1
    shift
    "$dtmm" compress dense/model.tflite --data data --target cortex-m4 --lr 0.02 --epochs 2 --recipe recipe.json --json -o "$out" "$@" \
        >"$out.json" 2>"$out.log"
}
kernel_of() { # FILE: of the layer "second"
    sed -n '/"name": "second"/,/}/p' "$1" | sed -nE 's/.*"kernel": "([^"]+)".*/\1/p'
}

write_recipe ''
compress best || { cat best.log; die "does not compress"; }
case $(kernel_of best.json) in
*fwcs*) ;;
*) die "half of the blocks absent, and not stored so" ;;
esac
write_recipe ', "storage": "dense"'
compress dense_stored || { cat dense_stored.log; die "does not compress"; }
case $(kernel_of dense_stored.json) in
*fwcs* | '') die "stored in FWCS in spite of the recipe" ;;
esac
[ "$(number dense_stored.json flash_bytes)" -gt "$(number best.json flash_bytes)" ] || die "no larger"
grep -q '"storage": "dense"' dense_stored/recipe.json || die "the recipe that is written has no storage"
cmp best/model.tflite dense_stored/model.tflite || die "storage changes the network"

write_recipe ', "kernel": "dtmm_conv_2d_fwcs_s8_c"'
compress plain || { cat plain.log; die "does not compress"; }
[ "$(kernel_of plain.json)" = dtmm_conv_2d_fwcs_s8_c ] || die "another kernel: $(kernel_of plain.json)"
[ "$(number plain.json instructions)" -gt "$(number best.json instructions)" ] || die "the portable kernel is no slower"
"$dtmm" run plain --json >run.json
[ "$(number run.json instructions)" = "$(number plain.json instructions)" ] || die "the library is not what was measured"

# Also where FWCS is the larger form.
cat >recipe.json <<'EOF'
{"layers": {"conv": {"sparsity": 0, "storage": "fwcs"}, "second": {"sparsity": 0}, "dense": {"sparsity": 0, "storage": "fwcs"}}}
EOF
compress larger || { cat larger.log; die "does not compress"; }
[ "$(grep -c '"kernel": "dtmm_conv_2d_fwcs' larger.json)" = 2 ] || die "not two layers in FWCS"
[ "$(number larger.json samples_equal)" = 4 ] || die "not equal to the host"

refused() { # PATTERN
    ! compress bad || die "not refused"
    tail -n 1 bad.log | grep -Eq -- "$1" || { cat bad.log; die "another reason than '$1'"; }
}
write_recipe ', "kernel": "dtmm_conv_2d_s8_armv7em"'
refused "conv_2d 'second': dtmm_conv_2d_s8_armv7em does not compute it on cortex-m4 as it is, stored as fwcs; leave \"kernel\" out"
write_recipe ', "storage": "dense", "kernel": "dtmm_conv_2d_s8_armv7em"'
compress bad --resume || { cat bad.log; die "does not go on with another form"; }
! grep -q '^epoch' bad.log || die "trained again for another kernel"
[ "$(kernel_of bad.json)" = dtmm_conv_2d_s8_armv7em ] || die "another kernel: $(kernel_of bad.json)"
rm -rf bad bad.state
write_recipe ', "kernel": "dtmm_conv_2d_s8_mve"'
refused "recipe.json: conv_2d 'second': dtmm_conv_2d_s8_mve is not for cortex-m4"
! grep -q '^dense' bad.log || die "noticed only after the dense network is measured"
write_recipe ', "kernel": "conv"'
refused "recipe.json: second: kernel must be the name of a function"
write_recipe ', "storage": "sparse"'
refused "recipe.json: second: storage must be smaller, dense or fwcs"
