#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# On every core: outputs right, a loop of known length counted to the instruction, the layers adding up
# to the total, a stack that holds the known buffer and little more. On one core of each kind of timer:
# the same count and stack a second time.
set -u
cd "$(dirname "$0")/../.." || exit 2
tool=${BUILD:-build}/test/tool/measure_tiny
declare -A results
bad=0
complain() { echo "$*"; bad=1; }
value() { awk -v name="$1" '$1 == name {print $2}' <<<"$2"; }
near() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]; }

for core in cortex-m0 cortex-m0plus cortex-m3 cortex-m4 cortex-m7 cortex-m33 cortex-m55 rv32imc rv32imac; do
    first=$("$tool" "$core" test/target/fixture layers) || { complain "$core: $first"; continue; }
    results[$core]=$first
    echo "$core: ${first//$'\n'/, }"
    total=$(value instructions "$first")
    sum=$(($(value layer0 "$first") + $(value layer1 "$first") + $(value layer2 "$first")))
    near "$total" 203000 207000 || complain "$core: $total instructions"
    # The loop itself is 200001 instructions, its call a few more.
    near "$(value layer2 "$first")" 199998 200006 || complain "$core: the loop's layer is wrong"
    near "$((total - sum))" -20 60 || complain "$core: layers add up to $sum, the total is $total"
    near "$(value stack "$first")" 400 560 || complain "$core: stack is wrong"
    grep -q '^outputs right$' <<<"$first" || complain "$core: outputs"
done

for core in cortex-m0 cortex-m4 cortex-m55 rv32imc; do
    again=$("$tool" "$core" test/target/fixture run)
    [ "${again%%outputs*}" = "$(head -n 2 <<<"${results[$core]}")"$'\n' ] ||
        complain "$core: another result the second time: ${again//$'\n'/, }"
done

# The same code on a Cortex-M0 and, standing in for a Cortex-M0+, on a Cortex-M3.
[ "${results[cortex-m0]}" = "${results[cortex-m0plus]}" ] || complain "cortex-m0 and cortex-m0plus differ"
exit "$bad"
