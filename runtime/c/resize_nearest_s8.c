/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

void dtmm_resize_nearest_s8_c(const struct dtmm_resize_nearest *p, const void *input, void *output)
{
    const int8_t *in = input;
    int8_t *out = output;
    for (int32_t y = 0; y < p->output_h; y++)
        for (int32_t x = 0; x < p->output_w; x++) {
            int32_t pixel = p->row[y] * p->input_w + p->column[x];
            memcpy(out, in + pixel * p->channels, (size_t)p->channels);
            out += p->channels;
        }
}
