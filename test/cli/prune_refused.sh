#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What pruning is asked for and cannot do is refused before any work; what only seems impossible is done.
. "$(dirname "$0")/../lib.sh"
cd "$work"
pattern_data data
# network FILE SEED: two convolutions and a dense layer with random values, 1,032 weights.
network() {
    /usr/bin/python3 - "$@" <<'END'
import sys
import numpy as np
random = np.random.default_rng(int(sys.argv[2]))
def constant(name, *shape, scale):
    values = random.normal(0, scale, int(np.prod(shape)))
    return 'tensor "%s" f32 %s = %s\n' % (name, "x".join(map(str, shape)), " ".join("%.5g" % v for v in values))
open(sys.argv[1], "w").write('graph small\ntensor "image" f32 1x8x8x1\n'
    + constant("conv/w", 8, 3, 3, 1, scale=0.47) + constant("conv/b", 8, scale=0.1)
    + constant("second/w", 8, 3, 3, 8, scale=0.17) + constant("second/b", 8, scale=0.1)
    + constant("dense/w", 3, 128, scale=0.13) + constant("dense/b", 3, scale=0.1)
    + '''tensor "conv" f32 1x6x6x8
tensor "second" f32 1x4x4x8
tensor "flat" f32 1x128
tensor "logits" f32 1x3
tensor "scores" f32 1x3
input "image"
node conv_2d conv "image" "conv/w" "conv/b" -> "conv" activation relu
node conv_2d second "conv" "second/w" "second/b" -> "second" activation relu
node reshape flat "second" -> "flat"
node fully_connected dense "flat" "dense/w" "dense/b" -> "logits"
node softmax softmax "logits" -> "scores"
output "scores"
''')
END
}
network net.txt 3
input=(--data data --input-scale 0.01)
refused() { # PATTERN, arguments...: nothing is left behind
    local pattern=$1 before
    shift
    before=$(find . -type f ! -name stdout ! -name stderr | sort)
    expect_fail 1 "$pattern" "$dtmm" prune "$@"
    [ "$(find . -type f ! -name stdout ! -name stderr | sort)" = "$before" ] || die "a refused run left something: $*"
}

# Where a step would take the last path to the outputs, its shares are made smaller.
dying=0
for seed in 3 4 5 6 7 8; do
    network dying.txt $seed
    for share in 0.9 0.92; do
        "$dtmm" prune dying.txt "${input[@]}" --sparsity $share --unit block:4 --steps 4 --epochs 0 --json -o dying.tflite \
            >dying.json 2>dying.log || { cat dying.log; die "seed $seed: does not prune $share"; }
        at_least dying.json sparsity $share
        awk -v got="$(json dying.json sparsity)" -v most="$(awk "BEGIN {print $share + 0.04}")" 'BEGIN {exit !(got < most)}' ||
            die "seed $seed: $(json dying.json sparsity) is absent, $share was asked for"
        dying=$((dying + 1))
    done
done
[ $dying = 12 ] || die "not all were tried"

# Recipes that are none.
recipe() { # PATTERN TEXT options...
    echo "$2" >recipe.json
    refused "$1" net.txt "${input[@]}" --recipe recipe.json --epochs 0 -o x.tflite "${@:3}"
}
recipe '^dtmm: recipe.json: second: must be an object, such as \{"sparsity": 0.5\}' '{"layers": {"second": 0.75}}'
recipe '^dtmm: recipe.json: second: must be an object' '{"layers": {"second": []}}'
recipe '^dtmm: recipe.json: recipe: layers must be an object' '{"sparsity": 0.5, "layers": [{"second": 0.75}]}'
recipe '^dtmm: recipe.json: recipe: layers must be an object' '{"sparsity": 0.5, "layers": null}'
for score in reconstruction magnitude; do
    recipe '^dtmm: recipe.json: a recipe with shares of "filters" ranks no layers together' \
        '{"sparsity": 0.5, "layers": {"second": {"filters": 0}}}' --score $score
done
recipe '^dtmm: recipe.json: conv: a recipe with shares of "filters" has no unit "filter" besides' \
    '{"layers": {"conv": {"unit": "filter", "sparsity": 0.5}, "second": {"filters": 0.5}}}'

# Two outputs are pruned, not trained.
sed 's/^output "scores"/&\noutput "second"/' net.txt >two.txt
refused '^dtmm: two.txt: has 2 outputs, only one can be trained; use --epochs 0' \
    two.txt "${input[@]}" --sparsity 0.5 --distill-share 1 -o x.tflite
