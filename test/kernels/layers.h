/* SPDX-License-Identifier: Apache-2.0 */
/* Random layers for every kernel of runtime/kernels.inc, odd and extreme ones among them. The same
 * state of the random generator makes the same layer, wherever its buffers lie. */
#ifndef DTMM_TEST_KERNELS_LAYERS_H
#define DTMM_TEST_KERNELS_LAYERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/random.h"
#include "runtime/dtmm.h"
#include "test/kernels/guard.h"

/* A call of a kernel with all it reads, and the layer as it was before weights were packed and zero
 * points were folded. */
struct layer {
    union {
        struct dtmm_conv_2d conv_2d;
        struct dtmm_depthwise_conv_2d depthwise_conv_2d;
        struct dtmm_fully_connected fully_connected;
        struct dtmm_add add;
        struct dtmm_mul mul;
        struct dtmm_pool_2d pool_2d;
        struct dtmm_mean mean;
        struct dtmm_softmax softmax;
        struct dtmm_lookup lookup;
        struct dtmm_copy copy;
        struct dtmm_pad pad;
        struct dtmm_slice slice;
        struct dtmm_resize_nearest resize_nearest;
        struct dtmm_quantize quantize;
    } parameters;
    const void *inputs[2];
    size_t input_bytes[2];
    size_t output_bytes, scratch_bytes;
    int in_place;                /* bit i: the output may be input i */
    const int8_t *plain_weights; /* with zeros where FWCS has nothing */
    const int32_t *plain_bias;   /* no zero point in it */
    int32_t plain_input_zero_point;
    char text[240]; /* its dimensions, for messages */
};

typedef void layer_maker(struct random *random, struct guard *guard, struct layer *layer);
layer_maker layer_conv_2d, layer_conv_2d_fwcs, layer_conv_2d_fwcs_list, layer_depthwise_conv_2d,
    layer_depthwise_conv_2d_inplace, layer_pointwise, layer_pointwise_fwcs, layer_transpose_conv,
    layer_fully_connected, layer_add, layer_mul, layer_pool_2d, layer_mean, layer_softmax,
    layer_lookup, layer_copy, layer_pad, layer_slice, layer_resize_nearest, layer_quantize,
    layer_dequantize;

#endif
