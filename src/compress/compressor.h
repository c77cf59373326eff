/* SPDX-License-Identifier: Apache-2.0 */
/* From a network, data and budgets to an int8 network that meets them on the emulated device. */
#ifndef DTMM_COMPRESS_COMPRESSOR_H
#define DTMM_COMPRESS_COMPRESSOR_H

#include <jansson.h>

#include "prune/pruner.h"
#include "schedule/goal.h"

/* Name on the command line, meaning. */
#define SOLVER_LIST(X)                                                                             \
    X(KNAPSACK, "knapsack", "Lagrangian relaxation, with a bound")                                 \
    X(ANNEAL, "anneal", "simulated annealing, as in the paper")

enum solver {
#define X(suffix, name, meaning) SOLVER_##suffix,
    SOLVER_LIST(X)
#undef X
        N_SOLVERS
};

struct compressor_options {
    struct pruner_options pruner; /* data and training; its paths, recipe and start are not used */
    const char *model_path;
    const struct target *target;
    size_t flash_budget, sram_budget; /* bytes */
    double most_instructions;         /* INFINITY: no budget */
    int is_latency;                   /* that was given as a time */
    double most_drop;    /* of accuracy on validation samples, 0.01 being a point; INFINITY: any */
    double min_accuracy; /* 0: any */
    enum objective objective;
    enum solver solver;
    int32_t n_rounds;        /* of pruning and training, at most */
    const char *recipe_path; /* what to remove; NULL: it is searched for */
    const char *state_path;  /* a folder for what a run that was cut off goes on from */
    const char *settings;    /* a line that says what decides the outcome */
    int resume;              /* go on from it */
};

struct compressor_result {
    const char *tflite_path, *float_path; /* in the folder of the state */
    const char *recipe;                   /* JSON */
    size_t sram_limit; /* the budget of SRAM that it was compiled for, to be compiled for again */
    json_t *json;      /* "schedule" of the report; the caller owns the reference */
};

/* Makes the dense network int8, finds a recipe for the budgets, prunes and trains by it, builds the
 * result, runs it under the emulator, compares with the budgets, and goes again with what was
 * missed, tighter: from the last good state when it was a size, with less to remove when it was
 * accuracy. Says on stderr what it does. Last, the accuracy on test data, once. ERR_BUDGET when a
 * budget is not met: the message tells which, how near it came, and what to relax. Leaves the state
 * in place; remove it once the result is taken. */
enum status compressor_run(const struct compressor_options *options, struct arena *arena,
                           struct compressor_result *result, struct diag *diag);

#endif
