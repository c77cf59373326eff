/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "bytes.h"

void dtmm_resize_nearest_s8_mve(const struct dtmm_resize_nearest *p, const void *input,
                                void *output)
{
    int8_t *out = output;
    int32_t channels = p->channels, width = p->output_w;
    for (int32_t y = 0; y < p->output_h; y++) {
        const int8_t *row = (const int8_t *)input + p->row[y] * p->input_w * channels;
        for (int32_t x = 0; x < width; x++, out += channels)
            dtmm_mve_copy(out, row + p->column[x] * channels, channels);
    }
}
