/* SPDX-License-Identifier: Apache-2.0 */
/* DTMM runtime: int8 kernels for microcontrollers. Freestanding C11; no allocation, no recursion,
 * no global state, no libc but memcpy and memset. The compiler has proved every precondition, so
 * kernels return nothing and check nothing. Parameter structures are constant and live in flash.
 *
 * Activations are int8, NHWC, batch 1. `scratch` is the caller's, aligned to 8 bytes; its size is
 * what the generated code says. Input and output must not overlap except where a kernel says "in
 * place".
 *
 * Accumulators are int32. The compiler has proved for each output that |bias| + 128 * (sum of
 * |weight|) < 2^31 (transpose_conv: 255 times), with bias as stored, so no partial sum overflows.
 *
 * Results equal TensorFlow Lite's reference kernels bit for bit. */
#ifndef DTMM_H
#define DTMM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Convolution, dense or FWCS, and transposed convolution.
 * output = clamp(requantize(bias[o] + sum over taps of weight * input, multiplier[o], shift[o])
 *                + output_zero_point, output_min, output_max)
 * Dense weights: weights[o][kh][kw][i].
 * FWCS (doc/fwcs.md): each filterlet weights[o][kh][kw][:] is cut into units of `block` channels
 * (block = input_channels: the filterlet is one unit; the last unit of a filterlet may be shorter).
 * mask holds ceil(kernel_h * kernel_w * ceil(input_channels / block) / 8) bytes per filter, bit j%8
 * of byte j/8 set when unit j (in order kh, kw, unit) is kept; weights holds the kept units' values
 * back to back, filter after filter. For conv_2d_fwcs_list (1x1, one output position, block 4) mask
 * holds a list instead: for each filter, the number of kept units (a byte), then their numbers, a
 * byte each, in order. For conv_2d, bias[o] already holds the layer's bias minus
 * input_zero_point * (sum of the stored weights of filter o); a position outside the input reads as
 * input_zero_point. Element counts and offsets fit int32. For transpose_conv (never FWCS; dilation
 * is 1; output position = input position * stride - pad + tap) bias[o] is the layer's own bias, and
 * the kernel subtracts input_zero_point. */
struct dtmm_conv_2d {
    const int8_t *weights;
    const uint8_t *mask; /* null when dense; conv_2d_fwcs_list: the list */
    const int32_t *bias;
    const int32_t *multiplier; /* Q31 in [2^30, 2^31), or 0 */
    const int8_t *shift;       /* > 0: left, < 0: right; -31 .. 30 */
    int32_t input_channels, output_channels, block;
    uint16_t input_h, input_w, output_h, output_w;
    uint8_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int8_t input_zero_point, output_zero_point, output_min, output_max;
};

/* pointwise_inplace (dense) and pointwise_fwcs_inplace: a conv_2d with kernel 1x1, stride 1 and no
 * padding. Output and input may start at the same address, whichever has more channels; the memory
 * there holds the larger of both. The scratch memory is one pixel of the input. */
static inline int32_t dtmm_pointwise_inplace_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return p->input_channels;
}

/* Depthwise convolution: output channel c * depth_multiplier + m reads input channel c.
 * weights[kh][kw][output channel]. bias as in dtmm_conv_2d (zero point folded in). */
struct dtmm_depthwise_conv_2d {
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
    int32_t input_channels, depth_multiplier;
    uint16_t input_h, input_w, output_h, output_w;
    uint8_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int8_t input_zero_point, output_zero_point, output_min, output_max;
};

/* depthwise_conv_2d_inplace needs depth_multiplier 1, output_w <= input_w and
 * pad_top <= (kernel_h - 1) * dilation_h; output and input may start at the same address, and the
 * memory there holds the larger of both. Its scratch memory is a ring of rows of one channel. */
static inline int32_t dtmm_depthwise_ring_rows(const struct dtmm_depthwise_conv_2d *p)
{
    return (p->kernel_h - 1) * p->dilation_h + 1;
}

static inline int32_t dtmm_depthwise_ring_width(const struct dtmm_depthwise_conv_2d *p)
{
    return (p->output_w - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
}

static inline int32_t dtmm_depthwise_inplace_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_depthwise_ring_rows(p) * dtmm_depthwise_ring_width(p);
}

/* Rows of `input_channels` to rows of `output_channels`. weights[o][i]; zero point folded into
 * bias. One multiplier and shift for all outputs when `per_channel` is 0, else one each. */
struct dtmm_fully_connected {
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
    int32_t input_channels, output_channels, rows;
    uint8_t per_channel;
    int8_t output_zero_point, output_min, output_max;
};

