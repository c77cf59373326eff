#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A signal in the middle of the work ends the program as the signal does, after it has removed what is
# half done and ended the compiler that it runs.
. "$(dirname "$0")/../lib.sh"
mkdir "$work/here" "$work/tmp" "$work/bin"
export TMPDIR=$work/tmp
"$dtmm" compress examples/small_cnn.tflite --target cortex-m4 -o "$work/done" >"$work/stdout"
cp -R "$work/done" "$work/before"
cp examples/small_cnn.tflite "$work/model.tflite"
cd "$work/here"

# A compiler that never ends.
cat >"$work/bin/arm-none-eabi-gcc" <<END
#!/bin/sh
echo \$\$ >"$work/compiler"
touch half-done
exec sleep 1000
END
chmod +x "$work/bin/arm-none-eabi-gcc"

# ended_by SIGNAL CODE ARGUMENT...: runs dtmm, sends the signal once the compiler runs.
ended_by() {
    local signal=$1 expected=$2 code=0 tries=0 program
    shift 2
    rm -f "$work/compiler"
    PATH=$work/bin:$PATH env --default-signal=INT,HUP,TERM "$dtmm" "$@" >"$work/stdout" 2>"$work/stderr" &
    program=$!
    until [ -s "$work/compiler" ]; do
        sleep 0.02
        tries=$((tries + 1))
        [ "$tries" -lt 1500 ] || die "the compiler was never started: $*"
    done
    kill -"$signal" "$program"
    wait "$program" || code=$?
    [ "$code" = "$expected" ] || { cat "$work/stderr"; die "exit code $code, expected $expected: $*"; }
    ! kill -0 "$(cat "$work/compiler")" 2>"$work/stderr" || die "the compiler still runs: $*"
    [ -z "$(ls -A . "$TMPDIR" | grep -v ':$' | grep .)" ] || die "left behind: $(ls -A . "$TMPDIR")"
}

for signal in INT:130 TERM:143 HUP:129; do
    ended_by ${signal%:*} ${signal#*:} compress "$work/model.tflite" --target cortex-m4 -o out
    ended_by ${signal%:*} ${signal#*:} compress "$work/model.tflite" --target cortex-m4 -o a/b/out
    ended_by ${signal%:*} ${signal#*:} compress "$work/model.tflite" --target cortex-m4 --force -o "$work/done"
    ended_by ${signal%:*} ${signal#*:} run "$work/done"
    [ ! -e /usr/share/datasets/fashion-mnist ] ||
        ended_by ${signal%:*} ${signal#*:} eval "$work/model.tflite" --data fashion-mnist \
            --input-like "$work/model.tflite" --on cortex-m4
done
diff -r "$work/before" "$work/done" || die "the folder that was to be replaced has changed"
[ -z "$(find "$work" -name '*.partial-*' -o -name '*.replaced-*')" ] || die "left behind: $(find "$work")"
