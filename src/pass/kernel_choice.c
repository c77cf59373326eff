/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/kernel_choice.h"

#include <assert.h>
#include <string.h>

#include "pass/kernel_rules.h"
#include "target/cost.h"

enum { MAX_OPTIONS = 8 };

/* A kernel that a call may take, in the order of preference where costs are unknown. */
struct option {
    enum kernel kernel;
    double instructions; /* predicted; negative when unknown */
};

struct options {
    int n;
    struct option list[MAX_OPTIONS];
};

struct choice {
    const struct pack_request *request;
    struct packed *packed;
    struct options *options; /* by call */
    uint8_t banned[N_KERNELS];
};

/* The reference kernel that computes the call's layer in place, or else the one it has. */
static enum kernel in_place_form(const struct packed_call *call)
{
    static const enum kernel forms[][2] = {
        {KERNEL_conv_2d_s8_c, KERNEL_pointwise_inplace_s8_c},
        {KERNEL_conv_2d_fwcs_s8_c, KERNEL_pointwise_fwcs_inplace_s8_c},
        {KERNEL_depthwise_conv_2d_s8_c, KERNEL_depthwise_conv_2d_inplace_s8_c}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (call->kernel == forms[i][0] && kernel_accepts(forms[i][1], &call->parameters))
            return forms[i][1];
    return call->kernel;
}

static void add_option(const struct pack_request *request, const struct packed_call *call,
                       enum kernel kernel, struct options *options)
{
    int is_reference = kernel_facts(kernel)->reference == kernel;
    if (!kernel_accepts(kernel, &call->parameters))
        return;
    if (!is_reference && request != NULL && request->scratch_limit != NULL &&
        kernel_scratch_bytes(kernel, &call->parameters) > request->scratch_limit[call->node])
        return;
    double cost = -1;
    if (request != NULL)
        cost = cost_instructions(request->core, kernel, &call->parameters);
    assert(options->n < MAX_OPTIONS);
    options->list[options->n++] = (struct option){kernel, cost};
}

/* The core's own kernels first, the reference last. */
static void find_options(const struct pack_request *request, const struct packed_call *call,
                         struct options *options)
{
    int in_place = request != NULL && request->in_place != NULL && request->in_place[call->node];
    enum kernel reference = in_place ? in_place_form(call) : call->kernel;
    for (int i = 0; i < N_KERNELS && request != NULL; i++) {
        const struct kernel_facts *facts = kernel_facts((enum kernel)i);
        if (facts->reference == reference && (enum kernel)i != reference &&
            strcmp(facts->isa, request->core->isa) == 0)
            add_option(request, call, (enum kernel)i, options);
    }
    add_option(request, call, reference, options);
}

/* The best option that is not banned; null when all are. */
static const struct option *best_option(const struct choice *choice, int32_t call)
{
    const struct options *options = &choice->options[call];
    const struct option *best = NULL;
    for (int i = 0; i < options->n; i++) {
        const struct option *option = &options->list[i];
        if (choice->banned[option->kernel])
            continue;
        if (best == NULL || (option->instructions >= 0 && best->instructions >= 0 &&
                             option->instructions < best->instructions))
            best = option;
    }
    return best;
}

static void take_best(struct choice *choice)
{
    for (int32_t c = 0; c < choice->packed->n_calls; c++) {
        struct packed_call *call = &choice->packed->calls[c];
        const struct option *best = best_option(choice, c);
        call->kernel = best->kernel;
        call->instructions = best->instructions;
        call->scratch_bytes = kernel_scratch_bytes(call->kernel, &call->parameters);
    }
}

/* ---- doing without ---- */

/* The fewest predicted instructions of a call, whatever is banned. */
static double fewest_instructions(const struct choice *choice, int32_t call)
{
    const struct options *options = &choice->options[call];
    double fewest = options->list[0].instructions;
    for (int i = 1; i < options->n; i++)
        if (options->list[i].instructions < fewest)
            fewest = options->list[i].instructions;
    return fewest;
}

/* Instructions of all calls and bytes of the kernels they take, when each takes its best; negative
 * instructions when something is unknown, or a call has no kernel left or one too slow. */
static double sum_up(const struct choice *choice, size_t *code_bytes)
{
    uint8_t used[N_KERNELS] = {0};
    double sum = 0;
    *code_bytes = 0;
    for (int32_t c = 0; c < choice->packed->n_calls; c++) {
        const struct option *best = best_option(choice, c);
        if (best == NULL || best->instructions < 0 ||
            best->instructions > MOST_TIMES_SLOWER * fewest_instructions(choice, c))
            return -1;
        sum += best->instructions;
        if (!used[best->kernel])
            *code_bytes += cost_code_bytes(choice->request->core, best->kernel);
        used[best->kernel] = 1;
    }
    return sum;
}

/* Bans the kernel whose ban gains most; 0 when none gains anything. A gain is bytes of code less
 * what the additional instructions are worth. */
static int ban_one(struct choice *choice)
{
    size_t code_bytes, fewer_bytes;
    double sum = sum_up(choice, &code_bytes), most = 0;
    int best = -1;
    for (int i = 0; i < N_KERNELS && sum > 0; i++) {
        if (choice->banned[i])
            continue;
        choice->banned[i] = 1;
        double without = sum_up(choice, &fewer_bytes);
        choice->banned[i] = 0;
        double gain = (double)code_bytes - (double)fewer_bytes -
                      100.0 * CODE_BYTES_PER_PERCENT * (without - sum) / sum;
        if (without >= 0 && gain > most) {
            most = gain;
            best = i;
        }
    }
    if (best >= 0)
        choice->banned[best] = 1;
    return best >= 0;
}

void kernels_choose(const struct pack_request *request, struct packed *packed)
{
    struct arena scratch = {0};
    struct choice choice = {.request = request, .packed = packed};
    choice.options = ARENA_ARRAY(&scratch, (size_t)packed->n_calls + 1, struct options);
    for (int32_t c = 0; c < packed->n_calls; c++)
        find_options(request, &packed->calls[c], &choice.options[c]);
    while (request != NULL && ban_one(&choice))
        continue;
    take_best(&choice);
    arena_free(&scratch);
}
