/* SPDX-License-Identifier: Apache-2.0 */
/* conv_2d_s8 and conv_2d_fwcs_s8. Some output rows at a time: widens the input rows that they need,
 * then filter by filter widens the kept weights and computes the rows. */
#ifndef DTMM_ARMV7EM_CONV_2D_H
#define DTMM_ARMV7EM_CONV_2D_H

#include "../requantize.h"
#include "conv_2d_layout.h"
#include "conv_2d_pixels.h"
#include "conv_2d_stream.h"
#include "conv_2d_widen.h"

struct dtmm_dsp_conv {
    const struct dtmm_conv_2d *p;
    struct dtmm_dsp_layout l;
    struct dtmm_dsp_run run; /* of the filter */
    const int8_t *input;     /* widened */
    int8_t *output;          /* of this pass */
    int32_t rows, columns;   /* of this pass; rows without gaps between their inputs are one */
    int32_t filter;
    const struct dtmm_dsp_unit *units;
    int8_t *expanded;
    uint32_t *stream;
};

static inline void dtmm_dsp_pixels(const struct dtmm_dsp_conv *conv, int32_t outputs,
                                   const int8_t *input)
{
    const struct dtmm_dsp_run *run = &conv->run;
    if (conv->l.group == 8)
        (outputs == 4   ? dtmm_dsp_pixels_8x4
         : outputs == 2 ? dtmm_dsp_pixels_8x2
                        : dtmm_dsp_pixels_8x1)(run, input);
    else
        (outputs == 4   ? dtmm_dsp_pixels_4x4
         : outputs == 2 ? dtmm_dsp_pixels_4x2
                        : dtmm_dsp_pixels_4x1)(run, input);
}

/* The fast requantization's constants, where it is exact: the shift is to the right and the sums,
 * twice the accumulator, stay below 2^31. Else the sums are finished one by one. */
static inline void dtmm_dsp_set_filter(struct dtmm_dsp_conv *conv)
{
    const struct dtmm_conv_2d *p = conv->p;
    struct dtmm_dsp_run *run = &conv->run;
    int32_t bias = p->bias[conv->filter], exponent = -p->shift[conv->filter];
    int is_narrow = p->output_min > INT8_MIN || p->output_max < INT8_MAX;
    run->finish = is_narrow ? DTMM_DSP_CLAMP : DTMM_DSP_SATURATE;
    if (exponent < 1 || exponent > 22 || bias >= 1 << 29 || bias <= -(1 << 29)) {
        run->finish = DTMM_DSP_SUMS;
        bias = 0;
        exponent = 1;
    }
    run->multiplier = p->multiplier[conv->filter];
    run->exponent = exponent;
    run->offset = (1 << (exponent - 1)) + p->output_zero_point * (1 << exponent);
    for (int32_t i = 0; i < 4; i++)
        run->start[i] = 2 * bias;
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

/* `blocks` of `outputs` each from this column on, in all rows of the pass. */
static inline void dtmm_dsp_columns(struct dtmm_dsp_conv *conv, int32_t column, int32_t blocks,
                                    int32_t outputs)
{
    struct dtmm_dsp_run *run = &conv->run;
    int32_t step = conv->p->output_channels, n = blocks * outputs;
    int32_t group_bytes = conv->l.group_bytes, row_bytes = conv->l.row_bytes;
    const int8_t *input = conv->input + column * group_bytes;
    int8_t *output = conv->output + conv->filter + column * step;
    if (run->finish != DTMM_DSP_SUMS) {
        run->output = output;
        run->row_bytes = n * step;
        run->row_end = output + run->row_bytes;
        run->rows = conv->rows;
        run->next_row_input = row_bytes - n * group_bytes;
        run->next_row_output = (conv->columns - n) * step;
        dtmm_dsp_pixels(conv, outputs, input);
        return;
    }
    for (int32_t y = 0; y < conv->rows; y++)
        for (int32_t x = 0; x < n; x += outputs) {
            dtmm_dsp_pixels(conv, outputs, input + y * row_bytes + x * group_bytes);
            dtmm_dsp_finish_slowly(conv, outputs, output + (y * conv->columns + x) * step);
        }
}

/* The outputs of one filter in this pass, once its stream is written. */
static inline void dtmm_dsp_filter(struct dtmm_dsp_conv *conv, const struct dtmm_dsp_stream *stream)
{
    struct dtmm_dsp_run *run = &conv->run;
    run->stream_end = stream->end;
    int32_t column = 0;
    for (int32_t outputs = 4; outputs > 0; outputs >>= 1) {
        int32_t blocks = (conv->columns - column) / outputs, round = outputs == 4 ? 8 : 4;
        if (blocks == 0)
            continue;
        run->n_first = stream->groups ? ((stream->groups - 1) & (round - 1)) + 1 : 0;
        run->next = outputs * conv->l.group_bytes - stream->at;
        dtmm_dsp_columns(conv, column, blocks, outputs);
        column += blocks * outputs;
    }
}

static inline void dtmm_dsp_pass(struct dtmm_dsp_conv *conv)
{
    const struct dtmm_conv_2d *p = conv->p;
    const uint8_t *mask = p->mask;
    struct dtmm_dsp_stream stream = {.weights = p->weights};
    for (conv->filter = 0; conv->filter < p->output_channels; conv->filter++) {
        stream.end = conv->stream;
        stream.at = stream.groups = 0;
        if (conv->l.is_plain)
            dtmm_dsp_write_plain(&conv->l, conv->units, mask, &stream);
        else
            dtmm_dsp_write_any(p, &conv->l, conv->units, mask, conv->expanded, &stream);
        if (mask)
            mask += (conv->l.units + 7) >> 3;
        dtmm_dsp_set_filter(conv);
        dtmm_dsp_filter(conv, &stream);
    }
}

/* The whole layer. */
__attribute__((weak)) void dtmm_dsp_conv_2d(const struct dtmm_conv_2d *p, const void *input,
                                            void *output, void *scratch)
{
    int32_t sums[4];
    struct dtmm_dsp_conv conv = {.p = p, .l = dtmm_dsp_layout(p)};
    int8_t *memory = scratch;
    struct dtmm_dsp_unit *units = (struct dtmm_dsp_unit *)(void *)(memory + conv.l.row_size);
    conv.units = units;
    conv.stream = (uint32_t *)(void *)(memory + conv.l.row_size + conv.l.unit_table);
    conv.expanded = memory + conv.l.row_size + conv.l.unit_table + conv.l.stream;
    conv.input = memory;
    conv.output = output;
    conv.run.step = p->output_channels;
    conv.run.step_3 = 3 * p->output_channels;
    conv.run.stream = conv.stream;
    conv.run.minimum = p->output_min;
    conv.run.maximum = p->output_max;
    conv.run.sums = sums;
    dtmm_dsp_list_units(p, &conv.l, units);
    int has_gaps = conv.l.row_bytes != p->output_w * conv.l.group_bytes;
    for (int32_t y = 0; y < p->output_h; y += conv.l.rows) {
        int32_t rows = dtmm_dsp_smaller(conv.l.rows, p->output_h - y);
        dtmm_dsp_widen_rows(p, &conv.l, input, y, rows, memory);
        conv.rows = has_gaps ? rows : 1;
        conv.columns = has_gaps ? p->output_w : rows * p->output_w;
        dtmm_dsp_pass(&conv);
        conv.output += rows * p->output_w * p->output_channels;
    }
}

#endif
