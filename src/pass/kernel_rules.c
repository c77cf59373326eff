/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/kernel_rules.h"

#include <assert.h>

#include "../../runtime/armv6m/rules.h"
#include "../../runtime/armv7em/rules.h"
#include "../../runtime/armv7m/rules.h"
#include "../../runtime/c/rules.h"
#include "../../runtime/mve/rules.h"
#include "../../runtime/rv32/rules.h"

/* Functions of one type over each kernel's own. Forms without scratch memory have no rule for it.
 */
#define SCRATCH_unary(function, p) 0
#define SCRATCH_binary(function, p) 0
#define SCRATCH_scratch(function, p) function(p)
#define KERNEL(name, isa, type, form, reference)                                                   \
    static int accepts_##name##_##isa(const union kernel_parameters *p)                            \
    {                                                                                              \
        return dtmm_##name##_##isa##_accepts(&p->type);                                            \
    }                                                                                              \
    static int32_t scratch_##name##_##isa(const union kernel_parameters *p)                        \
    {                                                                                              \
        (void)p;                                                                                   \
        return SCRATCH_##form(dtmm_##name##_##isa##_scratch_bytes, &p->type);                      \
    }
#include "../../runtime/kernels.inc"
#undef KERNEL

static const struct {
    int (*accepts)(const union kernel_parameters *);
    int32_t (*scratch_bytes)(const union kernel_parameters *);
} rules[N_KERNELS] = {
#define KERNEL(name, isa, type, form, reference) {accepts_##name##_##isa, scratch_##name##_##isa},
#include "../../runtime/kernels.inc"
#undef KERNEL
};

int kernel_accepts(enum kernel kernel, const union kernel_parameters *parameters)
{
    assert((unsigned)kernel < N_KERNELS);
    return rules[kernel].accepts(parameters);
}

size_t kernel_scratch_bytes(enum kernel kernel, const union kernel_parameters *parameters)
{
    assert((unsigned)kernel < N_KERNELS && rules[kernel].accepts(parameters));
    int32_t bytes = rules[kernel].scratch_bytes(parameters);
    assert(bytes >= 0);
    return (size_t)bytes;
}
