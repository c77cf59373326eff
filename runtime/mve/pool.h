/* SPDX-License-Identifier: Apache-2.0 */
/* What the pooling kernels share: the positions of a window inside the input, for some channels. */
#ifndef DTMM_MVE_POOL_H
#define DTMM_MVE_POOL_H

#include "../dtmm.h"
#include "requantize.h"

struct dtmm_mve_pool_window {
    const int8_t *first;   /* of the first position */
    int32_t rows, columns; /* at least 1 each */
    int32_t step, skip;    /* bytes from column to column; at the end of a row */
};

/* The window of the output (oy, ox). */
static inline struct dtmm_mve_pool_window
dtmm_mve_pool_window(const struct dtmm_pool_2d *p, const int8_t *input, int32_t oy, int32_t ox)
{
    struct dtmm_span rows = dtmm_window(oy * p->stride_h - p->pad_top, p->window_h, p->input_h);
    struct dtmm_span columns = dtmm_window(ox * p->stride_w - p->pad_left, p->window_w, p->input_w);
    int32_t n_columns = columns.end - columns.begin;
    return (struct dtmm_mve_pool_window){
        input + (rows.begin * p->input_w + columns.begin) * p->channels, rows.end - rows.begin,
        n_columns, p->channels, (p->input_w - n_columns) * p->channels};
}

/* A loop over the positions of a window; BODY reads at `at` and moves it by `step`. */
#define DTMM_MVE_POOL_LOOP(BODY)                                                                   \
    "1: dls lr, %[columns]\n"                                                                      \
    "2: " BODY "   add %[at], %[at], %[step]\n"                                                    \
    "   le lr, 2b\n"                                                                               \
    "   add %[at], %[at], %[skip]\n"                                                               \
    "   subs %[rows], %[rows], #1\n"                                                               \
    "   bne 1b\n"
#define DTMM_MVE_POOL_STATE(window) [at] "+l"((window).first), [rows] "+r"((window).rows)
#define DTMM_MVE_POOL_CONSTANTS(window)                                                            \
    [columns] "r"((window).columns), [step] "r"((window).step), [skip] "r"((window).skip)

#endif
