/* SPDX-License-Identifier: Apache-2.0 */
/* What no candidate can do with less, as a sum over nodes that is minimized exactly: each call
 * takes the best of its kernels for every amount by itself (of those at most MOST_TIMES_SLOWER than
 * the fastest; others are taken only where scratch memory is short), the code is that which no
 * choice avoids, and calls need what is alive at them. */
#ifndef DTMM_SCHEDULE_RELAXATION_H
#define DTMM_SCHEDULE_RELAXATION_H

#include "schedule/goal.h"

struct relaxation;

/* Packs every node for all choices that change it. `sram_bytes` is a limit that no solution
 * exceeds as far as bytes alive at a call tell, with scratch memory that its kernels need
 * (with_scratch; then candidates that only slower kernels make fit are left out, and the sum bounds
 * nothing). ERR_UNSUPPORTED when layers hang together in too many ways. Everything belongs to the
 * arena. */
enum status relaxation_make(const struct schedule_problem *problem, double sram_bytes,
                            int with_scratch, struct arena *arena, struct relaxation **relaxation,
                            struct diag *diag);

/* Weights of the amounts; that of SRAM is not read. */
struct weights {
    double of[N_BUDGETS];
};

/* The candidate with the least weighted sum, and its relaxed amounts. Returns the sum, INFINITY
 * when no candidate can keep to the limit of SRAM. */
double relaxation_solve(struct relaxation *relaxation, const struct weights *weights,
                        uint8_t *candidate, struct amounts *amounts);

/* The choices of units of one layer when those of all sets are made: amounts by choice, in the
 * layer's fastest kernel; flash includes code that no other layer would need. */
struct unit_row {
    int32_t knob, n;
    const double *of[N_BUDGETS]; /* NULL: nothing of this amount */
    const uint8_t *kernel;       /* by choice: that kernel; N_KERNELS: no other layer needs it */
};

/* All layers, and the sum of everything that units do not change. */
struct unit_rows {
    int32_t n;
    struct unit_row *rows; /* room for one a node */
    double fixed[N_BUDGETS];
};

/* Fills `rows` for the choices that the candidate has for the sets. */
void relaxation_rows(const struct relaxation *relaxation, const uint8_t *candidate,
                     struct unit_rows *rows);

/* Whether the candidate's sets keep to the limit of SRAM. */
int relaxation_fits(const struct relaxation *relaxation, const uint8_t *candidate);

#endif
