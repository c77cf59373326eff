/* SPDX-License-Identifier: Apache-2.0 */
/* The learning rate over the course of training. */
#ifndef DTMM_TRAIN_RATE_H
#define DTMM_TRAIN_RATE_H

/* Name on the command line, meaning. */
#define RATE_LIST(X)                                                                               \
    X(COSINE, "cosine", "falls along half a cosine to 0")                                          \
    X(ONE_CYCLE, "one-cycle", "rises over 30 % of the time, then falls along a cosine to 0")       \
    X(STEP, "step", "a tenth after half of the time, a hundredth after three quarters")            \
    X(CONSTANT, "constant", "stays")

enum rate_kind {
#define X(suffix, name, meaning) RATE_##suffix,
    RATE_LIST(X)
#undef X
        N_RATES
};

/* The rate at `time` in [0, 1) of the training, as a factor on the peak. During the first `warmup`
 * of the time it rises from 0 (all but one-cycle, which has its own rise). */
double rate_factor(enum rate_kind kind, double warmup, double time);

#endif
