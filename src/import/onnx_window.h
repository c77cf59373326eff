/* SPDX-License-Identifier: Apache-2.0 */
/* Windows that move over images: the attributes that convolutions and pools share. */
#ifndef DTMM_IMPORT_ONNX_WINDOW_H
#define DTMM_IMPORT_ONNX_WINDOW_H

#include "import/onnx_importer.h"

/* Index 0 is height, 1 width. A network over sequences has height 1. */
struct window {
    int32_t rank; /* of the input: 3 or 4 */
    int32_t input[2], size[2], stride[2], dilation[2];
    int32_t pads[4]; /* top, bottom, left, right */
    int pads_given;  /* auto_pad is NOTSET */
    int same_upper, same_lower;
};

/* Reads strides, dilations and pads of the node at work for an input of the given shape. `size` is
 * the kernel's, from the weights, or NULL: from kernel_shape. auto_pad is left to the caller. */
enum status window_read(struct onnx_importer *importer, const struct shape *input,
                        const int32_t *size, struct window *window);

/* Sets the pads that auto_pad asks for in a convolution or pool. */
void window_pad(struct window *window);

/* Drops pads at the end that no position of the window reaches. */
void window_trim(struct window *window);

/* Positions of the window along dimension i. */
int64_t window_positions(const struct window *window, int i);

/* Checks that the value is an image or a sequence and gives its tensor of 4 dimensions. */
enum status image_input(struct onnx_importer *importer, const struct value *value, int32_t *id);

/* The first output: an image of the given size and channels that come in memory as those of `from`
 * do, `multiplier` made of each. */
enum status image_output(struct onnx_importer *importer, struct node *node, int32_t rank,
                         const int64_t size[2], int64_t channels, const struct value *from,
                         int32_t multiplier);

#endif
