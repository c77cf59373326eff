/* SPDX-License-Identifier: Apache-2.0 */
/* What a network answers to samples of a dataset, on the host. */
#ifndef DTMM_DRIVER_PREDICT_H
#define DTMM_DRIVER_PREDICT_H

#include "data/dataset.h"
#include "driver/progress.h"
#include "graph/graph.h"

/* Some samples of a dataset that fits the network. */
struct sample_set {
    const struct dataset *dataset;
    const int32_t *indices;
    int32_t n;
    struct sample_scale scale;
};

/* The samples as real numbers, back to back. */
float *samples_real(const struct sample_set *samples, struct arena *arena);

/* What the network makes of each sample. */
struct predictions {
    int32_t n, n_values; /* samples, values of each: the first output's elements */
    float *values;       /* real numbers */
};

/* The samples as bytes of the network's input, back to back: what a device is given. The input may
 * be s8 or f32. */
uint8_t *samples_bytes(const struct graph *graph, const struct sample_set *samples,
                       struct arena *arena);

/* What the bytes of the network's first output say, `n` of them back to back. */
struct predictions predictions_of_bytes(const struct graph *graph, const uint8_t *bytes, int32_t n,
                                        struct arena *arena);

/* By the float engine. */
enum status predict_float(const struct graph *graph, const struct sample_set *samples,
                          struct progress *progress, struct arena *arena,
                          struct predictions *predictions, struct diag *diag);

/* The bytes of the network's first output for each sample, by the runtime's C kernels, as on a
 * device. The network's input may be s8 or f32. */
enum status predict_bytes(const struct graph *graph, const struct sample_set *samples,
                          struct progress *progress, struct arena *arena, uint8_t **outputs,
                          struct diag *diag);

/* What these bytes say. */
enum status predict_int8(const struct graph *graph, const struct sample_set *samples,
                         struct progress *progress, struct arena *arena,
                         struct predictions *predictions, struct diag *diag);

/* How good predictions are. */
struct quality {
    int32_t n;
    double accuracy;      /* fraction of labels that have the largest value; NaN: no labels, or not
                             as many classes as values */
    double squared_error; /* mean, to the targets; NaN: there are none */
};
struct quality quality_measure(const struct predictions *predictions,
                               const struct sample_set *samples);

/* 10 log10 (mean square of `exact` / mean square of the difference), in dB. */
double signal_to_noise(const struct predictions *exact, const struct predictions *rounded);

#endif
