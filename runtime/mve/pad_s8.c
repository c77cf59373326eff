/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "bytes.h"

void dtmm_pad_s8_mve(const struct dtmm_pad *p, const void *input, void *output)
{
    int32_t stride[5], step = 1, first = 0;
    for (int d = 4; d >= 0; d--) {
        stride[d] = step;
        first += p->before[d] * step;
        step *= p->before[d] + p->dims[d] + p->after[d];
    }
    dtmm_mve_set(output, p->value, step);

    const int8_t *in = input;
    int8_t *out = (int8_t *)output + first;
    for (int32_t i = 0; i < p->dims[0]; i++)
        for (int32_t j = 0; j < p->dims[1]; j++)
            for (int32_t k = 0; k < p->dims[2]; k++) {
                int8_t *row = out + i * stride[0] + j * stride[1] + k * stride[2];
                for (int32_t l = 0; l < p->dims[3]; l++, row += stride[3], in += p->dims[4])
                    dtmm_mve_copy(row, in, p->dims[4]);
            }
}
