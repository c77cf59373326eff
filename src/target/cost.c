/* SPDX-License-Identifier: Apache-2.0 */
#include "target/cost.h"

#include <assert.h>
#include <string.h>

/* One function of the same type for each kernel. */
#define KERNEL(name, isa, type, form, reference)                                                   \
    static void count_##name##_##isa(const union kernel_parameters *p, double counts[MAX_WORK])    \
    {                                                                                              \
        work_##name##_##isa(&p->type, counts);                                                     \
    }
#include "../../runtime/kernels.inc"
#undef KERNEL

void cost_work(enum kernel kernel, const union kernel_parameters *parameters,
               double counts[MAX_WORK])
{
    static void (*const count[N_KERNELS])(const union kernel_parameters *, double[MAX_WORK]) = {
#define KERNEL(name, isa, type, form, reference) count_##name##_##isa,
#include "../../runtime/kernels.inc"
#undef KERNEL
    };
    assert((unsigned)kernel < N_KERNELS);
    for (int i = 0; i < MAX_WORK; i++)
        counts[i] = 0;
    count[kernel](parameters, counts);
    counts[0] = 1;
}

struct cost {
    const char *core;
    enum kernel kernel;
    double instructions[MAX_WORK]; /* of one unit of each count */
};

/* The core whose measurements hold for this one: a Cortex-M0 executes what a Cortex-M0+ does, and
 * its emulated machine is too small to measure on. */
static const char *measured_core(const struct core *core)
{
    return strcmp(core->name, "cortex-m0") == 0 ? "cortex-m0plus" : core->name;
}

static const struct cost *cost_find(const char *core, enum kernel kernel)
{
    static const struct cost costs[] = {
#define COST(core, name, isa, ...) {core, KERNEL_##name##_##isa, {__VA_ARGS__}},
#include "target/costs.inc"
#undef COST
        {NULL, N_KERNELS, {0}}};
    for (const struct cost *cost = costs; cost->core != NULL; cost++)
        if (cost->kernel == kernel && strcmp(cost->core, core) == 0)
            return cost;
    return NULL;
}

double cost_instructions(const struct core *core, enum kernel kernel,
                         const union kernel_parameters *parameters)
{
    const struct cost *cost = cost_find(measured_core(core), kernel);
    if (cost == NULL)
        return -1;
    double counts[MAX_WORK], sum = 0;
    cost_work(kernel, parameters, counts);
    for (int i = 0; i < MAX_WORK; i++)
        sum += counts[i] * cost->instructions[i];
    return sum;
}

size_t cost_code_bytes(const struct core *core, enum kernel kernel)
{
    static const struct {
        const char *core;
        enum kernel kernel;
        size_t bytes;
    } sizes[] = {
#define CODE(core, name, isa, bytes) {core, KERNEL_##name##_##isa, bytes},
#include "target/code_bytes.inc"
#undef CODE
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (sizes[i].kernel == kernel && strcmp(sizes[i].core, core->name) == 0)
            return sizes[i].bytes;
    return 0;
}
