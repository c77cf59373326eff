/* SPDX-License-Identifier: Apache-2.0 */
#include "pool_2d.h"

static void max_pixel(const struct dtmm_pool_2d *p, struct dtmm_rv32_pool_window *window,
                      int8_t *out)
{
    const int32_t channels = window->channels, low = p->output_min, high = p->output_max;
    const int8_t *first = window->first;
    for (int32_t c = 0; c < channels; c++, first++) {
        int32_t max = low;
        const int8_t *row = first;
        for (int32_t y = window->rows; y; y--, row += window->row_bytes) {
            const int8_t *value = row, *end = row + window->columns * channels;
            for (; value != end; value += channels)
                if (*value > max)
                    max = *value;
        }
        *out++ = (int8_t)(max > high ? high : max);
    }
}

void dtmm_max_pool_2d_s8_rv32(const struct dtmm_pool_2d *p, const void *input, void *output)
{
    dtmm_rv32_pool(p, input, output, max_pixel);
}
