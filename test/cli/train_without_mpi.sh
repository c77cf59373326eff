#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `make MPI=0`: the processes' part of training compiles without MPI and links without its library; it is then
# one process of one, and refuses to be one of several that mpirun started.
. "$(dirname "$0")/../lib.sh"
cd "$root"
env -u MAKEFLAGS -u MFLAGS make -n V=1 MPI=0 BUILD="$work/none" >"$work/commands"
grep -q -- '-DDTMM_MPI=0 .*src/train/distributed.c' "$work/commands" || die "MPI=0 is not passed on"
! grep -q -- '-lmpi' "$work/commands" || die "MPI=0 links MPI"

flags="-std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -D_POSIX_C_SOURCE=200809L -DDTMM_MPI=0 -Isrc"
cat >"$work/check.c" <<'EOF'
#include <stdio.h>

#include "train/distributed.h"

int main(void)
{
    struct distributed distributed = {7, 7};
    struct diag diag = {""};
    float value = 3;
    double number = 5;
    if (distributed_start(&distributed, &diag) != OK) {
        puts(diag.message);
        return 1;
    }
    distributed_sum_begin(&distributed, &value, 1);
    distributed_sum_end();
    distributed_sum(&distributed, &number, 1);
    distributed_wait(&distributed);
    distributed_end();
    printf("rank %d of %d: %g %g\n", distributed.rank, distributed.n_ranks, (double)value, number);
    return 0;
}
EOF
gcc $flags -c -o "$work/distributed.o" src/train/distributed.c || die "does not compile without MPI"
gcc $flags ${SANITIZE:-} -o "$work/check" "$work/check.c" "$work/distributed.o" "$(dirname "$dtmm")/libdtmm.a" ||
    die "does not link without MPI"
alone='rank 0 of 1: 3 5'
[ "$("$work/check")" = "$alone" ] || die "not one process of one"
[ "$(OMPI_COMM_WORLD_SIZE=1 "$work/check")" = "$alone" ] || die "mpirun -n 1 is refused"
for size in OMPI_COMM_WORLD_SIZE PMI_SIZE; do
    said=$(env $size=2 "$work/check") && die "$size=2 is accepted"
    [[ $said == *"built without MPI"* ]] || die "$size=2: $said"
done
