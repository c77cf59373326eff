/* SPDX-License-Identifier: Apache-2.0 */
/* conv_2d_s8 and conv_2d_fwcs_s8. Some output rows at a time: widens the input rows that they need,
 * then filter by filter widens the kept weights and computes the rows. */
#ifndef DTMM_ARMV7EM_CONV_2D_H
#define DTMM_ARMV7EM_CONV_2D_H

#include "../requantize.h"
#include "conv_2d_layout.h"
#include "conv_2d_pixels.h"
#include "conv_2d_sort.h"
#include "conv_2d_stream.h"
#include "conv_2d_widen.h"
#include "requantize.h"

/* The blocks of 4 or 1 outputs of one pass; where the assembly finds them, for any filter. */
struct dtmm_dsp_blocks {
    void (*pixels)(const struct dtmm_dsp_run *run, const void *input);
    const int8_t *input; /* widened */
    int8_t *output;
    int32_t outputs, group_bytes; /* of one block */
    int32_t row_bytes, next_row_input, next_row_output;
};

struct dtmm_dsp_conv {
    const struct dtmm_conv_2d *p;
    struct dtmm_dsp_layout l;
    struct dtmm_dsp_writer writer;
    struct dtmm_dsp_run run; /* of the filter */
    struct dtmm_dsp_blocks blocks[2];
    const struct dtmm_dsp_blocks *blocks_end;
    dtmm_dsp_take_units *take;
    uint32_t *stream;
    int32_t columns; /* of this pass; rows without gaps between their inputs are one */
    int32_t filter;
    int32_t finish; /* where the fast requantization is exact */
    int32_t sums[4];
    int8_t *memory; /* the widened rows */
    int8_t *expanded;
};

_Static_assert(sizeof(struct dtmm_dsp_conv) <= DTMM_DSP_STATE_BYTES, "the host reserves less");

/* The fast requantization's constants, where it is exact: twice the bias is less than 2^30, as is
 * twice the sum of the products (conv_2d_rules.h). Else the sums are finished one by one. */
static inline void dtmm_dsp_set_filter(struct dtmm_dsp_conv *conv)
{
    const struct dtmm_conv_2d *p = conv->p;
    struct dtmm_dsp_run *run = &conv->run;
    int32_t bias = p->bias[conv->filter], shift = p->shift[conv->filter];
    run->finish = conv->finish;
    if (!dtmm_dsp_shift_is_fast(shift) || bias >= 1 << 29 || bias <= -(1 << 29)) {
        run->finish = DTMM_DSP_SUMS;
        bias = 0;
        shift = -1;
    }
    bias *= 2;
    run->fast = dtmm_dsp_fast(p->multiplier[conv->filter], shift, p->output_zero_point);
    run->start[0] = run->start[1] = run->start[2] = run->start[3] = bias;
}

/* One block of outputs from the sums of any filter. */
static inline void dtmm_dsp_finish_slowly(const struct dtmm_dsp_conv *conv, int32_t n,
                                          int8_t *output)
{
    const struct dtmm_conv_2d *p = conv->p;
    for (int32_t i = 0; i < n; i++, output += p->output_channels) {
        int32_t sum = (conv->run.sums[i] >> 1) + p->bias[conv->filter];
        sum = dtmm_requantize(sum, p->multiplier[conv->filter], p->shift[conv->filter]);
        *output = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
    }
}

/* All blocks of a kind, block by block. */
static inline void dtmm_dsp_run_slowly(struct dtmm_dsp_conv *conv,
                                       const struct dtmm_dsp_blocks *blocks)
{
    int32_t step = conv->p->output_channels * blocks->outputs;
    int32_t input_step = conv->l.group_bytes * blocks->outputs;
    const int8_t *input = blocks->input;
    int8_t *output = blocks->output + conv->filter;
    for (int32_t y = 0; y < conv->run.rows; y++) {
        for (int32_t i = 0; i < blocks->row_bytes; i += step) {
            blocks->pixels(&conv->run, input);
            dtmm_dsp_finish_slowly(conv, blocks->outputs, output);
            input += input_step;
            output += step;
        }
        input += blocks->next_row_input;
        output += blocks->next_row_output;
    }
}

/* Sets what the runs of this kind share. */
static inline void dtmm_dsp_use_blocks(struct dtmm_dsp_conv *conv,
                                       const struct dtmm_dsp_blocks *blocks)
{
    conv->run.row_bytes = blocks->row_bytes;
    conv->run.next_row_input = blocks->next_row_input;
    conv->run.next_row_output = blocks->next_row_output;
}

/* The outputs of one filter in this pass, once its stream is written. */
static inline void dtmm_dsp_run_filter(struct dtmm_dsp_conv *conv,
                                       const struct dtmm_dsp_stream *stream)
{
    struct dtmm_dsp_run *run = &conv->run;
    int32_t words = (int32_t)(stream->end - run->stream);
    int32_t groups = conv->l.group == 8 ? words / 5 : words / 3;
    run->stream_end = stream->end;
    for (const struct dtmm_dsp_blocks *blocks = conv->blocks; blocks != conv->blocks_end;
         blocks++) {
        if (conv->blocks_end != conv->blocks + 1)
            dtmm_dsp_use_blocks(conv, blocks);
        run->n_first = groups ? ((groups - 1) & (DTMM_DSP_ROUND - 1)) + 1 : 0;
        run->next = blocks->group_bytes - stream->at;
        run->output = blocks->output + conv->filter;
        run->row_end = run->output + run->row_bytes;
        if (run->finish == DTMM_DSP_SUMS)
            dtmm_dsp_run_slowly(conv, blocks);
        else
            blocks->pixels(run, blocks->input);
    }
}

