/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

void dtmm_copy_s8_c(const struct dtmm_copy *p, const void *input, void *output)
{
    const int8_t *in = input;
    int8_t *out = output;
    for (int32_t row = 0; row < p->rows; row++) {
        memcpy(out, in, (size_t)p->row_bytes);
        in += p->input_stride;
        out += p->output_stride;
    }
}
