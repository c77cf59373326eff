/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

void dtmm_quantize_f32_s8_c(const struct dtmm_quantize *p, const void *input, void *output)
{
    const float *in = input;
    int8_t *out = output;
    for (int32_t i = 0; i < p->n; i++) {
        /* Outside of +-256 every zero point saturates; what is not a number becomes the minimum. */
        float scaled = in[i] / p->scale;
        if (!(scaled > -256.0F))
            scaled = -256.0F;
        if (scaled > 256.0F)
            scaled = 256.0F;
        /* to nearest, halves away from zero; the fraction is exact */
        int32_t rounded = (int32_t)scaled;
        float fraction = scaled - (float)rounded;
        rounded += (fraction >= 0.5F) - (fraction <= -0.5F);
        out[i] = dtmm_clamp(rounded, p->zero_point, INT8_MIN, INT8_MAX);
    }
}
