/* SPDX-License-Identifier: Apache-2.0 */
/* What a candidate loses of accuracy, as a sum over its choices. */
#ifndef DTMM_SCHEDULE_LOSS_H
#define DTMM_SCHEDULE_LOSS_H

#include "schedule/space.h"

/* loss[knob][choice]: expected loss when only this choice removes something; 0 for choice 0. Fill
 * it with what probes of single choices measured, or from scores. */
struct loss_table {
    int32_t n_knobs;
    double **of;
};

/* The sum of the removed scores: of a filter or unit its importance in parts of the mean filter's
 * of its layer, times factor[node]. `factors` brings layers to one scale; NULL: 1 for all. What
 * units cost is that of the layer with all filters. */
struct loss_table *loss_of_scores(const struct space *space, const double *factors,
                                  struct arena *arena);

double loss_of(const struct loss_table *table, const struct space *space, const uint8_t *candidate);

#endif
