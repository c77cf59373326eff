#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: ranks.sh
# How well the loss that a schedule predicts tells what is reached after training: 20 random recipes of
# pretrainedResnet, each trained for two epochs; prints Spearman's rank correlation and writes bench/ranks.csv. Goes on
# where it was cut off, in $BUILD/ranks. Accuracy is of validation samples. The data is in the folder `shared` beside the
# repository (or $DTMM_SHARED).
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
shared=${DTMM_SHARED:-../shared}
[ -e "$shared/data/cifar10" ] || { echo "ranks.sh: $shared/data/cifar10 is not there" >&2; exit 1; }
{
    echo "recipe,predicted_loss,accuracy"
    "$build/test/tool/rank_losses" "$shared/models/pretrainedResnet.tflite" "$shared/data/cifar10" 20 2 1 flip,shift:2 0.06 \
        "$build/ranks" | sed 's/^spearman \(.*\)/spearman,,\1/'
} >bench/ranks.csv.new
mv bench/ranks.csv.new bench/ranks.csv
cat bench/ranks.csv
