#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Arm NN, an independent reader of the format, takes the .tflite files that we write, and its reference
# backend computes from them what our kernels and our engine compute: real numbers within 1e-4 of the
# largest, integers within 1 (one in a hundred within 2), as it rounds real numbers.
. "$(dirname "$0")/../lib.sh"
write=$root/${BUILD:-build}/test/tool/write_tflite
for file in include/armnn/ArmNN.hpp include/armnnTfLiteParser/ITfLiteParser.hpp 'lib/*/armnn*/Arm_CpuRef_backend.so'; do
    compgen -G "/usr/$file" >/dev/null || skip "Arm NN (/usr/$file) is not there"
done
read=$work/read_tflite
g++ -std=c++17 -O1 -Wall -Wextra -Werror -o "$read" test/tool/read_tflite.cc -larmnn -larmnnTfLiteParser ||
    die "read_tflite.cc does not compile"
agreed=0
wrong=0

# agree WHAT FILE [STEPS]: Arm NN computes FILE.out from FILE.in by FILE.tflite.
agree() {
    if "$read" "$2.tflite" "$2.in" "$2.armnn" "$2.out" "${3:-1}" >"$work/said" 2>&1; then
        agreed=$((agreed + 1))
    else
        echo "$1: $(tail -n 5 "$work/said")"
        wrong=$((wrong + 1))
    fi
}

# both WHAT GRAPH: as it is and, with one input, as a float network.
both() {
    "$write" same "$2" "$work/case" || die "$1: cannot be written"
    agree "$1" "$work/case"
    grep -Eq '^input "[^"]*"$' "$2" || return 0
    "$write" float "$2" "$work/case" || die "$1: cannot be written as a float network"
    agree "$1, float" "$work/case"
}

