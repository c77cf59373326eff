#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Training a small network on made-up images: it learns, the same bits come out whatever the number of
# threads and wherever it was interrupted, several processes reach the same curve, and what cannot be
# trained is refused.
. "$(dirname "$0")/../lib.sh"
cd "$work"
pattern_data data
cat >net.txt <<'EOF'
graph small
tensor "image" f32 1x8x8x1
tensor "conv/w" f32 6x3x3x1 init he_normal
tensor "conv" f32 1x6x6x6
tensor "gamma" f32 6 init ones
tensor "beta" f32 6 init zeros
tensor "mean" f32 6 init zeros
tensor "variance" f32 6 init ones
tensor "norm" f32 1x6x6x6
tensor "pool" f32 1x3x3x6
tensor "flat" f32 1x54
tensor "dense/w" f32 3x54 init glorot_uniform
tensor "dense/b" f32 3 init zeros
tensor "logits" f32 1x3
tensor "scores" f32 1x3
input "image"
node conv_2d conv "image" "conv/w" -> "conv"
node batch_normalization norm "conv" "gamma" "beta" "mean" "variance" -> "norm" activation relu
node max_pool_2d pool "norm" -> "pool" stride 2 2 window 2 2
node reshape flat "pool" -> "flat"
node fully_connected dense "flat" "dense/w" "dense/b" -> "logits"
node softmax softmax "logits" -> "scores"
output "scores"
EOF
train() { # OUT options...
    local out=$1
    shift
    "$dtmm" train net.txt --data data --epochs "${epochs:-4}" --batch 64 --lr 0.02 --augment "noise:4,mixup:0.1" \
        -o "$out" "$@" >"$out.log" 2>&1
}

train one --threads 1 || { cat one.log; die "does not train"; }
grep -q 'written: one/model.safetensors' one.log || die "no word of the model"
[ "$(wc -l <one/curve.csv)" = 5 ] || die "not a line an epoch in curve.csv"
best=$(awk -F, 'NR > 1 && $6 > best {best = $6} END {print best}' one/curve.csv)
awk -v best="$best" 'BEGIN {exit !(best > 0.95)}' || die "validation accuracy $best on an easy task"

# The same bits with any number of threads, and with the same seed; others with another seed.
train two --threads 2
train three --threads 3
cmp one/model.safetensors two/model.safetensors || die "threads change the outcome"
cmp one/model.safetensors three/model.safetensors || die "threads change the outcome"
cmp one/curve.csv three/curve.csv || die "threads change the curve"
train other --seed 2
! cmp -s one/model.safetensors other/model.safetensors || die "the seed is not used"

# Interrupted anywhere, and gone on with, the same bits.
lines() { # FILE
    if [ -e "$1" ]; then wc -l <"$1"; else echo 0; fi
}
# resumed NAME OPTIONS...: a training that a signal stops twice gives what one without a stop gives. The signal
# comes once an epoch is done, so that the program holds it.
resumed() {
    local name=$1 from pid resume=()
    shift
    rm -rf whole part
    epochs=500
    train whole "$@" &
    for stop in TERM INT; do
        from=$(lines part/curve.csv)
        (
            exec env --default-signal=INT "$dtmm" train net.txt --data data --epochs 500 --batch 64 --lr 0.02 --augment "noise:4,mixup:0.1" \
                -o part "$@" "${resume[@]}" >part.log 2>&1
        ) &
        pid=$!
        until [ "$(lines part/curve.csv)" -gt $((from + 1)) ]; do
            kill -0 $pid 2>/dev/null || { cat part.log; die "$name: ended before it was stopped"; }
            sleep 0.01
        done
        kill -$stop $pid
        wait $pid && die "$name: not ended by SIG$stop"
        [ -e part/checkpoint.safetensors ] || die "$name: no checkpoint after SIG$stop"
        grep -q 'stopped; go on' part.log || { cat part.log; die "$name: no word of how to go on"; }
        resume=(--resume part)
    done
    train part "$@" --resume part || { cat part.log; die "$name: does not go on"; }
    wait
    epochs=4
    cmp whole/model.safetensors part/model.safetensors || die "$name: resuming changes the outcome"
    cmp whole/curve.csv part/curve.csv || die "$name: resuming changes the curve"
}
resumed sgd --threads 1
resumed adam --threads 2 --optimizer adam --schedule one-cycle
resumed everything --threads 2 --distill one/model.safetensors --distill-features pool --clip 0.1 --keep-zeros \
    --label-smoothing 0.1 --schedule step --early-stop 290
