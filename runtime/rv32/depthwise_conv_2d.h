/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution on RV32, by bands of output rows; see depthwise_conv_2d_rules.h. */
#ifndef DTMM_RV32_DEPTHWISE_CONV_2D_H
#define DTMM_RV32_DEPTHWISE_CONV_2D_H

#include "../dtmm.h"
#include "depthwise_conv_2d_rules.h"
#include "requantize.h"

#include <stddef.h>

/* One channel of a band of output rows, kernel 3x3. The output of row y + 1 follows that of row y,
 * as `x` does with `row_step`. */
struct dtmm_rv32_channel {
    const int8_t *x;
    int8_t *out, *out_end;
    int32_t channels, pitch,
        row_step; /* bytes: of a pixel, of a row of the band, to the next row */
    int32_t out_row_bytes;
    const int8_t *weights;
    int32_t bias;
    uint32_t multiplier; /* doubled */
    int32_t shift;       /* to the right, less 1 */
    int32_t addend;      /* 1 + 2 * zero point */
    int32_t min, max;
};

#define DTMM_RV32_CHANNEL_OFFSET(field, offset)                                                    \
    _Static_assert(offsetof(struct dtmm_rv32_channel, field) == (offset), #field)
DTMM_RV32_CHANNEL_OFFSET(out_end, 8);
DTMM_RV32_CHANNEL_OFFSET(row_step, 20);
DTMM_RV32_CHANNEL_OFFSET(out_row_bytes, 24);
DTMM_RV32_CHANNEL_OFFSET(bias, 32);
DTMM_RV32_CHANNEL_OFFSET(multiplier, 36);
DTMM_RV32_CHANNEL_OFFSET(max, 52);

/* Registers: a0 the structure; s1-s9 weights; a1-a3 sums of neighboring outputs; a4, a5 temporary;
 * t0-t2 addresses in three rows; a6, a7 output and its end; t3 channels; t4 multiplier; t5 shift;
 * t6 addend; s10, s11 limits. */
#define DTMM_RV32_DW_START                                                                         \
    "lw t3,12(a0)\n lw a4,28(a0)\n lw t4,36(a0)\n lw t5,40(a0)\n lw t6,44(a0)\n"                   \
    "lw s10,48(a0)\n lw s11,52(a0)\n lw a6,4(a0)\n"                                                \
    ".irp w,s1,s2,s3,s4,s5,s6,s7,s8,s9\n lb \\w,0(a4)\n add a4,a4,t3\n .endr\n"
#define DTMM_RV32_DW_START_ROW                                                                     \
    "1: lw t0,0(a0)\n lw a4,16(a0)\n lw a5,20(a0)\n lw a7,24(a0)\n"                                \
    "add t1,t0,a4\n add t2,t1,a4\n add a5,a5,t0\n sw a5,0(a0)\n add a7,a7,a6\n"

#define DTMM_RV32_DW_LOAD(address) "lb a4,0(" address ")\n add " address "," address ",t3\n"
#define DTMM_RV32_DW_ADD(sum, weight) "mul a5,a4," weight "\n add " sum "," sum ",a5\n"
#define DTMM_RV32_DW_BIAS(sum) "lw " sum ",32(a0)\n"

/* One input for one, two or three outputs. */
#define DTMM_RV32_DW_FOR_1(address, sum0, w0) DTMM_RV32_DW_LOAD(address) DTMM_RV32_DW_ADD(sum0, w0)
#define DTMM_RV32_DW_FOR_2(address, sum0, w0, sum1, w1)                                            \
    DTMM_RV32_DW_FOR_1(address, sum0, w0) DTMM_RV32_DW_ADD(sum1, w1)
#define DTMM_RV32_DW_FOR_3(address, sum0, w0, sum1, w1, sum2, w2)                                  \
    DTMM_RV32_DW_FOR_2(address, sum0, w0, sum1, w1) DTMM_RV32_DW_ADD(sum2, w2)

/* A column of inputs, each output's sum with its column of weights. */
#define DTMM_RV32_DW_LEFT(sum)                                                                     \
    DTMM_RV32_DW_FOR_1("t0", sum, "s1")                                                            \
    DTMM_RV32_DW_FOR_1("t1", sum, "s4") DTMM_RV32_DW_FOR_1("t2", sum, "s7")
#define DTMM_RV32_DW_MIDDLE(sum)                                                                   \
    DTMM_RV32_DW_FOR_1("t0", sum, "s2")                                                            \
    DTMM_RV32_DW_FOR_1("t1", sum, "s5") DTMM_RV32_DW_FOR_1("t2", sum, "s8")
#define DTMM_RV32_DW_MIDDLE_LEFT(sum0, sum1)                                                       \
    DTMM_RV32_DW_FOR_2("t0", sum0, "s2", sum1, "s1")                                               \
    DTMM_RV32_DW_FOR_2("t1", sum0, "s5", sum1, "s4")                                               \
    DTMM_RV32_DW_FOR_2("t2", sum0, "s8", sum1, "s7")
#define DTMM_RV32_DW_RIGHT_LEFT(sum0, sum1)                                                        \
    DTMM_RV32_DW_FOR_2("t0", sum0, "s3", sum1, "s1")                                               \
    DTMM_RV32_DW_FOR_2("t1", sum0, "s6", sum1, "s4")                                               \
    DTMM_RV32_DW_FOR_2("t2", sum0, "s9", sum1, "s7")
#define DTMM_RV32_DW_RIGHT_MIDDLE_LEFT(sum0, sum1, sum2)                                           \
    DTMM_RV32_DW_FOR_3("t0", sum0, "s3", sum1, "s2", sum2, "s1")                                   \
    DTMM_RV32_DW_FOR_3("t1", sum0, "s6", sum1, "s5", sum2, "s4")                                   \
    DTMM_RV32_DW_FOR_3("t2", sum0, "s9", sum1, "s8", sum2, "s7")

/* A sum times multiplier / 2^32, rounded to nearest, then / 2^(t5 + 1), rounded half away from
 * zero. */
#define DTMM_RV32_DW_OUTPUT(sum)                                                                   \
    "mul a5," sum ",t4\n mulhsu " sum "," sum ",t4\n srli a5,a5,31\n add " sum "," sum ",a5\n"     \
    "srli a5," sum ",31\n sub " sum "," sum ",a5\n sra " sum "," sum ",t5\n"                       \
    "add " sum "," sum ",t6\n srai " sum "," sum ",1\n"                                            \
    "bge " sum ",s10,5f\n mv " sum ",s10\n5: bge s11," sum ",6f\n mv " sum ",s11\n"                \
    "6: sb " sum ",0(a6)\n add a6,a6,t3\n"

#define DTMM_RV32_DW_STEP_1(sum0, sum1, sum2)                                                      \
    DTMM_RV32_DW_BIAS(sum2)                                                                        \
    DTMM_RV32_DW_RIGHT_MIDDLE_LEFT(sum0, sum1, sum2) DTMM_RV32_DW_OUTPUT(sum0)
#define DTMM_RV32_DW_STEP_2(sum0, sum1)                                                            \
    DTMM_RV32_DW_MIDDLE(sum0)                                                                      \
    DTMM_RV32_DW_BIAS(sum1) DTMM_RV32_DW_RIGHT_LEFT(sum0, sum1) DTMM_RV32_DW_OUTPUT(sum0)

#define DTMM_RV32_DW_CHANNEL_FUNCTION(name, row)                                                   \
    static __attribute__((noinline)) void name(struct dtmm_rv32_channel *channel)                  \
    {                                                                                              \
        register struct dtmm_rv32_channel *a0 __asm__("a0") = channel;                             \
        __asm__ volatile(                                                                          \
            DTMM_RV32_DW_START DTMM_RV32_DW_START_ROW row "3: lw a4,8(a0)\n bne a6,a4,1b\n"        \
            :                                                                                      \
            : "r"(a0)                                                                              \
            : "memory", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4",    \
              "t5", "t6", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11");     \
    }

DTMM_RV32_DW_CHANNEL_FUNCTION(
    dtmm_rv32_convolve_stride_1,
    DTMM_RV32_DW_BIAS("a1") DTMM_RV32_DW_LEFT("a1") DTMM_RV32_DW_BIAS("a2")
        DTMM_RV32_DW_MIDDLE_LEFT("a1", "a2") "2: " DTMM_RV32_DW_STEP_1(
            "a1", "a2", "a3") "beq a6,a7,3f\n" DTMM_RV32_DW_STEP_1("a2", "a3",
                                                                   "a1") "beq "
                                                                         "a6,a7,"
                                                                         "3f\n" DTMM_RV32_DW_STEP_1(
                                                                             "a"
                                                                             "3",
                                                                             "a"
                                                                             "1",
                                                                             "a"
                                                                             "2") "bne a6,a7,2b\n")

DTMM_RV32_DW_CHANNEL_FUNCTION(
    dtmm_rv32_convolve_stride_2,
    DTMM_RV32_DW_BIAS("a1") DTMM_RV32_DW_LEFT("a1") "2: " DTMM_RV32_DW_STEP_2(
        "a1", "a2") "beq a6,a7,3f\n" DTMM_RV32_DW_STEP_2("a2", "a1") "bne a6,a7,2b\n")

/* The input under some output rows, with its borders. */
struct dtmm_rv32_band {
    int8_t *values;
    int32_t pitch;   /* bytes of a row */
    int32_t oy, end; /* output rows */
};

/* Bytes of any alignment. */
static int8_t *dtmm_rv32_copy(int8_t *to, const int8_t *from, int32_t n)
{
    for (; n >= 8; n -= 8, to += 8, from += 8) {
        to[0] = from[0];
        to[1] = from[1];
        to[2] = from[2];
        to[3] = from[3];
        to[4] = from[4];
        to[5] = from[5];
        to[6] = from[6];
        to[7] = from[7];
    }
    for (; n > 0; n--)
        *to++ = *from++;
    return to;
}

static int8_t *dtmm_rv32_fill(int8_t *to, int8_t value, int32_t n)
{
    for (; n >= 4; n -= 4, to += 4)
        to[0] = to[1] = to[2] = to[3] = value;
    for (; n > 0; n--)
        *to++ = value;
    return to;
}

/* Copies row `y` of the input between borders. */
static void dtmm_rv32_load_row(const struct dtmm_depthwise_conv_2d *p, int8_t *to, int32_t pitch,
                               const int8_t *input, int32_t y)
{
    if (y < 0 || y >= p->input_h) {
        dtmm_rv32_fill(to, p->input_zero_point, pitch);
        return;
    }
    int32_t left = p->pad_left * p->input_channels, inside = p->input_w * p->input_channels;
    if (left > pitch)
        left = pitch;
    if (inside > pitch - left)
        inside = pitch - left;
    to = dtmm_rv32_fill(to, p->input_zero_point, left);
    to = dtmm_rv32_copy(to, input + y * p->input_w * p->input_channels, inside);
    dtmm_rv32_fill(to, p->input_zero_point, pitch - left - inside);
}

/* Moves the band down by `step` output rows; `n_kept` of its rows stay. */
static void dtmm_rv32_load_band(const struct dtmm_depthwise_conv_2d *p,
                                const struct dtmm_rv32_band *band, const int8_t *input,
                                int32_t step, int32_t n_kept)
{
    int32_t pitch = band->pitch;
    int32_t n_rows = dtmm_rv32_band_input_rows(p, band->end - band->oy);
    int8_t *to = band->values;
    for (int32_t row = 0; row < n_rows; row++, to += pitch) {
        if (row < n_kept)
            dtmm_rv32_copy(to, to + step * p->stride_h * pitch, pitch);
        else
            dtmm_rv32_load_row(p, to, pitch, input, band->oy * p->stride_h - p->pad_top + row);
    }
}

static int32_t dtmm_rv32_sum_taps(const struct dtmm_depthwise_conv_2d *p, const int8_t *x,
                                  int32_t pitch, const int8_t *w)
{
    int32_t x_step = p->dilation_w * p->input_channels;
    int32_t w_step = p->input_channels * p->depth_multiplier, sum = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ky++, x += p->dilation_h * pitch) {
        const int8_t *value = x, *w_end = w + p->kernel_w * w_step;
        for (; w != w_end; w += w_step, value += x_step)
            sum += *w * *value;
    }
    return sum;
}

