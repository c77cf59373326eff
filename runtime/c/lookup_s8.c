/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"

void dtmm_lookup_s8_c(const struct dtmm_lookup *p, const void *input, void *output)
{
    const int8_t *in = input;
    int8_t *out = output;
    for (int32_t i = 0; i < p->n; i++)
        out[i] = p->table[in[i] + 128];
}
