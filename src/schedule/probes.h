/* SPDX-License-Identifier: Apache-2.0 */
/* Which single choices are tried out, and what losses of all choices follow from these. */
#ifndef DTMM_SCHEDULE_PROBES_H
#define DTMM_SCHEDULE_PROBES_H

#include "schedule/loss.h"

/* A candidate in which only this knob removes something. */
struct probe {
    int32_t knob, choice;
};

struct probes {
    int32_t n;
    struct probe *list;
    double *losses; /* by probe: what it was measured to cost */
};

/* Two probes of every knob: its choices with the largest loss by scores, and with about a third of
 * it. All losses are 0 so far. */
struct probes probes_choose(const struct space *space, struct arena *arena);

/* The recipe of a probe's candidate, as JSON. */
const char *probe_recipe(const struct space *space, const struct probe *probe, struct arena *arena);

/* The losses of all choices: those by scores, brought to the scale of the measured ones, knob by
 * knob: loss = a * score^b through the two probes. What is measured as nearly nothing counts a
 * little, in proportion to its score, so that of choices that cost the same the one that removes
 * less is preferred. */
struct loss_table *loss_of_probes(const struct space *space, const struct probes *probes,
                                  struct arena *arena);

#endif
