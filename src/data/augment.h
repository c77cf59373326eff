/* SPDX-License-Identifier: Apache-2.0 */
/* Random variations of training samples. */
#ifndef DTMM_DATA_AUGMENT_H
#define DTMM_DATA_AUGMENT_H

#include "base/random.h"
#include "base/status.h"
#include "graph/graph.h"

/* Everything zero: samples stay as they are. */
struct augmentation {
    int flip;         /* left and right, for one sample in two */
    int32_t shift[2]; /* up to so many pixels down or up, right or left; what moves in is `fill` */
    int32_t cutout;   /* side of a square that becomes `fill` */
    float noise;      /* standard deviation of Gaussian noise, in real units */
    float mixup;      /* parameter of the Beta distribution of the share of another sample */
    float fill;       /* real value of the background */
};

/* Reads "flip,shift:4,cutout:8,noise:0.1,mixup:0.2,fill:0" (any of them, in any order), or "none".
 * "shift:8x0" shifts rows and columns by different limits. ERR_USAGE names what is wrong. */
enum status augmentation_parse(const char *text, struct augmentation *augmentation,
                               struct diag *diag);

/* A random sequence of its own for each use of a sample, whoever computes it: by seed, epoch and
 * index. */
struct random augment_random(uint64_t seed, int32_t epoch, int32_t index);

/* Varies one sample (all but mixup) in place: flip and shift, then noise, then cutout; `scratch`
 * has room for another sample. Ops on images do nothing to samples that are none (1xHxWxC). The
 * center of the square that cutout fills is anywhere in the image, so that it may be cut off at the
 * border (DeVries and Taylor, 2017). Noise is the sum of eight uniform bytes: nearly Gaussian
 * (excess kurtosis -0.15, nothing beyond 4.9 standard deviations), fast, and the same on every
 * host. */
void augment(const struct augmentation *augmentation, const struct shape *shape,
             struct random *random, float *sample, float *scratch);

/* The share of the first of two samples, from Beta(mixup, mixup), at least one half; 1 without
 * mixup. The Beta number is X / (X + Y) of two Gamma numbers, each by the method of Marsaglia and
 * Tsang (2000). */
float augment_share(const struct augmentation *augmentation, struct random *random);

#endif
