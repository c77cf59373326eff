/* SPDX-License-Identifier: Apache-2.0 */
/* Mean on RV32: all layers. Neighboring dimensions that are all kept, or all averaged, are walked
 * as one. */
#ifndef DTMM_RV32_MEAN_RULES_H
#define DTMM_RV32_MEAN_RULES_H

#include "../dtmm.h"

struct dtmm_rv32_dimension {
    int32_t n, stride;
};

/* Outermost first; unused ones have one element. */
struct dtmm_rv32_mean {
    struct dtmm_rv32_dimension kept[3], averaged[3];
};

static inline struct dtmm_rv32_mean dtmm_rv32_mean(const struct dtmm_mean *p)
{
    struct dtmm_rv32_mean mean;
    struct dtmm_rv32_dimension *next[2] = {mean.kept + 3, mean.averaged + 3};
    int32_t stride = 1, last = -1;
    for (int i = 0; i < 3; i++)
        mean.kept[i].n = mean.averaged[i].n = 1, mean.kept[i].stride = mean.averaged[i].stride = 0;
    for (int d = 4; d >= 0; d--) {
        int32_t kind = p->axes >> d & 1;
        if (p->dims[d] == 1)
            continue;
        if (kind != last)
            (--next[kind])->stride = stride;
        next[kind]->n *= p->dims[d];
        stride *= p->dims[d];
        last = kind;
    }
    return mean;
}

static inline int dtmm_mean_s8_rv32_accepts(const struct dtmm_mean *p)
{
    (void)p;
    return 1;
}

#endif
