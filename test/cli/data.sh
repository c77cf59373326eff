#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# data: what is in a dataset, as tables and as JSON; what is refused.
. "$(dirname "$0")/../lib.sh"
mkdir "$work/here"
cd "$work/here"
mkdir gestures images images/cat images/dog
printf 't0,t1,label\n0.25,-1,wave\n0.5,3e2,rest\n1,1,wave\n' >gestures/train.csv
printf '1,2,rest\n' | gzip >gestures/test.csv.gz
printf '1,2,0\n3,4,1\n' >numbers.csv
printf '1,2,0\n3,x,1\n' >broken.csv
printf 'GIF89a' >images/cat/1.png
PATH=$(dirname "$dtmm"):$PATH
show dtmm data gestures
show dtmm data gestures --part test
show dtmm data gestures --json
show dtmm data numbers.csv --part test
refused dtmm data broken.csv
refused dtmm data images
refused dtmm data images/cat
refused dtmm data missing
refused dtmm data gestures --part validation
refused env DTMM_DATASETS=nowhere dtmm data fashion-mnist
expect_transcript data
