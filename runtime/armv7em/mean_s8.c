/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

static int8_t finish(const struct dtmm_mean *p, int32_t sum)
{
    sum = dtmm_requantize(sum - p->count * p->input_zero_point, p->multiplier, p->shift);
    return dtmm_clamp(sum, p->output_zero_point, INT8_MIN, INT8_MAX);
}

void dtmm_mean_s8_armv7em(const struct dtmm_mean *p, const void *input, void *output)
{
    struct dtmm_dsp_mean_shape shape = dtmm_dsp_mean_shape(p);
    const int8_t *in = input;
    int8_t *out = output;
    for (int32_t i = 0; i < shape.outer; i++) {
        for (int32_t first = 0; first < shape.inner; first += 4) {
            int32_t c = dtmm_dsp_group(first, shape.inner);
            struct dtmm_dsp_sums sums = {0, 0, 0, {0, 0, 0, 0}};
            dtmm_dsp_add_run(&sums, in + c, shape.inner, shape.n);
            dtmm_dsp_flush(&sums);
            out[c] = finish(p, sums.channel[0]);
            out[c + 1] = finish(p, sums.channel[1]);
            out[c + 2] = finish(p, sums.channel[2]);
            out[c + 3] = finish(p, sums.channel[3]);
        }
        in += shape.n * shape.inner;
        out += shape.inner;
    }
}