/* Divides the pass's rows of widened input and of outputs into blocks. */
static inline void dtmm_dsp_set_blocks(struct dtmm_dsp_conv *conv, const int8_t *input,
                                       int8_t *output)
{
    int32_t step = conv->p->output_channels, group_bytes = conv->l.group_bytes, column = 0;
    struct dtmm_dsp_blocks *blocks = conv->blocks;
    for (int32_t outputs = 4; outputs > 0; outputs -= 3) {
        int32_t n = (conv->columns - column) / outputs * outputs;
        if (n == 0)
            continue;
        if (conv->l.group == 8)
            blocks->pixels = outputs == 4 ? dtmm_dsp_pixels_8x4 : dtmm_dsp_pixels_8x1;
        else
            blocks->pixels = outputs == 4 ? dtmm_dsp_pixels_4x4 : dtmm_dsp_pixels_4x1;
        blocks->outputs = outputs;
        blocks->group_bytes = outputs * group_bytes;
        blocks->input = input + column * group_bytes;
        blocks->output = output + column * step;
        blocks->row_bytes = n * step;
        blocks->next_row_input = conv->l.row_bytes - n * group_bytes;
        blocks->next_row_output = (conv->columns - n) * step;
        column += n;
        blocks++;
    }
    conv->blocks_end = blocks;
    dtmm_dsp_use_blocks(conv, conv->blocks);
}

/* Filter by filter: its mask, or for dense filters one of ones in `expanded`. */
static inline void dtmm_dsp_run_filters(struct dtmm_dsp_conv *conv)
{
    const struct dtmm_conv_2d *p = conv->p;
    const struct dtmm_dsp_layout *l = &conv->l;
    const uint8_t *mask = p->mask ? p->mask : (const uint8_t *)conv->expanded;
    int32_t mask_bytes = p->mask ? l->mask_bytes : 0;
    struct dtmm_dsp_stream stream = {.weights = p->weights};
    for (conv->filter = 0; conv->filter < p->output_channels; conv->filter++, mask += mask_bytes) {
        stream.end = conv->stream;
        stream.at = 0;
        if (l->a_unit)
            conv->take(&stream, &conv->writer, mask, mask + l->mask_bytes);
        else
            dtmm_dsp_write_any(p, l, &conv->writer, mask, conv->expanded, &stream);
        dtmm_dsp_set_filter(conv);
        dtmm_dsp_run_filter(conv, &stream);
    }
}

/* What is the same for all passes and filters. */
static __attribute__((noinline, cold)) void dtmm_dsp_start(struct dtmm_dsp_conv *conv,
                                                           const struct dtmm_conv_2d *p)
{
    const struct dtmm_dsp_layout *l = &conv->l;
    conv->p = p;
    dtmm_dsp_set_layout(p, &conv->l);
    conv->memory = (int8_t *)conv + DTMM_DSP_STATE_BYTES;
    int8_t *offsets = conv->memory + l->size;
    conv->expanded = offsets + l->offsets;
    conv->stream = (uint32_t *)(void *)(conv->expanded + l->expanded);
    conv->run.stream = conv->stream;
    conv->take = l->group == 8 ? dtmm_dsp_write_8 : dtmm_dsp_write_4;
    dtmm_dsp_start_writer(p, l, (uint16_t *)(void *)offsets, &conv->writer);
    if (!p->mask)
        dtmm_dsp_fill_mask(l, conv->expanded);
    int is_narrow = p->output_min > INT8_MIN || p->output_max < INT8_MAX;
    int is_relu = p->output_min >= p->output_zero_point;
    conv->finish = is_narrow ? DTMM_DSP_CLAMP : is_relu ? DTMM_DSP_RELU : DTMM_DSP_SATURATE;
    conv->run.step = p->output_channels;
    conv->run.step_3 = 3 * p->output_channels;
    conv->run.minimum = p->output_min;
    conv->run.maximum = p->output_max;
    conv->run.sums = conv->sums;
}

/* n output rows from row y on. */
static inline void dtmm_dsp_pass(struct dtmm_dsp_conv *conv, const int8_t *input, int8_t *output,
                                 int32_t y, int32_t n)
{
    const struct dtmm_conv_2d *p = conv->p;
    int has_gaps = conv->l.row_bytes != p->output_w * conv->l.group_bytes;
    dtmm_dsp_widen_rows(p, &conv->l, input, y, n, conv->memory);
    conv->run.rows = has_gaps ? n : 1;
    conv->columns = has_gaps ? p->output_w : n * p->output_w;
    dtmm_dsp_set_blocks(conv, conv->memory, output + y * p->output_w * p->output_channels);
    dtmm_dsp_run_filters(conv);
}

/* The whole layer. Where passes read no row twice and outputs are larger than inputs, the last rows
 * come first, so that output and input may start at the same address. */
__attribute__((weak, cold)) void dtmm_dsp_conv_2d(const struct dtmm_conv_2d *p, const void *input,
                                                  void *output, void *scratch)
{
    struct dtmm_dsp_conv *conv = scratch;
    dtmm_dsp_start(conv, p);
    int32_t step = conv->l.rows, first = 0, end = (p->output_h + step - 1) / step * step;
    if (p->kernel_h == 1 && p->output_channels > p->input_channels) {
        first = end - step;
        end = -step;
        step = -step;
    }
    for (int32_t y = first; y != end; y += step)
        dtmm_dsp_pass(conv, input, output, y, dtmm_dsp_smaller(conv->l.rows, p->output_h - y));
}

#endif
