/* SPDX-License-Identifier: Apache-2.0 */
/* Random variations of training samples. */
#ifndef DTMM_DATA_AUGMENT_H
#define DTMM_DATA_AUGMENT_H

#include "base/random.h"
#include "base/status.h"
#include "graph/graph.h"

/* Everything zero: samples stay as they are. */
struct augmentation {
    int flip;       /* left and right, for one sample in two */
    int32_t shift;  /* up to so many pixels in each direction; what moves in is `fill` */
    int32_t cutout; /* side of a square that becomes `fill` */
    float noise;    /* standard deviation of Gaussian noise, in real units */
    float mixup;    /* parameter of the Beta distribution of the share of another sample */
    float fill;     /* real value of the background */
};

/* Reads "flip,shift:4,cutout:8,noise:0.1,mixup:0.2,fill:0" (any of them, in any order), or "none".
 * ERR_USAGE names what is wrong. */
enum status augmentation_parse(const char *text, struct augmentation *augmentation,
                               struct diag *diag);

/* Varies one sample (all but mixup) in place; `scratch` has room for another sample. Ops on images
 * do nothing to samples that are none (1xHxWxC). */
void augment(const struct augmentation *augmentation, const struct shape *shape,
             struct random *random, float *sample, float *scratch);

/* The share of the first of two samples, from Beta(mixup, mixup), at least one half; 1 without
 * mixup. */
float augment_share(const struct augmentation *augmentation, struct random *random);

#endif