/* Output channel `o` of a band. */
static void dtmm_rv32_convolve_channel(const struct dtmm_depthwise_conv_2d *p,
                                       const struct dtmm_rv32_band *band, int32_t o, int8_t *output)
{
    int32_t channels = p->input_channels * p->depth_multiplier;
    int8_t *out = output + band->oy * p->output_w * channels + o;
    for (int32_t y = 0; y < band->end - band->oy; y++) {
        const int8_t *x = band->values + y * p->stride_h * band->pitch + o / p->depth_multiplier;
        for (int32_t ox = 0; ox < p->output_w; ox++) {
            int32_t sum = p->bias[o] + dtmm_rv32_sum_taps(p, x, band->pitch, p->weights + o);
            *out = dtmm_rv32_finish(sum, p->multiplier[o], p->shift[o], p->output_zero_point,
                                    p->output_min, p->output_max);
            out += channels;
            x += p->stride_w * p->input_channels;
        }
    }
}

static void dtmm_rv32_convolve_band(const struct dtmm_depthwise_conv_2d *p,
                                    const struct dtmm_rv32_band *band, int8_t *output)
{
    int32_t channels = p->input_channels * p->depth_multiplier;
    int is_3x3 = dtmm_rv32_is_3x3(p);
    struct dtmm_rv32_channel channel = {.channels = channels,
                                        .pitch = band->pitch,
                                        .row_step = p->stride_h * band->pitch,
                                        .out_row_bytes = p->output_w * channels,
                                        .addend = 1 + 2 * p->output_zero_point,
                                        .min = p->output_min,
                                        .max = p->output_max};
    for (int32_t o = 0; o < channels; o++) {
        if (!is_3x3 || p->shift[o] > -2) {
            dtmm_rv32_convolve_channel(p, band, o, output);
            continue;
        }
        channel.x = band->values + o;
        channel.out = output + band->oy * channel.out_row_bytes + o;
        channel.out_end = output + band->end * channel.out_row_bytes + o;
        channel.weights = p->weights + o;
        channel.bias = p->bias[o];
        channel.multiplier = (uint32_t)p->multiplier[o] * 2;
        channel.shift = -p->shift[o] - 1;
        if (p->stride_w == 1)
            dtmm_rv32_convolve_stride_1(&channel);
        else
            dtmm_rv32_convolve_stride_2(&channel);
    }
}

static inline void dtmm_rv32_depthwise(const struct dtmm_depthwise_conv_2d *p, const void *input,
                                       void *output, void *scratch)
{
    int32_t step = dtmm_rv32_band_rows(p), n_kept = 0;
    int32_t n_shared = dtmm_rv32_band_input_rows(p, step) - step * p->stride_h;
    struct dtmm_rv32_band band = {scratch, dtmm_rv32_band_row_bytes(p), 0, 0};
    for (; band.oy < p->output_h; band.oy += step) {
        band.end = band.oy + step < p->output_h ? band.oy + step : p->output_h;
        dtmm_rv32_load_band(p, &band, input, step, n_kept);
        dtmm_rv32_convolve_band(p, &band, output);
        n_kept = n_shared > 0 ? n_shared : 0;
    }
}

#endif
