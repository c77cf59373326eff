/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"

void dtmm_dequantize_s8_f32_c(const struct dtmm_quantize *p, const void *input, void *output)
{
    const int8_t *in = input;
    float *out = output;
    for (int32_t i = 0; i < p->n; i++)
        out[i] = p->scale * (float)(in[i] - p->zero_point);
}
