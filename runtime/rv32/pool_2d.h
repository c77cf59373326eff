/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling on RV32: the windows of an output, and the walk over them. */
#ifndef DTMM_RV32_POOL_2D_H
#define DTMM_RV32_POOL_2D_H

#include "../dtmm.h"
#include "../requantize.h"

/* One output pixel: its part of the input. */
struct dtmm_rv32_pool_window {
    const int8_t *first;      /* channel 0 of its first pixel */
    int32_t rows, columns;    /* at least 1 */
    int32_t channels;         /* bytes of a pixel */
    int32_t row_bytes, count; /* of the input; rows * columns */
};

/* Computes each output pixel; `pixel` writes the channels of one. */
static inline void dtmm_rv32_pool(const struct dtmm_pool_2d *p, const int8_t *input, int8_t *output,
                                  void (*pixel)(const struct dtmm_pool_2d *,
                                                struct dtmm_rv32_pool_window *, int8_t *))
{
    for (int32_t oy = 0; oy < p->output_h; oy++) {
        struct dtmm_span rows = dtmm_window(oy * p->stride_h - p->pad_top, p->window_h, p->input_h);
        for (int32_t ox = 0; ox < p->output_w; ox++, output += p->channels) {
            struct dtmm_span columns =
                dtmm_window(ox * p->stride_w - p->pad_left, p->window_w, p->input_w);
            int32_t width = columns.end - columns.begin, height = rows.end - rows.begin;
            struct dtmm_rv32_pool_window window = {
                input + (rows.begin * p->input_w + columns.begin) * p->channels,
                height,
                width,
                p->channels,
                p->input_w * p->channels,
                width * height};
            pixel(p, &window, output);
        }
    }
}

#endif