/* add and sub: TFLite's three-step requantization with left_shift 20; all shifts are -31 .. 0.
 * Shapes broadcast: the output is dims[0..3]; a stride of 0 repeats that dimension. When both
 * inputs have the output's shape the host merges it to dims {1, 1, 1, n}. In place on either input
 * that has the output's shape. */
struct dtmm_add {
    int32_t dims[4], stride_a[4], stride_b[4];
    int32_t multiplier_a, multiplier_b, multiplier_output;
    int8_t shift_a, shift_b, shift_output;
    int8_t zero_point_a, zero_point_b, output_zero_point, output_min, output_max;
};

/* mul; broadcast and in place as in dtmm_add. */
struct dtmm_mul {
    int32_t dims[4], stride_a[4], stride_b[4];
    int32_t multiplier;
    int8_t shift;
    int8_t zero_point_a, zero_point_b, output_zero_point, output_min, output_max;
};

/* Pooling; positions outside the input do not count. Every window has a position inside. */
struct dtmm_pool_2d {
    int32_t channels;
    uint16_t input_h, input_w, output_h, output_w, window_h, window_w;
    uint8_t stride_h, stride_w;
    uint16_t pad_top, pad_left;
    int8_t output_min, output_max;
};

/* Mean over the dimensions whose bit is set in `axes`; input dims[0..4], leading ones first (a
 * shape of lower rank is extended at the front). multiplier and shift already contain the division
 * by `count`, as TFLite folds it (reference_ops::QuantizedMeanOrSum): with bits = min(floor(log2
 * count), 32, 31 + shift), multiplier becomes (multiplier << bits) / count in 64-bit arithmetic,
 * rounded toward zero, and shift becomes shift - bits. `count` is the number of elements averaged,
 * less than 2^23. */
struct dtmm_mean {
    int32_t dims[5];
    int32_t axes, count;
    int32_t multiplier;
    int8_t shift;
    int8_t input_zero_point, output_zero_point;
};

/* Softmax over rows of `columns` (at most 8191), TFLite's fixed-point form; output scale 1/256,
 * zero point -128. multiplier (Q31), shift (to the left, 0 .. 31) and difference_min (negative) are
 * input_multiplier, input_left_shift and diff_min of TFLite's SoftmaxParams. TFLite aborts on a row
 * of 512 or more equal maxima; here its outputs are then -128. In place. */
struct dtmm_softmax {
    int32_t rows, columns;
    int32_t multiplier, shift;
    int32_t difference_min;
};

/* output[i] = table[input[i] + 128]: every element-wise int8 function of one input, computed on the
 * host. In place. */
struct dtmm_lookup {
    const int8_t *table; /* 256 */
    int32_t n;
};

/* Copies `rows` rows of `row_bytes`, with a stride on each side; one input of a concatenation. */
struct dtmm_copy {
    int32_t rows, row_bytes, input_stride, output_stride;
};

/* Pads dims[0..4] with before[] and after[] elements of `value`. */
struct dtmm_pad {
    int32_t dims[5], before[5], after[5];
    int8_t value;
};

/* Takes dims[0..4] output elements, starting at element `offset` of the input, with an input stride
 * (in elements, may be negative) a dimension. */
struct dtmm_slice {
    int32_t dims[5], stride[5];
    int32_t offset;
};

/* Nearest neighbor: output pixel (y, x) is input pixel (row[y], column[x]). */
struct dtmm_resize_nearest {
    const uint16_t *row, *column;
    int32_t channels;
    uint16_t input_w, output_h, output_w;
};

/* real = scale * (quantized - zero_point), either way. quantize divides by scale in float and
 * rounds to nearest, halves away from zero; infinities saturate, and what is not a number gives
 * -128. */
struct dtmm_quantize {
    int32_t n;
    float scale;
    int8_t zero_point;
};

/* One prototype a kernel; the argument lists are those of kernels.inc. */
#define KERNEL(name, isa, parameters, form, reference) DTMM_DECLARE_##form(name, isa, parameters)
#define DTMM_DECLARE_unary(name, isa, parameters)                                                  \
    void dtmm_##name##_##isa(const struct dtmm_##parameters *p, const void *input, void *output);
#define DTMM_DECLARE_scratch(name, isa, parameters)                                                \
    void dtmm_##name##_##isa(const struct dtmm_##parameters *p, const void *input, void *output,   \
                             void *scratch);
#define DTMM_DECLARE_binary(name, isa, parameters)                                                 \
    void dtmm_##name##_##isa(const struct dtmm_##parameters *p, const void *input_a,               \
                             const void *input_b, void *output);
#include "kernels.inc"
#undef KERNEL

#ifdef __cplusplus
}
#endif

#endif