"$dtmm" prune two.txt "${input[@]}" --sparsity 0.5 --epochs 0 -o two.tflite >two.log 2>&1 || { cat two.log; die "does not prune"; }

# Files that cannot be written, or are the network's own.
mkdir folder.tflite
refused '^dtmm: folder.tflite: cannot write: is a folder' net.txt "${input[@]}" --sparsity 0.5 --epochs 0 -o folder.tflite
mkdir other.safetensors
refused '^dtmm: other.safetensors: cannot write: is a folder' net.txt "${input[@]}" --sparsity 0.5 --epochs 0 -o other.tflite
refused '^dtmm: the name of the file to write is empty' net.txt "${input[@]}" --sparsity 0.5 --epochs 0 -o ''
refused "^dtmm: nowhere/x.tflite: there is no folder 'nowhere'; make it first" \
    net.txt "${input[@]}" --sparsity 0.5 --epochs 0 -o nowhere/x.tflite
"$dtmm" prune net.txt "${input[@]}" --sparsity 0.5 --epochs 0 -o m.tflite >m.txt 2>m.log || { cat m.log; die "does not prune"; }
for model in m.safetensors m.tflite; do
    cp $model before
    refused "^dtmm: $model: is the network itself, and would be written over; choose another -o" \
        $model "${input[@]}" --sparsity 0.7 --epochs 0 -o m.tflite
    cmp before $model || die "$model was written over"
done

# A network without weights, names that JSON cannot hold, shares.
printf '%s\n' 'graph none' 'tensor "image" f32 1x8x8x1' 'tensor "flat" f32 1x64' 'input "image"' \
    'node reshape flat "image" -> "flat"' 'output "flat"' >none.txt
refused '^dtmm: none.txt: has no layer with weights to prune' none.txt "${input[@]}" --sparsity 0.5 --epochs 0 -o x.tflite
expect_fail 1 '^dtmm: --json: a file.s name is not UTF-8, which JSON is; the files are written' \
    "$dtmm" prune net.txt "${input[@]}" --sparsity 0.5 --epochs 0 --json -o $'\xff.tflite'
refused '^dtmm: --distill-share 1.5: must be a number from 0 to 1$' net.txt "${input[@]}" --sparsity 0.5 --distill-share 1.5 -o x.tflite

# Few samples: batches are as large as they can be, those with the rounding too.
mkdir few
/usr/bin/python3 - <<'END'
import numpy as np
for part in ("x_train", "y_train", "x_test", "y_test"):
    np.save(f"few/{part}.npy", np.load(f"data/{part}.npy")[:24])
END
for options in "--score taylor --epochs 0 --val 0.6" "--epochs 6 --qat 2 --steps 2" "--epochs 6 --qat 2 --steps 2 --batch 17"; do
    "$dtmm" prune net.txt --data few --input-scale 0.01 --sparsity 0.5 --unit block:4 $options -o few.tflite >few.txt 2>few.log ||
        { cat few.log; die "does not prune with 24 samples: $options"; }
done

# A state is that of one network and one set of data, whatever their names.
cp net.txt named.txt
mkdir named
cp data/*.npy named
course=(named.txt --data named --input-scale 0.01 --sparsity 0.5 --unit block:4 --score magnitude --steps 2 --epochs 40 --qat 0
    --lr 0.02 -o named.tflite)
"$dtmm" prune "${course[@]}" >named.log 2>&1 &
pid=$!
until grep -q '^epoch  2/' named.log 2>/dev/null; do
    kill -0 $pid 2>/dev/null || { cat named.log; die "ended too early"; }
    sleep 0.01
done
kill -KILL $pid
{ wait $pid && die "was not ended"; } 2>/dev/null
rm -f named.tflite.state/training*
network named.txt 4
refused "state.json: the run was started with other values of the network than 'named.txt' has now; start again" "${course[@]}" --resume
cp net.txt named.txt
/usr/bin/python3 -c '
import numpy as np
np.save("named/x_train.npy", 255 - np.load("data/x_train.npy"))'
refused 'state.json: the run was started with other data: 640 samples of .*; now there are 640 samples' "${course[@]}" --resume
cp data/x_train.npy named
"$dtmm" prune "${course[@]}" --resume >named.log 2>&1 || { cat named.log; die "does not go on"; }
