/* SPDX-License-Identifier: Apache-2.0 */
/* What a schedule is to reach, and how candidates compare by it. */
#ifndef DTMM_SCHEDULE_GOAL_H
#define DTMM_SCHEDULE_GOAL_H

#include "schedule/cost_model.h"
#include "schedule/loss.h"

enum objective { OBJECTIVE_LATENCY, OBJECTIVE_ACCURACY, OBJECTIVE_FLASH };

/* The limited amounts: suffix of the enumerator, name, unit. */
#define BUDGET_LIST(X)                                                                             \
    X(FLASH, flash, "bytes")                                                                       \
    X(SRAM, sram, "bytes")                                                                         \
    X(INSTRUCTIONS, instructions, "instructions")                                                  \
    X(LOSS, loss, "of loss")

enum budget {
#define X(suffix, name, unit) BUDGET_##suffix,
    BUDGET_LIST(X)
#undef X
        N_BUDGETS
};

const char *budget_name(enum budget budget);
const char *budget_unit(enum budget budget);
const char *objective_name(enum objective objective);

struct goal {
    enum objective objective; /* instructions, loss or flash are to be least */
    double most[N_BUDGETS];   /* INFINITY: no limit */
};

/* What a solver works on. */
struct schedule_problem {
    struct cost_model *model;
    const struct loss_table *loss;
    struct goal goal;
};

/* The amounts of a candidate. */
struct amounts {
    double of[N_BUDGETS];
    struct prediction prediction;
};

/* What a candidate needs of everything that is limited. */
enum status amounts_of(const struct schedule_problem *problem, const uint8_t *candidate,
                       struct amounts *amounts, struct diag *diag);

/* The same as cost_estimate() has it, with so many bytes of SRAM added for the gaps of a layout. */
enum status amounts_estimate(const struct schedule_problem *problem, const uint8_t *candidate,
                             double sram_margin, struct amounts *amounts, struct diag *diag);

/* The amount that is to be least. */
double objective_of(const struct goal *goal, const struct amounts *amounts);

/* How far the limits are exceeded, in parts of each, summed; 0: all are met. */
double excess_of(const struct goal *goal, const struct amounts *amounts);

/* What a solver found. */
struct schedule {
    int is_feasible;
    uint8_t *candidate; /* the best that meets all limits; if none does, the nearest to it */
    struct amounts amounts;
    double bound;       /* no candidate that meets the limits has less of the objective; NaN: the
                           solver knows none */
    int is_proved;      /* not feasible: no candidate can be, shown by `missed` */
    enum budget missed; /* not feasible: the limit that cannot be met */
    double nearest;     /* not feasible: the least of that amount among candidates that meet the
                           other limits, as far as that is known */
    double sram_margin; /* bytes that estimates of the SRAM turned out to lack */
    int64_t n_evaluated;
};

#endif
