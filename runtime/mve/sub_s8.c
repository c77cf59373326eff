/* SPDX-License-Identifier: Apache-2.0 */
#include "elementwise.h"

void dtmm_sub_s8_mve(const struct dtmm_add *p, const void *input_a, const void *input_b,
                     void *output)
{
    dtmm_mve_add_rows(p, input_a, input_b, output, -1);
}
