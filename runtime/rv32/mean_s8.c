/* SPDX-License-Identifier: Apache-2.0 */
#include "mean_rules.h"
#include "requantize.h"

/* The sum over the averaged dimensions, from `in` on. */
static int32_t sum_averaged(const struct dtmm_rv32_dimension averaged[3], const int8_t *in)
{
    int32_t sum = 0, stride = averaged[2].stride;
    for (int32_t i = 0; i < averaged[0].n; i++, in += averaged[0].stride) {
        const int8_t *row = in;
        for (int32_t j = 0; j < averaged[1].n; j++, row += averaged[1].stride) {
            const int8_t *value = row;
            for (int32_t k = averaged[2].n; k; k--, value += stride)
                sum += *value;
        }
    }
    return sum;
}

void dtmm_mean_s8_rv32(const struct dtmm_mean *p, const void *input, void *output)
{
    const struct dtmm_rv32_mean mean = dtmm_rv32_mean(p);
    const struct dtmm_rv32_dimension *kept = mean.kept;
    const int32_t offset = p->count * p->input_zero_point;
    int8_t *out = output;
    for (int32_t i = 0; i < kept[0].n; i++)
        for (int32_t j = 0; j < kept[1].n; j++)
            for (int32_t k = 0; k < kept[2].n; k++) {
                int32_t at = i * kept[0].stride + j * kept[1].stride + k * kept[2].stride;
                int32_t sum = sum_averaged(mean.averaged, (const int8_t *)input + at) - offset;
                *out++ = dtmm_rv32_finish(sum, p->multiplier, p->shift, p->output_zero_point,
                                          INT8_MIN, INT8_MAX);
            }
}
