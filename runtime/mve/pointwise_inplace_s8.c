/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of 4 pixels are in columns before their outputs are written. From the last pixels to
 * the first where there are more outputs than inputs, no input is overwritten before. */
#include "conv_2d_dense.h"

void dtmm_pointwise_inplace_s8_mve(const struct dtmm_conv_2d *p, const void *input, void *output,
                                   void *scratch)
{
    struct pair *constants = scratch;
    int8_t *columns = (int8_t *)(constants + (p->output_channels + 1) / 2), *out = output;
    struct pairs pairs = {.columns = columns};
    struct layout layout = {.input = input};
    set_layout(p, &layout, columns + dtmm_mve_conv_vectors(p) * 64);
    set_pairs(p, &pairs);
    set_constants(p, constants);
    int32_t n_pixels = p->output_h * p->output_w, n_groups = (n_pixels + 3) / 4;
    int is_backward = p->output_channels > p->input_channels;
    for (int32_t i = 0; i < n_groups; i++) {
        int32_t first = 4 * (is_backward ? n_groups - 1 - i : i);
        int32_t n = n_pixels - first < 4 ? n_pixels - first : 4;
        for (int32_t j = 0; j < n; j++)
            lay_out_inside(p, &layout, layout.input + (first + j) * p->input_channels,
                           columns + 16 * j);
        repeat_column(columns, dtmm_mve_conv_vectors(p), n);
        set_offsets(p, &pairs, n);
        convolve_pixels(p, &pairs, constants, out + first * p->output_channels);
    }
}
