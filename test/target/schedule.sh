#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What pruned networks cost, predicted without building them, against their libraries linked and run under
# QEMU: 36 random recipes over three networks on three cores. Flash within 1 %, SRAM exactly, instructions
# within 3 %. At least 20,000 predictions a second for ResNet8, nodes that have to be packed first included.
. "$(dirname "$0")/../lib.sh"
[ -d "$shared/models" ] || skip "$shared has no models"
tool=${BUILD:-build}/test/tool/predict_costs
export DTMM_SHARE=$root
bad=0
for core in cortex-m4 cortex-m55 cortex-m0plus; do
    for network in pretrainedResnet_quant kws_ref_model vww_96_int8; do
        "$tool" "$shared/models/$network.tflite" $core 4 ${DTMM_SEED:-3} build >"$work/lines" || bad=1
        sed "s/^/$core $network: /" "$work/lines"
    done
done
"$tool" "$shared/models/pretrainedResnet_quant.tflite" cortex-m4 50000 1 speed | tee "$work/speed"
awk '{ if ($2 < 20000) exit 1 }' "$work/speed" || { echo "fewer than 20,000 predictions a second"; bad=1; }
exit $bad