# What Arm NN 20.08 does not do as TensorFlow Lite does, and what to change in a graph for it. It has no
# fully_connected that keeps dimensions either; none of the graphs has.
change() { # name of the graph
    case $1 in
    # It has no relu_n1_to_1.
    add_tflm_relu1 | conv_2d_pointwise | fully_connected) echo 's/relu_n1_to_1/relu6/g' ;;
    # Its pad puts the integer 0, whatever the zero point; pads of a layer may become one.
    pad | pad_image | pad_vector | depthwise_conv_2d_multiplier) echo 's/(zero_point) -?[0-9]+/\1 0/g' ;;
    # Its transpose_conv has no bias and no activation, and takes the pads of SAME from the size of the
    # input, where TensorFlow Lite takes them from that of the output.
    transpose_conv | transpose_conv_stride)
        echo 's/(node transpose_conv [a-z_]+ "[^"]*" "[^"]*") "[^"]*" ->/\1 ->/g; s/ activation relu6?\>//g
            s/ pads 0 1 0\s+[01]//g; s/1x6x6x3/1x7x6x3/; s/1x4x6x3/1x5x7x3/; s/1x9x13x1/1x11x15x1/' ;;
    # It does not read these options of resize_nearest_neighbor.
    resize_nearest_neighbor_centers | resize_nearest_neighbor_corners) echo 's/ (align_corners|half_pixel_centers) 1//' ;;
    # It has one scale for all weights of a fully_connected.
    fully_connected_per_channel) echo 's/ axis 0 scale ([^ ]+)[^z]*/ scale \1 /g' ;;
    esac
}
for graph in test/ops/*.txt test/import/*.txt; do
    name=$(basename "$graph" .txt)
    [ "$name" != refused ] || continue
    sed -Ez "$(change "$name")" "$graph" >"$work/graph.txt"
    both "$graph" "$work/graph.txt"
done

# Pads of layers that the format has no padding for.
# padded NODE SHAPE ATTRIBUTES: of an image 1x3x3x1, with the zero point that Arm NN pads with.
padded() {
    cat >"$work/graph.txt" <<END
graph padded
tensor "x" s8 1x3x3x1 scale 0.5 zero_point 0
tensor "w" s8 1x2x2x1 scale 0.5 zero_point 0 = 1 -2 3 4
tensor "y" s8 $2 scale 1 zero_point -5
input "x"
node $1 layer "x" "w" -> "y" $3
output "y"
END
    both "$1 $3" "$work/graph.txt"
}
padded conv_2d 1x4x4x1 "pads 1 1 1 1"
padded conv_2d 1x2x2x1 "stride 2 2 pads 0 2 0 1"
padded depthwise_conv_2d 1x3x4x1 "pads 1 0 1 1 activation relu6"
padded transpose_conv 1x5x4x1 "stride 2 2 pads 1 0 1 1"
cat >"$work/graph.txt" <<'END'
graph padded
tensor "x" f32 1x3x3x1
tensor "r" f32 1x3x3x1
tensor "y" f32 1x4x4x1
input "x"
node relu relu "x" -> "r"
node max_pool_2d pool "r" -> "y" pads 1 1 1 1 window 2 2
output "y"
END
"$write" same "$work/graph.txt" "$work/case" || die "a max_pool_2d with pads cannot be written"
agree "max_pool_2d pads, float" "$work/case"

# A network of many ops and one as trained, on made-up data; and both quantized.
cd "$work"
mkdir s8 u8
/usr/bin/python3 - <<'END'
import numpy as np
random = np.random.default_rng(3)
for folder, type, shape in (("s8", np.int8, (8, 8, 4)), ("u8", np.uint8, (28, 28, 1))):
    low = np.iinfo(type).min
    patterns = random.integers(low, low + 200, (10, *shape))
    for part, n in (("train", 128), ("test", 10)):
        y = np.arange(n) % 10
        x = patterns[y] + random.integers(0, 56, (n, *shape))
        np.save(f"{folder}/x_{part}.npy", x.astype(type))
        np.save(f"{folder}/y_{part}.npy", y.astype(np.uint8))
    x[0].astype(np.float32).tofile(f"{folder}/float")
    (x[0] - 128 - low).astype(np.int8).tofile(f"{folder}/int8")
(np.fromfile("s8/float", np.float32) / 128).tofile("s8/float")

def constant(name, *shape):
    values = random.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape)
    print(f'tensor "{name}" f32 {"x".join(map(str, shape))} =', *(f"{value:.4f}" for value in values.flat))

def layer(name, shape, op, inputs, rest=""):
    print(f'tensor "{name}" f32 {shape}')
    nodes.append(f'node {op} {name} {inputs} -> "{name}" {rest}')

nodes = []
import sys
sys.stdout = open("many.txt", "w")
print('graph many\ntensor "image" f32 1x8x8x4')
constant("conv/w", 8, 2, 2, 4)
constant("conv/b", 8)
constant("depthwise/w", 1, 3, 3, 8)
constant("point/w", 8, 1, 1, 4)
constant("factor", 4)
constant("dense/w", 10, 12)
constant("dense/b", 10)
layer("conv", "1x8x8x8", "conv_2d", '"image" "conv/w" "conv/b"', "pads 1 0 1 0")
layer("leaky", "1x8x8x8", "leaky_relu", '"conv"', "alpha 0.1")
layer("depthwise", "1x4x4x8", "depthwise_conv_2d", '"leaky" "depthwise/w"', "stride 2 2 pads 0 1 0 1")
layer("pool", "1x4x4x8", "max_pool_2d", '"leaky"', "stride 2 2 window 2 2")
layer("sum", "1x4x4x8", "add", '"depthwise" "pool"', "activation relu")
layer("average", "1x4x4x8", "average_pool_2d", '"sum"', "pads 1 1 1 1 window 3 3")
layer("point", "1x8x8x8", "conv_2d", '"image" "point/w"', "activation relu6")
layer("gate", "1x8x8x4", "logistic", '"image"')
layer("gated", "1x8x8x4", "mul", '"image" "gate"')
layer("less", "1x8x8x4", "sub", '"gated" "image"')
layer("bounded", "1x8x8x4", "tanh", '"image"')
layer("swish", "1x8x8x4", "hard_swish", '"image"')
layer("scaled", "1x8x8x4", "mul", '"swish" "factor"')
layer("joined", "1x8x8x12", "concatenation", '"less" "scaled" "bounded"', "axis 3")
layer("large", "1x16x16x12", "resize_nearest_neighbor", '"joined"')
layer("part", "1x7x14x12", "strided_slice", '"large"', "begin 0 1 1 0 step 1 2 1 1")
layer("mean", "1x1x1x12", "mean", '"part"', "axes 6")
layer("flat", "1x12", "reshape", '"mean"')
layer("logits", "1x10", "fully_connected", '"flat" "dense/w" "dense/b"')
layer("scores", "1x10", "softmax", '"logits"')
print('input "image"', *nodes, 'output "average" "point" "part" "scores"', sep="\n")
END

# network WHAT FILE INPUT [STEPS]: a .tflite file of ours.
network() {
    cp "$2" written.tflite
    cp "$3" written.in
    "$write" same "$2" case "$3" || die "$1: does not run"
    cp case.out written.out
    agree "$1" written "${4:-1}"
}
"$write" same many.txt many s8/float
network "many ops, float" many.tflite s8/float
scale="--input-scale 0.0078125"
"$dtmm" quantize many.txt --data s8 $scale --calibrate 64 --validate 0 -o many_int8.tflite >stdout
network "many ops, int8" many_int8.tflite s8/int8
"$dtmm" train "$root/zoo/fashion_cnn.txt" --data u8 --epochs 1 --batch 32 -o trained >stdout 2>&1 || { cat stdout; die "does not train"; }
network "trained, float" trained/model.tflite u8/float
"$dtmm" quantize trained/model.tflite --data u8 --calibrate 32 --validate 0 -o trained_int8.tflite >stdout
# Steps add up over eight layers and a softmax.
network "trained, int8" trained_int8.tflite u8/int8 4
# What TensorFlow Lite's converter wrote and we write again means the same to the bit.
for model in "$root"/examples/*.tflite "$shared"/models/*.tflite; do
    [ -e "$model" ] || continue
    name=$(basename "$model")
    "$write" same "$model" case || die "$name: cannot be written"
    if "$read" "$model" case.in original >said 2>&1; then
        "$read" case.tflite case.in again >said 2>&1 || die "$name, written again: $(tail -n 5 said)"
        cmp original again || die "$name: Arm NN computes something else from what is written again"
        agreed=$((agreed + 1))
    fi
done
[ "$wrong" = 0 ] || die "$wrong do not agree, $agreed do"
echo "note: $agreed networks"