expect_fail 1 'started with .*--seed 1.*not with .*--seed 2' \
    "$dtmm" train net.txt --data data --epochs 4 --batch 64 --lr 0.02 --augment "noise:4,mixup:0.1" --seed 2 \
    --resume one -o one

# Started from something else: samples, labels, their number, the teacher, the zeros to keep.
/usr/bin/python3 - <<'EOF'
import os
import numpy as np
x, y = np.load("data/x_train.npy"), np.load("data/y_train.npy")
for name, (ax, ay) in {"samples": (x ^ 1, y), "labels": (x, (y + 1) % 3), "fewer": (x[:-1], y[:-1])}.items():
    os.mkdir(name)
    np.save(f"{name}/x_train.npy", ax)
    np.save(f"{name}/y_train.npy", ay)
EOF
for name in samples labels fewer; do
    expect_fail 1 'one/checkpoint.safetensors: the training was started with another dataset in --data \(640 samples of 1x8x8x1' \
        "$dtmm" train net.txt --data $name --epochs 4 --batch 64 --lr 0.02 --augment "noise:4,mixup:0.1" --resume one -o one
done
learner="--data data --epochs 1 --lr 0.02"
"$dtmm" train net.txt $learner --distill one/model.safetensors -o learner >learner.log 2>&1 || { cat learner.log; die "a teacher"; }
expect_fail 1 'the training was started with another teacher in --distill' \
    "$dtmm" train net.txt $learner --distill other/model.safetensors --resume learner -o learner

sed 's/ activation relu$//' net.txt >linear.txt
expect_fail 1 "checkpoint.safetensors: the training was started with another network than 'small'" \
    "$dtmm" train linear.txt --data data --epochs 4 --batch 64 --lr 0.02 \
    --augment "noise:4,mixup:0.1" --resume one -o one

# Early stopping: ends three epochs after the best one, whose values the model has, not the last one's. At a
# constant rate a training that ends with the best epoch has the same.
constant="--data data --lr 0.02 --schedule constant --warmup 0"
"$dtmm" train net.txt $constant --epochs 200 --early-stop 3 -o early >early.log 2>&1 || { cat early.log; die "--early-stop"; }
best=$(awk -F, '$7 == 1 {best = $1} END {print best}' early/curve.csv)
[ "$(lines early/curve.csv)" = $((best + 4)) ] && [ "$best" -lt 190 ] || { cat early/curve.csv; die "--early-stop 3 does not end it"; }
"$dtmm" train net.txt $constant --epochs "$best" -o short >short.log 2>&1
cmp early/model.safetensors short/model.safetensors || die "not the values of the best epoch, $best"
/usr/bin/python3 - <<'EOF' || die "the last epoch is not told from the best"
import json, struct
data = open("early/checkpoint.safetensors", "rb").read()
n = struct.unpack("<Q", data[:8])[0]
last, best = (json.loads(data[8:8 + n])[k]["data_offsets"] for k in ("dense/w", "best:dense/w"))
assert data[8 + n + last[0]:8 + n + last[1]] != data[8 + n + best[0]:8 + n + best[1]]
EOF

# On a terminal, a bar within an epoch. (Epochs are short: it is seen in some of them.)
script -qec "'$dtmm' train net.txt $constant --epochs 300 -o terminal" /dev/null >terminal.log </dev/null
tr '\r' '\n' <terminal.log | grep -Eq 'epoch +[0-9]+/300 \[#* *\] loss [0-9.]+, accuracy [0-9.]+ %, [0-9]+ images/s, [0-9]+:[0-9]+ left' ||
    { tail -c 1000 terminal.log; die "no bar on a terminal"; }
