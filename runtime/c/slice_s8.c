/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"

void dtmm_slice_s8_c(const struct dtmm_slice *p, const void *input, void *output)
{
    const int8_t *in = (const int8_t *)input + p->offset;
    int8_t *out = output;
    for (int32_t i = 0; i < p->dims[0]; i++)
        for (int32_t j = 0; j < p->dims[1]; j++)
            for (int32_t k = 0; k < p->dims[2]; k++)
                for (int32_t l = 0; l < p->dims[3]; l++) {
                    int32_t row =
                        i * p->stride[0] + j * p->stride[1] + k * p->stride[2] + l * p->stride[3];
                    for (int32_t m = 0; m < p->dims[4]; m++)
                        *out++ = in[row + m * p->stride[4]];
                }
}
