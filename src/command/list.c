/* SPDX-License-Identifier: Apache-2.0 */
#include "command/command.h"

#define COMMON_HELP                                                                                \
    "  --json           print JSON for programs\n"                                                 \
    "  -h, --help       this text\n"

const struct command COMMANDS[] = {
    {"inspect", "show a network's layers, weights and what of them is zero",
     "usage: dtmm inspect MODEL [options]\n"
     "\n"
     "Prints a table of layers: op, shapes, MACs, weight bytes, filters and filterlets that are\n"
     "all zero, and the bytes left without those. MODEL is a .tflite or .onnx file or a graph in\n"
     "text form (doc/import.md).\n"
     "\n"
     "  -v, --verbose    a line a pass\n"
     "  -d, --dump PASS  print the graph in text form (doc/graph.md) instead: import\n" COMMON_HELP
     "\n"
     "example:\n"
     "  dtmm inspect examples/small_cnn.tflite\n",
     command_inspect},
    {"train", "train a float network on a dataset",
     "usage: dtmm train NET --data D [options] -o OUT\n"
     "\n"
     "NET is a graph in text form (zoo/), a float .tflite or .onnx file, or a checkpoint. Writes\n"
     "into the folder OUT: model.tflite and model.safetensors (with batch normalization) with the\n"
     "values of the epoch that was the best on validation data, checkpoint.safetensors after\n"
     "every epoch, curve.csv.\n"
     "\n"
     "  --data D             dataset; 'dtmm data --help' tells what it can be\n"
     "  -o, --out OUT        folder to write\n"
     "  --epochs N           how often all training data is seen (30)\n"
     "  --batch N            samples a step (64)\n"
     "  --lr X               learning rate at its peak (0.1; adam: 0.001)\n"
     "  --schedule S         cosine, one-cycle, step or constant (cosine)\n"
     "  --warmup N           epochs until the peak (1)\n"
     "  --optimizer O        sgd or adam (sgd)\n"
     "  --weight-decay X     (0.0005)\n"
     "  --clip X             limit each tensor's gradient to X times its values (0: no limit);\n"
     "                       for networks without batch normalization, such as 0.01\n"
     "  --loss L             cross-entropy, mse, binary or yolo (what the data has)\n"
     "  --label-smoothing X  (0)\n"
     "  --anchors W:H,...    of a yolo detector, in parts of the image\n"
     "  --augment A          flip,shift:N,cutout:N,noise:X,mixup:X, any of them (none)\n"
     "  --val X              fraction of the training data set apart for validation (0.1)\n"
     "  --early-stop N       end after N epochs without a better one (0: never)\n"
     "  --seed N             of all that is random (1)\n"
     "  --keep-zeros         weights that are zero stay zero\n"
     "  --distill TEACHER    learn from another network's outputs too, alone without labels\n"
     "  --distill-share X    the teacher's share of the loss (0.5)\n"
     "  --temperature X      of the distillation (4)\n"
     "  --distill-features A,B  activations, by name, to be like the teacher's\n"
     "  --feature-weight X   of their mean squared difference (1)\n"
     "  --input-scale X, --input-offset X  a stored number s means X * s + offset (1, 0)\n"
     "  --input-like MODEL   take both from a quantized model's input\n"
     "  --threads N          (one a core); the result does not depend on it\n"
     "  --resume DIR         go on from the checkpoint in DIR, to the same bits\n" COMMON_HELP "\n"
     "Under mpirun, processes share each batch.\n"
     "\n"
     "example:\n"
     "  dtmm train zoo/fashion_cnn.txt --data fashion-mnist --epochs 5 --augment shift:2 -o out\n",
     command_train},
    {"compress", "turn a network into a C library for a device",
     "usage: dtmm compress MODEL --target T [options] -o OUT\n"
     "\n"
     "Removes what cannot change the outputs, packs the rest, plans the memory, writes a C "
     "library\n"
     "into the folder OUT, and links it for the target to see that it fits.\n"
     "\n"
     "  -t, --target T   device or core; 'dtmm targets' lists them\n"
     "  -o, --out OUT    folder to write; it appears complete or not at all\n"
     "  --flash SIZE     flash the library may take, such as 64K (default: the device's)\n"
     "  --sram SIZE      SRAM the library may take, such as 32K (default: the device's)\n"
     "  --sparsity R     remove filterlets too, the smallest first, until this fraction (0 to\n"
     "                   below 1) of the convolutions' weights is absent; changes the outputs\n"
     "  -f, --force      replace the folder OUT, whatever it holds\n"
     "  -v, --verbose    a line a pass\n"
     "  -d, --dump PASS  print what a pass made instead of the report: import score prune\n"
     "                   simplify pack plan\n" COMMON_HELP "\n"
     "example:\n"
     "  dtmm compress examples/small_cnn.tflite --target cortex-m4 --flash 64K --sram 32K -o out\n",
     command_compress},
    {"quantize", "turn a float network into an int8 one",
     "usage: dtmm quantize MODEL --data D [options] -o OUT.tflite\n"
     "\n"
     "Folds normalizations into layers, measures on samples which values the activations take,\n"
     "rounds weights and activations to int8 by the TensorFlow Lite specification, and writes a\n"
     ".tflite file. Prints the accuracy before and after on validation data, which is set apart\n"
     "from the training data as 'dtmm train' does. MODEL is a trained float network.\n"
     "\n"
     "  --data D             dataset; 'dtmm data --help' tells what it can be\n"
     "  -o, --out OUT.tflite file to write\n"
     "  --calibrate N        samples to measure the activations on (512)\n"
     "  --method M           the interval of each activation: minmax (all values), percentile,\n"
     "                       mse (least squared error) (percentile)\n"
     "  --percentile P       of the values are inside, at either end (99.99)\n"
     "  --equalize, --no-equalize  scale channels to use their range alike (on; with --qat off)\n"
     "  --bias-correction, --no-bias-correction  take the mean error of the weights back (on)\n"
     "  --clip-weights       clip weights where that makes their squared error less\n"
     "  --per-channel-dense  a scale for each output of fully_connected layers too\n"
     "  --val X              fraction of the training data set apart for validation (0.1)\n"
     "  --validate N         at most so many of these samples are run; 0: none (2000)\n"
     "  --seed N             of the choice of samples and of training (1)\n"
     "  --qat EPOCHS         train with the rounding to int8 (quantization-aware training), the\n"
     "                       float network being the teacher (0)\n"
     "  --lr X, --augment A, --distill-share X  of that training, as for 'dtmm train' (0.01,\n"
     "                       none, 0.5)\n"
     "  --input-scale X, --input-offset X  a stored number s means X * s + offset (1, 0)\n"
     "  --input-like MODEL   take both from a quantized model's input\n"
     "  -v, --verbose        a line a pass\n" COMMON_HELP "\n"
     "example:\n"
     "  dtmm quantize net.tflite --data cifar10 -o net_int8.tflite\n",
     command_quantize},
    {"run", "run a compiled network, on the emulated device or on the host",
     "usage: dtmm run OUT [--on T | --on host] [--input FILE] [--per-layer]\n"
     "\n"
     "Builds the library in OUT for the target, runs it under the emulator and prints outputs,\n"
     "executed instructions, flash, SRAM and stack. OUT/report.json keeps the measurement.\n"
     "\n"
     "  --on T           another target that the library runs on, or 'host'\n"
     "  --input FILE     samples, one after the other, as the network reads them (default: one\n"
     "                   pseudo-random sample)\n"
     "  --per-layer      count the instructions of each layer\n"
     "  --timeout S      give up after this many seconds (default 300)\n"
     "  -v, --verbose    a line a step\n" COMMON_HELP "\n"
     "example:\n"
     "  dtmm run out --per-layer\n",
     command_run},
    {"verify", "compare outputs: emulated device, host, recorded",
     "usage: dtmm verify OUT --inputs FILE [--outputs FILE] [--on T | --on host]\n"
     "\n"
     "Runs every sample on the host and on the emulated target and compares every output byte,\n"
     "with each other and with the recorded outputs. Exit code 3 when a byte differs.\n"
     "\n"
     "  --inputs FILE    samples, one after the other, as the network reads them\n"
     "  --outputs FILE   recorded outputs of the same samples\n"
     "  --on T           another target that the library runs on, or 'host' for the host only\n"
     "  --timeout S      give up after this many seconds (default 600)\n"
     "  -v, --verbose    a line a step\n" COMMON_HELP "\n"
     "example:\n"
     "  dtmm verify out --inputs samples.bin --outputs expected.bin\n",
     command_verify},
    {"data", "show what is in a dataset",
     "usage: dtmm data PATH [--part train|test] [--json]\n"
     "\n"
     "Reads a dataset as training and evaluation read it and prints its format, shape, classes "
     "and\n"
     "the range, mean and standard deviation of its numbers. PATH is the name fashion-mnist, a\n"
     "folder with IDX, CIFAR, .npy or .csv files or with a folder of images for each class, a\n"
     ".csv file, or X.npy,Y.npy (doc/data.md).\n"
     "\n"
     "  --part PART      train (default) or test\n" COMMON_HELP "\n"
     "example:\n"
     "  dtmm data fashion-mnist --part test\n",
     command_data},
    {"targets", "list devices and cores",
     "usage: dtmm targets [--json]\n"
     "\n"
     "Lists devices and cores: instruction set, flash, SRAM, clock and the machine that emulates\n"
     "them. --json adds the source of the facts.\n"
     "\n" COMMON_HELP "\n"
     "example:\n"
     "  dtmm targets\n",
     command_targets},
    {0},
};