! grep -q '\[' one.log || die "a bar where there is no terminal"

# A float .tflite file and an .onnx file: their values are where training begins, so that a tiny step leaves them
# as good as they were.
imported() { # NET
    "$dtmm" train "$1" --data data --epochs 1 --lr 0.00001 -o imported >imported.log 2>&1 || { cat imported.log; die "$1"; }
    awk -F, 'NR == 2 {exit !($6 > 0.95)}' imported/curve.csv || { cat imported/curve.csv; die "$1: not its values"; }
}
imported one/model.tflite
/usr/bin/python3 - <<'EOF'
import json, struct
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
data = open("one/model.safetensors", "rb").read()
n = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + n])
def get(name):
    begin, end = header[name]["data_offsets"]
    return np.frombuffer(data[8 + n + begin:8 + n + end], np.float32).reshape(header[name]["shape"])
dense = get("dense/w").reshape(3, 3, 3, 6).transpose(0, 3, 1, 2).reshape(3, 54)
values = {"w": get("conv/w").transpose(0, 3, 1, 2), "dw": dense, "db": get("dense/b"), "gamma": get("gamma"),
          "beta": get("beta"), "mean": get("mean"), "variance": get("variance")}
nodes = [helper.make_node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3]),
         helper.make_node("BatchNormalization", ["c", "gamma", "beta", "mean", "variance"], ["n"], epsilon=1e-3),
         helper.make_node("Relu", ["n"], ["r"]),
         helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
         helper.make_node("Flatten", ["p"], ["f"]),
         helper.make_node("Gemm", ["f", "dw", "db"], ["logits"], transB=1)]
graph = helper.make_graph(nodes, "small", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 8, 8])],
                          [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
                          [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in values.items()])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
model.ir_version = 7
onnx.save(model, "one.onnx")
EOF
imported one.onnx

# Processes share the batch: the same curve but for rounding.
if "$dtmm" train --help >/dev/null && command -v mpirun >/dev/null; then
    for n in 2 4; do
        mpirun --allow-run-as-root --oversubscribe -n $n "$dtmm" train net.txt --data data --epochs 4 \
            --batch 64 --lr 0.02 --augment "noise:4,mixup:0.1" --threads 1 -o ranks$n >ranks$n.log 2>&1 ||
            { cat ranks$n.log; die "mpirun -n $n"; }
        paste -d, one/curve.csv ranks$n/curve.csv | awk -F, '
            NR > 1 {d = $3 - $10; d = d < 0 ? -d : d; if (d > 1e-3 * $3) bad = 1}
            NR > 1 {n++}
            END {exit !(n == 4 && !bad)}' ||
            { paste -d, one/curve.csv ranks$n/curve.csv; die "another curve on $n processes"; }
    done
    # One that fails ends all.
    ends_all() { # what, pattern, what a process does first, options...
        local what=$1 pattern=$2 first=$3 code=0
        shift 3
        timeout 300 mpirun --allow-run-as-root --oversubscribe -n 2 bash -c "$first; "'exec "$@"' - \
            "$dtmm" train net.txt --data data --threads 1 --lr 0.02 "$@" >one_fails.log 2>&1 || code=$?
        [ $code != 0 ] || die "$what went unnoticed"
        [ $code != 124 ] || { cat one_fails.log; die "$what of one process does not end the others"; }
        grep -q "$pattern" one_fails.log || { cat one_fails.log; die "$what is not named"; }
    }
    ends_all "a full disk" 'full/.*: cannot write' '[ $OMPI_COMM_WORLD_RANK != 0 ] || ulimit -f 0' --epochs 1000 -o full
    ends_all "a missing checkpoint" 'nowhere/checkpoint.safetensors: cannot open' \
        '[ $OMPI_COMM_WORLD_RANK != 1 ] || set -- "$@" --resume nowhere' --epochs 1000 -o missing
else
    die "mpirun is missing"
fi

