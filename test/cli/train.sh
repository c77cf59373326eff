#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Training a small network on made-up images: it learns, the same bits come out whatever the number of
# threads and wherever it was interrupted, several processes reach the same curve, and what cannot be
# trained is refused.
. "$(dirname "$0")/../lib.sh"
cd "$work"
mkdir data
/usr/bin/python3 - <<'EOF'
import numpy as np
random = np.random.default_rng(7)
patterns = random.integers(0, 200, (3, 8, 8, 1))
for part, n in (("train", 640), ("test", 120)):
    y = random.integers(0, 3, n)
    x = patterns[y] + random.integers(0, 56, (n, 8, 8, 1))
    np.save(f"data/x_{part}.npy", x.astype(np.uint8))
    np.save(f"data/y_{part}.npy", y.astype(np.uint8))
EOF
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
epochs=300
for optimizer in sgd adam; do
    train whole --optimizer $optimizer --threads 1 &
    train part --optimizer $optimizer --threads 1 &
    pid=$!
    for _ in 1 2; do
        for _ in $(seq 400); do [ -e part/curve.csv ] || sleep 0.05; done
        sleep 0.$((RANDOM % 4 + 1))
        pkill -TERM -P $pid 2>/dev/null || kill -TERM $pid 2>/dev/null || true
        wait $pid && break
        [ -e part/checkpoint.safetensors ] || die "no checkpoint after SIGTERM"
        grep -q 'stopped; go on' part.log || { cat part.log; die "no word of how to go on"; }
        cp part.log "part.$optimizer.log"
        train part --optimizer $optimizer --threads 1 --resume part &
        pid=$!
    done
    wait
    [ -e "part.$optimizer.log" ] || die "was never interrupted"
    cmp whole/model.safetensors part/model.safetensors || die "$optimizer: resuming changes the outcome"
    cmp whole/curve.csv part/curve.csv || die "$optimizer: resuming changes the curve"
    rm -rf whole part
done
epochs=4
expect_fail 1 'started with .*--seed 1.*not with .*--seed 2' \
    "$dtmm" train net.txt --data data --epochs 4 --batch 64 --lr 0.02 --augment "noise:4,mixup:0.1" --seed 2 \
    --resume one -o one

sed 's/ activation relu$//' net.txt >linear.txt
expect_fail 1 "checkpoint.safetensors: the training was started with another network than 'small'" \
    "$dtmm" train linear.txt --data data --epochs 4 --batch 64 --lr 0.02 \
    --augment "noise:4,mixup:0.1" --resume one -o one

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
    # One that cannot write ends all.
    timeout 60 mpirun --allow-run-as-root --oversubscribe -n 2 bash -c \
        '[ "$OMPI_COMM_WORLD_RANK" != 0 ] || ulimit -f 0; exec "$@"' - "$dtmm" train net.txt --data data \
        --epochs 1000 --threads 1 --lr 0.02 -o full >full.log 2>&1 && die "a full disk went unnoticed"
    grep -q 'full/.*: cannot write' full.log || { cat full.log; die "a full disk of one process does not end the others"; }
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

# What goes wrong.
fails() { # pattern, options...
    local pattern=$1
    shift
    "$dtmm" train "$@" >stdout 2>stderr && die "accepted: $*"
    grep -Eq -- "$pattern" stderr || { cat stderr; die "the error does not match '$pattern': $*"; }
}
train good || die "does not train"
before=$(cksum good/checkpoint.safetensors)
fails "step [0-9]+: the loss is not finite, first at (conv_2d|batch_normalization|fully_connected) '" \
    net.txt --data data --epochs 3 --lr 999 --weight-decay 0.9 --warmup 0 -o nan
fails 'samples are 1x8x8x1 but the network' "$root/zoo/resnet8.txt" --data data -o x
sed 's/3x54/2x54/; s/f32 3 init/f32 2 init/; s/f32 1x3$/f32 1x2/' net.txt >two.txt
fails "has 3 classes, the network's output 'scores' only 2" two.txt --data data -o x
fails 'no such|cannot|missing|not there' net.txt --data nowhere -o x
fails '--data is missing' net.txt -o x
fails '-o OUT is missing' net.txt --data data
fails '--optimizer best: must be one of sgd, adam' net.txt --data data --optimizer best -o x
fails '--batch 4096 is more than the 575 samples' net.txt --data data --batch 4096 -o x
fails 'works on s8' "$root/examples/small_cnn.tflite" --data data -o x
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
