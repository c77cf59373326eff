/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

void dtmm_conv_2d_fwcs_list_s8_c(const struct dtmm_conv_2d *p, const void *input, void *output,
                                 void *scratch)
{
    const int8_t *in = input, *weights = p->weights;
    const uint8_t *list = p->mask;
    int8_t *out = output;
    (void)scratch;
    for (int32_t o = 0; o < p->output_channels; o++) {
        int32_t sum = p->bias[o];
        for (int32_t n_kept = *list++; n_kept > 0; n_kept--, weights += 4)
            sum += dtmm_dot(weights, in + 4 * *list++, 4);
        sum = dtmm_requantize(sum, p->multiplier[o], p->shift[o]);
        *out++ = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
    }
}
