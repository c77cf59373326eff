#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: kernels.sh CORE...
# Measures single convolutions in executed instructions of the whole call, for each layer, share of absent
# units and core; writes the cores' lines of bench/kernels.csv and prints the ratios to the figures that
# the folder `shared` beside the repository (or $DTMM_SHARED) has of other engines. Exit code 1 when a
# figure of the file got worse by more than 1 %.
set -eu
cd "$(dirname "$0")/.."
export BUILD=${BUILD:-build}
peers=${DTMM_SHARED:-../shared}/peers/conv_layers.csv
csv=bench/kernels.csv
work=$(mktemp -d)
export work
trap 'rm -rf "$work"' EXIT
gcc -O1 -Isrc -o "$work/conv_layer" bench/conv_layer.c -lm

layers="L1_32x32x3-16_3x3 L2_32x32x16-16_3x3 L3_16x16x32-32_3x3 L4_8x8x64-64_3x3 L5_4x4x128-128_3x3
    L6_16x16x32-64_3x3s2 L7_8x8x64-128_1x1 L8_8x8x32-32_5x5 F1_1x1x640-128_1x1"

measure() { # core layer unit percent -> one line of the table
    local out name
    out=$work/$1.$2.$3.$4
    name=${2#*_}
    "$work/conv_layer" "$name" "$3" "$4" >"$out.txt"
    "$BUILD/dtmm" compress "$out.txt" --target "$1" --force -o "$out" >/dev/null
    "$BUILD/dtmm" run "$out" --per-layer >/dev/null
    sed -nE 's/^ {6}"(weight_bytes|scratch_bytes|kernel|instructions)": "?([^",]*)"?,?$/\1 \2/p' "$out/report.json" |
        awk -v start="$1,$2,$3,$4" '{v[$1] = $2}
            END {print start "," v["kernel"] "," v["instructions"] "," v["weight_bytes"] "," v["scratch_bytes"]}'
    rm -rf "$out" "$out.txt"
}
export -f measure

for core in "$@"; do
    for layer in $layers; do
        for percent in 0 25 50 75 90; do echo "$core $layer filterlet $percent"; done
        for unit in block:4 block:8 block:16; do
            # L1 has three channels: its filterlets are not cut.
            [ "${layer%%_*}" = L1 ] || for percent in 50 75; do echo "$core $layer $unit $percent"; done
        done
    done
done >"$work/jobs"
echo "bench: $(wc -l <"$work/jobs") layers" >&2
xargs -P 2 -L 1 bash -c 'measure "$@"' measure <"$work/jobs" >"$work/measured"
cat "$work/measured" >"$work/all"
[ -e $csv ] && awk -F, -v cores="$*" 'BEGIN {n = split(cores, c, " "); for (i = 1; i <= n; i++) skip[c[i]] = 1}
    NR > 1 && !($1 in skip)' $csv >>"$work/all"
{
    echo "core,layer,unit,sparsity_percent,kernel,instructions,weight_bytes,scratch_bytes"
    LC_ALL=C sort -t, -k1,1 -k2,2 -k3,3 -k4,4n "$work/all"
} >"$work/new"

[ ! -e "$peers" ] || awk -F, -v peers="$peers" -v cores="$*" '
    BEGIN {
        while ((getline line < peers) > 0) {
            split(line, f, ",")
            if (f[4] == "cmsis-nn-dense-2026") cmsis[f[1], f[2]] = f[5]
            if (f[4] == "dtmm-reference-fwcs") paper[f[1], f[2], f[3]] = f[5]
        }
    }
    NR > 1 {
        ours[$1, $2, $3, $4] = $6
        layer[$2] = 1
    }
    function geomean(core, percent, what,   l, sum, n, base) {
        sum = n = 0
        for (l in layer) {
            base = what == "cmsis" ? cmsis[core, l] : paper[core, l, percent]
            if (base && ours[core, l, "filterlet", percent]) {
                sum += log(ours[core, l, "filterlet", percent] / base)
                n++
            }
        }
        return n ? sprintf("%.3f", exp(sum / n)) : "-"
    }
    function print_row(name, core, what) {
        printf "%-34s %7s %7s %7s %7s %7s\n", name, geomean(core, 0, what), geomean(core, 25, what),
            geomean(core, 50, what), geomean(core, 75, what), geomean(core, 90, what)
    }
    function per_layer(core, l,   p, line, n, s) {
        line = sprintf("  %-32s", l)
        n = split("0 25 50 75 90", s, " ")
        for (p = 1; p <= n; p++)
            line = line (cmsis[core, l] && ours[core, l, "filterlet", s[p]] ? \
                sprintf(" %7.3f", ours[core, l, "filterlet", s[p]] / cmsis[core, l]) : "       -")
        print line
    }
    # Blocks against filterlets at the same share; on 1x1, against the dense kernel times what is left.
    function blocks(core, unit, percent,   l, base, ratio, worst, where, sum, n) {
        for (l in layer) {
            if (!ours[core, l, unit, percent]) continue
            base = l ~ /_1x1$/ ? ours[core, l, "filterlet", 0] * (100 - percent) / 100 : ours[core, l, "filterlet", percent]
            ratio = ours[core, l, unit, percent] / base
            sum += log(ratio); n++
            if (ratio > worst) { worst = ratio; where = l }
        }
        if (n) printf "  %-9s %2d %% absent: %.2f times the filterlets (geometric mean), at most %.2f (%s)\n",
            unit, percent, exp(sum / n), worst, where
    }
    END {
        n = split(cores, c, " ")
        for (i = 1; i <= n; i++) {
            printf "%-34s %7s %7s %7s %7s %7s\n", c[i] ", instructions ratio at", "0 %", "25 %", "50 %", "75 %", "90 %"
            print_row("to CMSIS-NN dense (geometric mean)", c[i], "cmsis")
            print_row("to the paper'"'"'s kernel", c[i], "paper")
            m = 0
            for (l in layer) names[++m] = l
            for (a = 1; a <= m; a++) for (b = a + 1; b <= m; b++) if (names[b] < names[a]) { t = names[a]; names[a] = names[b]; names[b] = t }
            for (a = 1; a <= m; a++) per_layer(c[i], names[a])
            blocks(c[i], "block:4", 50); blocks(c[i], "block:4", 75)
            blocks(c[i], "block:8", 50); blocks(c[i], "block:8", 75)
            blocks(c[i], "block:16", 50); blocks(c[i], "block:16", 75)
        }
    }' "$work/new"

worse=0
[ ! -e $csv ] || awk -F, '
    NR == FNR {old[$1, $2, $3, $4] = $6; next}
    FNR > 1 && ($1, $2, $3, $4) in old && $6 > 1.01 * old[$1, $2, $3, $4] {
        printf "worse: %s %s %s %s %%: %d instructions, were %d\n", $1, $2, $3, $4, $6, old[$1, $2, $3, $4]
        bad = 1
    }
    END {exit bad}' $csv "$work/new" || worse=1
cp "$work/new" $csv
exit $worse
