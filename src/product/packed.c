/* SPDX-License-Identifier: Apache-2.0 */
#include "product/packed.h"

#include <assert.h>
#include <string.h>

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

const char *kernel_function(enum kernel kernel, struct arena *arena)
{
    const struct kernel_facts *facts = kernel_facts(kernel);
    return arena_printf(arena, "dtmm_%s_%s", facts->name, facts->isa);
}

int kernel_named(const char *function)
{
    struct arena scratch = {0};
    int found = -1;
    for (int i = 0; i < N_KERNELS && found < 0; i++)
        if (strcmp(kernel_function((enum kernel)i, &scratch), function) == 0)
            found = i;
    arena_free(&scratch);
    return found;
}
