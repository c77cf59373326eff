/* SPDX-License-Identifier: Apache-2.0 */
#include "../scalar/add.h"

void dtmm_sub_s8_armv7m(const struct dtmm_add *p, const void *input_a, const void *input_b,
                        void *output)
{
    dtmm_scalar_add(p, input_a, input_b, output, -1);
}
