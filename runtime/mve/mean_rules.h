/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of mean; see rules.h. */
#ifndef DTMM_MVE_MEAN_RULES_H
#define DTMM_MVE_MEAN_RULES_H

#include "../dtmm.h"

/* A dimension, or several neighboring ones. */
struct dtmm_mve_extent {
    int32_t n, stride;
};

struct dtmm_mve_mean {
    struct dtmm_mve_extent kept[3], reduced[3]; /* the innermost first; 1 where there is none */
    int32_t inner_is_kept;
};

static inline struct dtmm_mve_mean dtmm_mve_mean(const struct dtmm_mean *p)
{
    struct dtmm_mve_mean shape;
    for (int i = 0; i < 3; i++)
        shape.kept[i] = shape.reduced[i] = (struct dtmm_mve_extent){1, 0};
    int n_kept = 0, n_reduced = 0, last = -1;
    int32_t stride = 1;
    for (int d = 5 - 1; d >= 0; stride *= p->dims[d--]) {
        int is_reduced = p->axes >> d & 1;
        if (p->dims[d] == 1)
            continue;
        if (last < 0)
            shape.inner_is_kept = !is_reduced;
        if (is_reduced != last) {
            struct dtmm_mve_extent *next =
                is_reduced ? &shape.reduced[n_reduced++] : &shape.kept[n_kept++];
            next->stride = stride;
        }
        last = is_reduced;
        if (is_reduced)
            shape.reduced[n_reduced - 1].n *= p->dims[d];
        else
            shape.kept[n_kept - 1].n *= p->dims[d];
    }
    if (last < 0)
        shape.inner_is_kept = 1;
    return shape;
}

static inline int dtmm_mean_s8_mve_accepts(const struct dtmm_mean *p)
{
    (void)p;
    return 1;
}

#endif
