/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

void dtmm_pad_s8_c(const struct dtmm_pad *p, const void *input, void *output)
{
    int32_t stride[5], step = 1, first = 0;
    for (int d = 4; d >= 0; d--) {
        stride[d] = step;
        first += p->before[d] * step;
        step *= p->before[d] + p->dims[d] + p->after[d];
    }
    memset(output, p->value, (size_t)step);

    const int8_t *in = input;
    int8_t *out = (int8_t *)output + first;
    for (int32_t i = 0; i < p->dims[0]; i++)
        for (int32_t j = 0; j < p->dims[1]; j++)
            for (int32_t k = 0; k < p->dims[2]; k++)
                for (int32_t l = 0; l < p->dims[3]; l++) {
                    int32_t row = i * stride[0] + j * stride[1] + k * stride[2] + l * stride[3];
                    memcpy(out + row, in, (size_t)p->dims[4]);
                    in += p->dims[4];
                }
}
