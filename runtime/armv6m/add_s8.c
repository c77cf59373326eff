/* SPDX-License-Identifier: Apache-2.0 */
#include "add.h"

void dtmm_add_s8_armv6m(const struct dtmm_add *p, const void *input_a, const void *input_b,
                        void *output)
{
    dtmm_armv6m_add(p, input_a, input_b, output, 1);
}
