/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "bytes.h"

void dtmm_copy_s8_mve(const struct dtmm_copy *p, const void *input, void *output)
{
    const int8_t *in = input;
    int8_t *out = output;
    for (int32_t row = 0; row < p->rows; row++) {
        dtmm_mve_copy(out, in, p->row_bytes);
        in += p->input_stride;
        out += p->output_stride;
    }
}
