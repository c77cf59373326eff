#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make install: what is installed does the whole job away from the source tree, also when it is moved.
. "$(dirname "$0")/../lib.sh"
cp examples/small_cnn.tflite "$work/model.tflite"
for i in 1 2; do # again over what is there
    env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s install BUILD="${BUILD:-build}" DESTDIR="$work/stage 1" PREFIX=/opt/dtmm \
        >"$work/make" 2>&1 || { cat "$work/make"; die "make install, time $i"; }
done
[ "$(cd "$work/stage 1" && find . -maxdepth 5 | grep -v '/runtime/\|/board/' | sort | tr '\n' ' ')" = \
    ". ./opt ./opt/dtmm ./opt/dtmm/bin ./opt/dtmm/bin/dtmm ./opt/dtmm/share ./opt/dtmm/share/dtmm \
./opt/dtmm/share/dtmm/board ./opt/dtmm/share/dtmm/runtime " ] || { find "$work/stage 1" -maxdepth 5; die "what is installed"; }

mv "$work/stage 1/opt" "$work/moved here"
cd "$work"
tail -c 784 model.tflite >input.bin
clean() { env -i PATH=/usr/bin:/bin HOME=/nonexistent "$@"; }
installed="$work/moved here/dtmm/bin/dtmm"
clean "$installed" inspect model.tflite >stdout
for target in cortex-m4 rv32imc; do
    clean "$installed" compress model.tflite --target $target --force -o out >stdout
    clean "$installed" run out --per-layer >stdout
    clean "$installed" verify out --inputs input.bin >stdout
done
"$dtmm" compress model.tflite --target rv32imc -o out2 >stdout
rm out/report.json out2/report.json # out's has been run
diff -r out out2 || die "another library than the one from the source tree"

# Through a link, as in /usr/local/bin.
ln -s "$installed" link
clean ./link compress model.tflite --target cortex-m4 --force -o out >stdout

# Without the files beside it the program says what is missing.
rm -r "$work/moved here/dtmm/share"
expect_fail 1 'dtmm: cannot find the runtime.s sources; set \$DTMM_SHARE$' \
    clean "$installed" compress model.tflite --target cortex-m4 -o out3
DTMM_SHARE=$root "$installed" compress model.tflite --target cortex-m4 -o out3 >stdout
export DTMM_SHARE=$work
expect_fail 1 'dtmm: \$DTMM_SHARE is .*, which has no runtime/dtmm.h$' \
    "$installed" compress model.tflite --target cortex-m4 -o out4