# Zeros that are to stay.
cat >keep.py <<'EOF'
import json, struct, sys
def read(path):
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    return header, data[8 + n:], data[:8 + n]
header, body, prefix = read("one/model.safetensors")
begin, end = header["dense/w"]["data_offsets"]
if sys.argv[1] == "overlap":
    header["more"] = header["dense/w"]
    text = json.dumps(header).encode()
    open("overlap.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + body)
elif sys.argv[1] == "make":
    body = bytearray(body)
    for i in range(begin, end, 8):
        body[i:i + 4] = bytes(4)
    open("zeros.safetensors", "wb").write(prefix + bytes(body))
else:
    header, body, prefix = read(sys.argv[2])
    begin, end = header["dense/w"]["data_offsets"]
    values = struct.unpack(f"<{(end - begin) // 4}f", body[begin:end])
    print(sum(v == 0 for v in values[0::2]), sum(v == 0 for v in values[1::2]))
EOF
/usr/bin/python3 keep.py make
"$dtmm" train zeros.safetensors --data data --epochs 2 --keep-zeros -o kept >/dev/null 2>&1
[ "$(/usr/bin/python3 keep.py count kept/model.safetensors)" = "81 0" ] || die "zeros did not stay"
expect_fail 1 'the training was started with other zeros in NET, for --keep-zeros' \
    "$dtmm" train one/model.safetensors --data data --epochs 2 --keep-zeros --resume kept -o kept
"$dtmm" train zeros.safetensors --data data --epochs 2 -o free >/dev/null 2>&1
[ "$(/usr/bin/python3 keep.py count free/model.safetensors)" = "0 0" ] || die "zeros stayed unasked"

# A teacher, with and without labels.
"$dtmm" train net.txt --data data --epochs 6 --lr 0.02 --distill one/model.safetensors \
    --distill-features pool -o student >/dev/null 2>&1 || die "distillation"
mkdir unlabeled
cp data/x_train.npy unlabeled/
"$dtmm" train net.txt --data data/x_train.npy --epochs 6 --lr 0.02 --distill one/model.safetensors \
    --seed 5 -o unlabeled/student >unlabeled.log 2>&1 || { cat unlabeled.log; die "without labels"; }

# An autoencoder; a training that has ended tells its figures again.
printf '%s\n' 'graph same' 'tensor "x" f32 1x8x8x1' 'tensor "w" f32 1x1x1x1 init he_normal' 'tensor "y" f32 1x8x8x1' \
    'input "x"' 'node conv_2d conv "x" "w" -> "y"' 'output "y"' >auto.txt
auto="auto.txt --data data/x_train.npy --epochs 2 --lr 0.01 --input-scale 0.004 --json -o auto"
"$dtmm" train $auto >auto.json 2>auto.log || { cat auto.log; die "an autoencoder"; }
"$dtmm" train $auto --resume auto >again.json 2>/dev/null || die "an ended training"
diff <(grep -v second auto.json) <(grep -v second again.json) || die "other figures of an ended training"
grep -q '"validation_loss": [0-9]' auto.json || die "no validation loss"

# A teacher of numbers: what all outputs share, here a bias of 2, is not seen by a divergence of classes.
printf '%s\n' 'graph shift' 'tensor "x" f32 1x8x8x1' 'tensor "w" f32 1x1x1x1 = 1' 'tensor "b" f32 1 = 2' 'tensor "y" f32 1x8x8x1' \
    'input "x"' 'node conv_2d conv "x" "w" "b" -> "y"' 'output "y"' >shift.txt
sed 's/= 1$/init he_normal/; s/= 2$/init zeros/' shift.txt >unshifted.txt
"$dtmm" train unshifted.txt --data data/x_train.npy --input-scale 0.004 --epochs 20 --lr 0.05 --loss mse --distill shift.txt \
    --distill-share 1 -o shifted >shifted.log 2>&1 || { cat shifted.log; die "a teacher of numbers"; }
tail -c 4 shifted/model.safetensors | od -A n -t f4 | awk '{exit !($1 > 1.9 && $1 < 2.1)}' || die "the bias is not learned"

# A detector.
/usr/bin/python3 - <<'EOF'
import numpy as np
random = np.random.default_rng(3)
place = random.integers(0, 2, (320, 2))
x = random.integers(0, 50, (320, 8, 8, 1))
boxes = np.zeros((320, 5), np.float32)
for i, (column, row) in enumerate(place):
    x[i, 4 * row:4 * row + 4, 4 * column:4 * column + 4] += 150
    boxes[i] = [0, column / 2 + 0.25, row / 2 + 0.25, 0.5, 0.5]
np.save("boxes_x.npy", x.astype(np.uint8))
np.save("boxes_y.npy", boxes)
EOF
printf '%s\n' 'graph boxes' 'tensor "x" f32 1x8x8x1' 'tensor "w" f32 6x4x4x1 init he_normal' 'tensor "b" f32 6 init zeros' \
    'tensor "y" f32 1x2x2x6' 'input "x"' 'node conv_2d conv "x" "w" "b" -> "y" stride 4 4' 'output "y"' >boxes.txt
boxes="boxes.txt --data boxes_x.npy,boxes_y.npy --input-scale 0.01 --loss yolo --anchors 0.5:0.5 --epochs 20 --optimizer adam --lr 0.01"
"$dtmm" train $boxes --augment noise:0.1,cutout:1 -o boxes >boxes.log 2>&1 || { cat boxes.log; die "a detector"; }
"$dtmm" eval boxes/model.safetensors --data boxes_x.npy,boxes_y.npy --input-scale 0.01 --anchors 0.5:0.5 --json >boxes.json
awk -v map="$(sed -nE 's/^  "map": ([0-9.]+),?$/\1/p' boxes.json)" 'BEGIN {exit !(map > 0.9)}' || { cat boxes.json; die "the detector does not find boxes"; }

# What goes wrong.
fails() { # pattern, options...
    local pattern=$1
    shift
    "$dtmm" train "$@" >stdout 2>stderr && die "accepted: $*"
    grep -Eq -- "$pattern" stderr || { cat stderr; die "the error does not match '$pattern': $*"; }
}
train good || die "does not train"
before=$(cksum good/checkpoint.safetensors)
overflow="unshifted.txt --data data/x_train.npy --input-scale 1e34 --loss mse --lr 999 --warmup 0 --val 0"
fails "epoch 1, step 2: the loss is not finite, first at conv_2d 'conv'" $overflow --epochs 1 -o overflow
fails "after epoch 1, step 0: '(w|b)' is not finite; this state is not kept" $overflow --epochs 1 --batch 640 -o overflow
[ ! -e overflow/checkpoint.safetensors ] || die "weights that are not finite were saved"
# Later, when the steps have grown too long: the state of the epoch before is kept, as a training of so many epochs
# has it.
grows="unshifted.txt --data data/x_train.npy --input-scale 0.004 --loss mse --schedule constant --warmup 0 --lr 2"
fails 'epoch [0-9]+, step [0-9]+: the loss is not finite, .*; the last good state is kept' $grows --epochs 100 -o grown
last=$(($(lines grown/curve.csv) - 1))
[ "$last" -ge 2 ] && [ "$last" -lt 100 ] || { cat grown/curve.csv; die "not in a later epoch"; }
"$dtmm" train $grows --epochs "$last" -o grown_before >/dev/null 2>&1 || die "the epochs before"
/usr/bin/python3 - <<'EOF' || die "the last good state is lost"
import json, math, struct
def read(path):
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    metadata = header.pop("__metadata__")
    return metadata["epoch"], {k: data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]] for k, v in header.items()}
