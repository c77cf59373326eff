#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dtmm sweep: smaller and smaller networks that are what the front says they are; the diagram; going on after a cut;
# several processes.
. "$(dirname "$0")/../lib.sh"
cd "$work"
export DTMM_SHARE=$root
pattern_data data
pattern_network

course=(dense/model.tflite --data data --target cortex-m4 --points 3 --epochs 6 --lr 0.02 --threads 1)
"$dtmm" sweep "${course[@]}" -o one >one.txt 2>one.log || { cat one.log; die "does not sweep"; }
[ "$(sed -n 1p one/front.csv)" = "point,flash_bytes,sram_bytes,instructions,latency_ms_estimate,validation_percent,test_percent,knee" ] ||
    die "another head"
[ "$(tail -n +2 one/front.csv | cut -d, -f1 | tr '\n' ' ')" = "dense point1 point2 point3 " ] || { cat one/front.csv; die "other points"; }
# A point may be below its budget of flash, and so below that of the next; but not in both.
awk -F, 'NR == 2 {whole = $2; all = $4} NR > 2 && ($2 >= flash && $4 >= instructions || $2 >= whole || $4 >= all) {exit 1}
    {flash = $2; instructions = $4}' one/front.csv || { cat one/front.csv; die "points are not smaller"; }
[ "$(grep -Ec "^point[23]: to be .* from an earlier round's network" one.log)" = 2 ] || die "points do not start from their neighbor"
while IFS=, read -r name flash sram instructions latency validation test knee; do
    rm -rf built
    "$dtmm" compress one/$name.tflite --target cortex-m4 --json -o built >built.json
    "$dtmm" run built --json >run.json
    for pair in "flash_bytes:$flash" "sram_bytes:$sram" "instructions:$instructions"; do
        grep -q "\"${pair%:*}\": ${pair#*:}," run.json || { cat run.json; die "$name: not $pair"; }
    done
    "$dtmm" eval one/$name.tflite --data data | grep -q "accuracy *$test %" || die "$name: not $test % of the test data"
    [ $name = dense ] || grep -q '"layers"' one/$name.json || die "$name: no recipe"
done < <(tail -n +2 one/front.csv)
/usr/bin/python3 - one/front.svg <<'EOF'
import sys
import xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
count = lambda kind: len([e for e in root.iter() if e.tag.endswith("}circle") and (not kind or e.get("class") == kind)])
assert count("") == 8, count("")  # four points in each of two diagrams
for e in root.iter():
    for key in ("cx", "x1", "x2", "x"):
        assert e.get(key) is None or 0 <= float(e.get(key)) <= 840, (e.tag, key, e.get(key))
EOF

# ---- cut off ----
killed_at '^point2: to be' "$dtmm" sweep "${course[@]}" -o two
[ ! -e two ] || die "wrote something before it was done"
"$dtmm" sweep "${course[@]}" -o two --resume >two.txt 2>two.log || { cat two.log; die "does not go on"; }
diff -r one two || die "resuming changes the front"
cmp one.txt <(sed 's/two/one/g' two.txt) || die "resuming changes what is said"
[ ! -e two.state ] || die "the state is still there"

# ---- several processes ----
command -v mpirun >/dev/null || die "mpirun is missing"
mpirun --allow-run-as-root --oversubscribe -n 2 "$dtmm" sweep "${course[@]}" -o three >three.txt 2>three.log ||
    { cat three.log; die "does not sweep with two processes"; }
[ "$(wc -l <three/front.csv)" = 5 ] || { cat three/front.csv; die "two processes: points are missing"; }
diff <(ls one) <(ls three) || die "two processes write other files"
cmp one/point1.tflite three/point1.tflite || die "the first point is another"
expect_fail 1 'no run is there to go on with' "$dtmm" sweep "${course[@]}" -o four --resume
expect_fail 1 '--points 0: must be a whole number' "$dtmm" sweep dense/model.tflite --data data --target cortex-m4 --points 0 -o five
expect_fail 1 '--target host: a device is needed' "$dtmm" sweep dense/model.tflite --data data --target host -o five
mkdir unlabeled
cp data/x_train.npy unlabeled/
"$dtmm" sweep dense/model.tflite --data unlabeled --target cortex-m4 -o five >stdout 2>stderr && die "swept without labels"
tail -n 1 stderr | grep -q 'unlabeled: has no labels' || { cat stderr; die "another reason"; }
