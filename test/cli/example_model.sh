#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The network that the project ships is what its script makes, byte for byte.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
examples/make_model.sh "$work/small_cnn.tflite"
cmp examples/small_cnn.tflite "$work/small_cnn.tflite"
