#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# eval: every task on made-up data, with figures that can be worked out by hand; parts and limits; int8 samples
# and networks, on the host and on an emulated device; what is refused.
. "$(dirname "$0")/../lib.sh"
PATH=$(dirname "$dtmm"):$PATH
mkdir "$work/here"
cd "$work/here"

# Networks whose output is their input, and data.
/usr/bin/python3 - <<'EOF'
import numpy as np

def dense(name, n, last=""):
    """A network of N values that gives them back."""
    with open(f"{name}.txt", "w") as file:
        file.write(f'graph {name}\ntensor "x" f32 1x{n}\ntensor "w" f32 {n}x{n} =\n')
        for row in np.eye(n):
            file.write(" " + " ".join(f"{v:g}" for v in row) + "\n")
        file.write(f'tensor "y" f32 1x{n}\n')
        if last:
            file.write(f'tensor "z" f32 1x{n}\n')
        file.write('input "x"\nnode fully_connected dense "x" "w" -> "y"\n')
        if last:
            file.write(f'node {last} last "y" -> "z"\n')
        file.write(f'output "{"z" if last else "y"}"\n')

def save(name, x, y=None):
    np.save(f"{name}_x.npy", np.asarray(x))
    if y is not None:
        np.save(f"{name}_y.npy", np.asarray(y))

# Three classes: 3 of 5 right; F1 1/2, 2/3, 2/3.
dense("three", 3)
save("three", np.float32([[3, 1, 2], [1, 3, 2], [1, 3, 2], [1, 2, 3], [3, 2, 1]]), [0, 0, 1, 2, 2])
# Six classes: the label is first, second, third, sixth (of equal scores the first comes first), first.
dense("six", 6)
save("six", np.float32([[6, 5, 4, 3, 2, 1], [6, 5, 4, 3, 2, 1], [6, 5, 4, 3, 2, 1], [1, 1, 1, 1, 1, 1],
                        [0, 0, 0, 9, 0, 0]]), [0, 1, 2, 5, 3])
# Two classes, scores apart by 2 and 0 (label 1), 1, -1 and 0 (label 0): 4.5 of 6 pairs in order.
dense("two", 2)
save("two", np.float32([[0, 2], [1, 1], [0, 1], [1, 0], [2, 2]]), [1, 1, 0, 0, 0])
# One score: sigmoid(-1), sigmoid(2), sigmoid(1), sigmoid(3); labels 0 0 1 1: 3 of 4 right, 3 of 4 pairs.
dense("one", 1, "logistic")
dense("logit", 1)
save("one", np.float32([[-1], [2], [1], [3]]), [0, 0, 1, 1])
# Two questions: 6 of 8 right; of each 3 of 4 pairs.
save("questions", np.float32([[-1, -1], [2, -1], [1, -1], [3, 1]]), np.float32([[0, 0], [0, 0], [1, 1], [1, 1]]))
# Errors 0, 1, -2, 0, 0, 3: absolute 1, squared 14 / 6.
save("regress", np.float32([[0, 1], [2, 3], [4, 8]]), np.float32([[0, 0], [4, 3], [4, 5]]))
# Boxes: 2x2 cells of 5 + 2 channels. Class 0: one found, one missed, one false with a lower score: AP 1/2.
# Class 1: found: AP 1.
with open("boxes.txt", "w") as file:
    file.write('graph boxes\ntensor "x" f32 1x2x2x7\ntensor "w" f32 7x1x1x7 =\n')
    for row in np.eye(7):
        file.write(" " + " ".join(f"{v:g}" for v in row) + "\n")
    file.write('tensor "y" f32 1x2x2x7\ninput "x"\nnode conv_2d conv "x" "w" -> "y"\noutput "y"\n')
grid = np.zeros((2, 2, 2, 7), np.float32)
grid[..., 4] = -10
grid[0, 0, 0] = [0, 0, 0, 0, 4, 5, 0]
grid[1, 1, 1] = [0, 0, 0, 0, 2, 0, 5]
grid[1, 0, 1] = [0, 0, 0, 0, 3, 5, 0]
none = [-1, 0, 0, 0, 0]
save("boxes", grid, np.float32([[0, .25, .25, .5, .5] + none, [1, .75, .75, .5, .5, 0, .25, .75, .5, .5]]))
save("far", grid, np.float32([[0, .25, .25, .5, .5] + none, [2, .75, .75, .5, .5] + none]))

# The same network in int8, of which the integers are -128 to 127 with scale 1/2 and zero point -28.
def dense8(name, scale, zero):
    with open(f"{name}.txt", "w") as file:
        file.write(f'graph {name}\ntensor "x" s8 1x3 scale {scale:g} zero_point {zero}\n'
                   'tensor "w" s8 3x3 scale 0.0078125 zero_point 0 =\n')
        for row in 127 * np.eye(3, dtype=int):
            file.write(" " + " ".join(str(v) for v in row) + "\n")
        file.write(f'tensor "y" s8 1x3 scale {scale:g} zero_point {zero}\n'
                   'input "x"\nnode fully_connected dense "x" "w" -> "y"\noutput "y"\n')
dense8("int8", 0.5, -28)
dense8("pixels", 1, -128)
dense8("narrow", 0.00390625, -128)
values = [[30, 10, 20], [10, 30, 20], [10, 30, 20], [10, 20, 30], [30, 20, 10]]
save("s8", np.int8(values), [0, 0, 1, 2, 2])
save("u8", np.uint8(values), [0, 0, 1, 2, 2])

