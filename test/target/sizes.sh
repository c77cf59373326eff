#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sizes of the four MLPerf Tiny networks against those recorded of TensorFlow Lite Micro with CMSIS-NN: code
# at most a quarter, a smaller arena. What the zero weights of vww_96_int8 must save. All that is too large
# is listed.
. "$(dirname "$0")/../lib.sh"
peers=$shared/peers/tflm_models.csv
[ -d "$shared/models" ] && [ -e "$peers" ] || skip "$shared has no models and figures of peers"
report=$work/out/report.json
compared=0 bad=0

peer() { # CORE NETWORK FIGURE
    awk -F, -v c="$1" -v m="$2" -v f="$3" '$1 == c && $2 == m && $3 == f {print $4}' "$peers"
}

bound() { # WHAT VALUE LIMIT
    compared=$((compared + 1))
    [ "$2" -le "$3" ] || { echo "TOO LARGE: $1: $2, at most $3"; bad=1; }
}

for core in cortex-m3 cortex-m4 cortex-m55; do
    for pair in resnet:pretrainedResnet_quant kws:kws_ref_model vww:vww_96_int8 ad:ad01_int8; do
        network=${pair%%:*}
        "$dtmm" compress "$shared/models/${pair#*:}.tflite" --target $core --force -o "$work/out" >"$work/stdout"
        code=$(json "$report" flash_code_bytes) arena=$(json "$report" arena_bytes)
        echo "$core $network: code $code bytes, arena $arena bytes"
        bound "code of $network on $core" "$code" $(($(peer $core $network code_bytes) / 4))
        bound "arena of $network on $core" "$arena" $(($(peer $core $network arena_bytes) - 1))
        [ $network = vww ] || continue
        bound "weights of vww on $core" "$(json "$report" weight_bytes)" 35300
        bound "MACs of vww on $core" "$(json "$report" macs)" 3870000
    done
done
echo "note: $compared sizes compared with TensorFlow Lite Micro's and with what zero weights save"
exit $bad
