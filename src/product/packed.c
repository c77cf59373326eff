/* SPDX-License-Identifier: Apache-2.0 */
#include "product/packed.h"

#include <assert.h>

const struct kernel_facts *kernel_facts(enum kernel kernel)
{
    static const struct kernel_facts facts[N_KERNELS] = {
#define KERNEL(name, isa, parameters, form, reference)                                             \
    {#name, #isa, #parameters, FORM_##form, KERNEL_##reference##_c},
#include "../../runtime/kernels.inc"
#undef KERNEL
    };
    assert((unsigned)kernel < N_KERNELS);
    return &facts[kernel];
}
