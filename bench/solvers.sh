#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Both solvers of schedules on the same problems, each with a cost model that has packed nothing: rewrites
# bench/solvers.csv. Fails where knapsack is worse than anneal, or needs more than a tenth of its time where
# both have a schedule. Budgets are parts of the dense network's amounts; 0: none.
set -eu
cd "$(dirname "$0")/.."
models=${DTMM_SHARED:-../shared}/models
tool=${BUILD:-build}/test/tool/schedule_try
new=$(mktemp)
trap 'rm -f "$new"' EXIT
echo "network,core,objective,flash,sram,instructions,loss,knapsack,bound,knapsack_seconds,anneal,anneal_seconds" >"$new"
for pair in pretrainedResnet_quant:cortex-m4 kws_ref_model:cortex-m55 vww_96_int8:cortex-m3; do
    while read -r objective flash sram instructions loss; do
        "$tool" "$models/${pair%:*}.tflite" "${pair#*:}" both "$objective" "$flash" "$sram" "$instructions" "$loss" |
            awk -v start="${pair%:*},${pair#*:},$objective,$flash,$sram,$instructions,$loss" '
                { seconds[$1] = $2; value[$1] = "infeasible" }
                match($0, /(latency|accuracy|flash) [0-9.e+]+, bound [0-9.e+a-z-]+/) {
                    split(substr($0, RSTART, RLENGTH), words, /[ ,]+/)
                    value[$1] = words[2]
                    bound[$1] = words[4]
                }
                END {
                    print start "," value["knapsack"] "," bound["knapsack"] "," seconds["knapsack"] "," \
                        value["anneal"] "," seconds["anneal"]
                }' >>"$new"
        tail -n 1 "$new"
    done <<END
latency 0.5 0 0 0.2
latency 0.6 0.6 0 0.3
latency 0.4 0.6 0 0.35
accuracy 0.5 0.8 0.5 0
accuracy 0.4 0.6 0.5 0
accuracy 0.35 0 0.4 0
flash 0 0.7 0.5 0.2
flash 0 0.8 0.6 0.25
END
done
mv "$new" bench/solvers.csv
chmod 644 bench/solvers.csv
awk -F, 'NR > 1 && $8 != "infeasible" && $11 != "infeasible" && ($8 > $11 || $10 > 0.1 * $12) {
        print "knapsack is not as good, or not as fast: " $0
        bad = 1
    }
    NR > 1 && $8 == "infeasible" && $11 != "infeasible" { print "only anneal has a schedule: " $0; bad = 1 }
    END { exit bad }' bench/solvers.csv