(epoch, kept), (other_epoch, other) = (read(f"{d}/checkpoint.safetensors") for d in ("grown", "grown_before"))
assert epoch == other_epoch and kept == other, f"the checkpoint of epoch {epoch} is not that of epoch {other_epoch}"
assert all(math.isfinite(v[0]) for b in kept.values() for v in struct.iter_unpack("<f", b)), "not finite"
EOF
fails 'samples are 1x8x8x1 but the network' "$root/zoo/resnet8.txt" --data data -o x
sed 's/3x54/2x54/; s/f32 3 init/f32 2 init/; s/f32 1x3$/f32 1x2/' net.txt >two.txt
fails "has 3 classes, the network's output 'scores' only 2" two.txt --data data -o x
fails 'no such|cannot|missing|not there' net.txt --data nowhere -o x
fails '--data is missing' net.txt -o x
fails '-o OUT is missing' net.txt --data data
fails '--early-stop 3: without validation data' net.txt --data data --val 0 --early-stop 3 -o x
sed 's/6x4x4x1/5x4x4x1/; s/"b" f32 6/"b" f32 5/; s/1x2x2x6/1x2x2x5/' boxes.txt >no_class.txt
fails "the output 'y' must be a grid with 5 . classes channels, of one class at least" no_class.txt ${boxes#* } -o x
fails '--optimizer best: must be one of sgd, adam' net.txt --data data --optimizer best -o x
fails '--batch 4096 is more than the 575 samples' net.txt --data data --batch 4096 -o x
fails '--batch 67: is not made of equal shards of 8 to 16 samples; use 64 or 80' net.txt --data data --batch 67 -o x
fails '--batch 46: .*; use 32 or 48' net.txt --data data --batch 46 -o x
for n in 8 13 16 24 26; do # 13 and 26: shards of 13
    "$dtmm" train net.txt --data data --batch $n --epochs 1 -o shards >shards.log 2>&1 || { cat shards.log; die "--batch $n is refused"; }
done
fails 'works on s8' "$root/examples/small_cnn.tflite" --data data -o x
for moved in flip shift:1 mixup:0.2; do
    fails "--augment $moved: .* would leave the boxes behind" $boxes --augment $moved -o x
done
/usr/bin/python3 keep.py overlap
fails "overlap.safetensors: tensor '.*' overlaps another" overlap.safetensors --data data -o x
sed 's/"gamma"/"gamm\xff"/' net.txt >latin.txt
fails 'latin/checkpoint.safetensors: a name in the network is not UTF-8' latin.txt --data data --epochs 1 -o latin
fails 'distill-features image: does not depend on weights' net.txt --data data --distill one/model.safetensors \
    --distill-features image -o x
printf 'graph fixed\ntensor "image" f32 1x8x8x1\ntensor "pool" f32 1x1x1x1\ninput "image"\nnode %s\noutput "pool"\n' \
    'average_pool_2d pool "image" -> "pool" stride 8 8 window 8 8' >fixed.txt
fails 'the network has no weights to learn' fixed.txt --data data/x_train.npy --distill fixed.txt -o x
sed 's/^node fully.*/&\nnode add twice "logits" "dense\/b" -> "twice"/; s/^tensor "logits".*/&\ntensor "twice" f32 1x3/
    s/^node softmax softmax "logits"/node softmax softmax "twice"/' net.txt >twice.txt
fails "add 'twice': the constant 'dense/b' is something else to another node" twice.txt --data data -o x
sed 's/^tensor "pool".*/tensor "pool" f32 1x4x4x6/; s/1x54/1x96/; s/3x54/3x96/
    s/^node max_pool_2d.*/node average_pool_2d pool "norm" -> "pool" stride 2 2 window 2 2 pads 1 1 1 1/' net.txt >padded.txt
fails "padded.txt: average_pool_2d 'pool': a .tflite file has the paddings" padded.txt --data data -o x
[ ! -e x ] || die "a refused training wrote something"

# A full disk while a checkpoint is written leaves the old one.
(
    ulimit -f 1
    "$dtmm" train net.txt --data data --epochs "${epochs:-4}" --batch 64 --lr 0.02 --augment "noise:4,mixup:0.1" \
        --resume good -o good >full.log 2>&1 && exit 1
    exit 0
) || die "a full disk went unnoticed"
grep -Eq 'good/(checkpoint|model).safetensors' full.log || { cat full.log; die "the error does not name the file"; }
[ "$before" = "$(cksum good/checkpoint.safetensors)" ] || die "the old checkpoint is lost"