# Training data of which some labels are wrong: every third, and the first ten.
import os
os.mkdir("parts")
labels = np.arange(40) % 2
seen = np.where((np.arange(40) % 3 == 0) | (np.arange(40) < 10), 1 - labels, labels)
np.save("parts/x_train.npy", np.float32(np.stack([1 - seen, seen], 1)))
np.save("parts/y_train.npy", labels)
np.save("parts/x_test.npy", np.float32([[0, 1]] * 3 + [[1, 0]] * 3))
np.save("parts/y_test.npy", [0, 0, 0, 0, 0, 1])
EOF
# Gives back one half of every number: errors 5/8 and 0 of normal samples, 17/4 and 1/8 of anomalies; 3 of 4 pairs.
printf '1,2,normal\n0,0,normal\n3,5,anomaly\n0,1,anomaly\n' >machine.csv
sed 's/^graph two/graph half/; s/^ 1 0$/ 0.5 0/; s/^ 0 1$/ 0 0.5/' two.txt >half.txt

show dtmm eval three.txt --data three_x.npy,three_y.npy
show dtmm eval six.txt --data six_x.npy,six_y.npy
show dtmm eval two.txt --data two_x.npy,two_y.npy --json
show dtmm eval one.txt --data one_x.npy,one_y.npy
show dtmm eval logit.txt --data one_x.npy,one_y.npy --json
show dtmm eval two.txt --data regress_x.npy,regress_y.npy
show dtmm eval two.txt --data regress_x.npy,regress_y.npy --json
show dtmm eval two.txt --data questions_x.npy,questions_y.npy --task binary
show dtmm eval two.txt --data two_x.npy
show dtmm eval half.txt --data machine.csv --task anomaly
show dtmm eval half.txt --data machine.csv --task anomaly --json
show dtmm eval boxes.txt --data boxes_x.npy,boxes_y.npy --anchors 0.5:0.5
show dtmm eval boxes.txt --data boxes_x.npy,boxes_y.npy --anchors 0.5:0.5 --json

# Parts, and samples evenly spread: of 6 with a limit of 3 the first, third and fifth.
show dtmm eval two.txt --data parts --json
show dtmm eval two.txt --data parts --limit 3

# The parts are those of training: it says the same of a network that it does not change.
for seed in 1 2 3; do
    dtmm train two.txt --data parts --epochs 1 --batch 10 --lr 0 --val 0.25 --seed $seed --json -o out >train.json 2>log ||
        { cat log; die "does not train"; }
    dtmm eval two.txt --data parts --part validation --val 0.25 --seed $seed --json >validation.json
    dtmm eval two.txt --data parts --part train --val 0.25 --seed $seed --json >train_part.json
    [ "$(json train.json validation_accuracy)" = "$(json validation.json accuracy)" ] ||
        die "seed $seed: another validation accuracy than training has"
    [ "$(json validation.json n_samples) $(json train_part.json n_samples)" = "10 30" ] || die "other sizes"
    [ $(($(json validation.json n_right) + $(json train_part.json n_right))) = 20 ] || die "the parts are not all"
    dtmm eval out/model.safetensors --data parts --json | sed 's/out.model.safetensors/two.txt/' >checkpoint.json
    dtmm eval two.txt --data parts --json | cmp checkpoint.json - || die "another figure for the checkpoint"
done

# Stored integers and what they mean.
show dtmm eval int8.txt --data s8_x.npy,s8_y.npy
show dtmm eval pixels.txt --data u8_x.npy,u8_y.npy --json
show dtmm eval narrow.txt --data u8_x.npy,u8_y.npy --input-like narrow.txt
show dtmm eval three.txt --data s8_x.npy,s8_y.npy --input-like int8.txt
show dtmm eval int8.txt --data u8_x.npy,u8_y.npy --input-scale 0.5 --input-offset -2 --on cortex-m4
show dtmm eval int8.txt --data s8_x.npy,s8_y.npy --on stm32f446 --limit 2 --json

refused dtmm eval three.txt
refused dtmm eval three.txt --data three_x.npy,three_y.npy --task guess
refused dtmm eval three.txt --data three_x.npy,three_y.npy --part all
refused dtmm eval three.txt --data three_x.npy,three_y.npy --seed 2
refused dtmm eval three.txt --data three_x.npy,three_y.npy --limit 0
refused dtmm eval three.txt --data three_x.npy,three_y.npy --on cortex-m4
refused dtmm eval three.txt --data three_x.npy,three_y.npy --on cortex-m44
refused dtmm eval three.txt --data three_x.npy,three_y.npy --task regress
refused dtmm eval three.txt --data two_x.npy,two_y.npy
refused dtmm eval three.txt --data s8_x.npy,s8_y.npy
refused dtmm eval narrow.txt --data u8_x.npy,u8_y.npy
refused dtmm eval three.txt --data three_x.npy,three_y.npy --input-like three.txt
refused dtmm eval one.txt --data regress_x.npy,three_y.npy
refused dtmm eval boxes.txt --data far_x.npy,far_y.npy --anchors 0.5:0.5
refused dtmm eval boxes.txt --data boxes_x.npy,boxes_y.npy --anchors 0.5
refused dtmm eval boxes.txt --data boxes_x.npy,boxes_y.npy --anchors 1:1,1:1
refused dtmm eval two.txt --data parts --part validation --val 0
refused dtmm eval missing.txt --data parts
refused dtmm eval two.txt --data missing
sed 's/^tensor "w" f32 2x2 =/tensor "w" f32 2x2 init zeros/; /^ [01] [01]$/d' two.txt >untrained.txt
refused dtmm eval untrained.txt --data parts
expect_transcript eval
