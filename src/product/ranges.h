/* SPDX-License-Identifier: Apache-2.0 */
/* What values the activations of a float graph take on samples of its data. */
#ifndef DTMM_PRODUCT_RANGES_H
#define DTMM_PRODUCT_RANGES_H

#include <stdint.h>

/* The interval that int8 is to represent; what lies outside is clipped. */
struct range {
    float min, max;
};

struct ranges {
    const char *method; /* how the intervals were chosen */
    int32_t n_tensors;  /* as in the graph; constants that a pass adds stand behind */
    struct range *of;   /* by tensor; those of constants are not used */
    double **largest;   /* by tensor: the largest magnitude of each channel; NULL: not known */
    double **mean;      /* by tensor: the mean of each channel (last dimension); NULL: not known */
};

#endif
