/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/kernel_choice.h"

#include <assert.h>
#include <string.h>

#include "pass/fwcs_list.h"
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
    struct dtmm_conv_2d listed; /* the layer with a list in its mask's place */
    size_t list_bytes;          /* of that list; 0 when there is none */
};

struct choice {
    const struct pack_request *request;
    struct arena *scratch;
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

static int reads_list(enum kernel kernel)
{
    return kernel_facts(kernel)->reference == KERNEL_conv_2d_fwcs_list_s8_c;
}

static void add_option(const struct pack_request *request, const struct packed_call *call,
                       enum kernel kernel, struct options *options)
{
    int is_reference = kernel_facts(kernel)->reference == kernel;
    union kernel_parameters parameters = call->parameters;
    if (reads_list(kernel))
        parameters.conv_2d = options->listed;
    if (!kernel_accepts(kernel, &parameters))
        return;
    if (!is_reference && request != NULL && request->scratch_limit != NULL &&
        kernel_scratch_bytes(kernel, &parameters) > request->scratch_limit[call->node])
        return;
    double cost = -1;
    if (request != NULL)
        cost = cost_instructions(request->core, kernel, &parameters);
    assert(options->n < MAX_OPTIONS);
    options->list[options->n++] = (struct option){kernel, cost};
}

/* The core's own kernels first, the reference last. */
static void find_options(struct choice *choice, const struct packed_call *call,
                         struct options *options)
{
    const struct pack_request *request = choice->request;
    int in_place = request != NULL && request->in_place != NULL && request->in_place[call->node];
    enum kernel reference = in_place ? in_place_form(call) : call->kernel;
    if (reference == KERNEL_conv_2d_fwcs_s8_c)
        options->list_bytes =
            fwcs_list_make(&call->parameters.conv_2d, choice->scratch, &options->listed);
    for (int i = 0; i < N_KERNELS && request != NULL; i++) {
        const struct kernel_facts *facts = kernel_facts((enum kernel)i);
        int is_form = facts->reference == reference ||
                      (options->list_bytes != 0 && reads_list((enum kernel)i));
        if (is_form && (enum kernel)i != reference && strcmp(facts->isa, request->core->isa) == 0)
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

static struct packed_array *find_mask(struct packed_call *call)
{
    int32_t i = 0;
    while (strcmp(call->arrays[i].field, "mask") != 0) {
        i++;
        assert(i < call->n_arrays);
    }
    return &call->arrays[i];
}

/* Bytes that a call's index takes with this kernel beyond those of its mask; negative when fewer.
 */
static int64_t more_index_bytes(const struct choice *choice, int32_t call, enum kernel kernel)
{
    if (!reads_list(kernel))
        return 0;
    return (int64_t)choice->options[call].list_bytes -
           (int64_t)find_mask(&choice->packed->calls[call])->n;
}

static void take_list(struct choice *choice, struct arena *arena, int32_t c)
{
    const struct options *options = &choice->options[c];
    struct packed_call *call = &choice->packed->calls[c];
    struct packed_array *mask = find_mask(call);
    call->parameters.conv_2d = options->listed;
    call->parameters.conv_2d.mask = mask->data =
        arena_copy(arena, options->listed.mask, options->list_bytes);
    choice->packed->nodes[call->node].index_bytes += options->list_bytes - mask->n;
    mask->n = options->list_bytes;
}

static void take_best(struct choice *choice, struct arena *arena)
{
    for (int32_t c = 0; c < choice->packed->n_calls; c++) {
        struct packed_call *call = &choice->packed->calls[c];
        const struct option *best = best_option(choice, c);
        if (reads_list(best->kernel))
            take_list(choice, arena, c);
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

/* Instructions of all calls and bytes of the kernels they take, with what these need besides in the
 * index, when each takes its best; negative instructions when something is unknown, or a call has
 * no kernel left or one too slow. */
static double sum_up(const struct choice *choice, int64_t *bytes)
{
    uint8_t used[N_KERNELS] = {0};
    double sum = 0;
    *bytes = 0;
    for (int32_t c = 0; c < choice->packed->n_calls; c++) {
        const struct option *best = best_option(choice, c);
        if (best == NULL || best->instructions < 0 ||
            best->instructions > MOST_TIMES_SLOWER * fewest_instructions(choice, c))
            return -1;
        sum += best->instructions;
        *bytes += more_index_bytes(choice, c, best->kernel);
        if (!used[best->kernel])
            *bytes += (int64_t)cost_code_bytes(choice->request->core, best->kernel);
        used[best->kernel] = 1;
    }
    return sum;
}

/* Bans the kernel whose ban gains most; 0 when none gains anything. A gain is bytes of flash less
 * what the additional instructions are worth. */
static int ban_one(struct choice *choice)
{
    int64_t bytes, fewer_bytes;
    double sum = sum_up(choice, &bytes), most = 0;
    int best = -1;
    for (int i = 0; i < N_KERNELS && sum > 0; i++) {
        if (choice->banned[i])
            continue;
        choice->banned[i] = 1;
        double without = sum_up(choice, &fewer_bytes);
        choice->banned[i] = 0;
        double gain =
            (double)(bytes - fewer_bytes) - 100.0 * CODE_BYTES_PER_PERCENT * (without - sum) / sum;
        if (without >= 0 && gain > most) {
            most = gain;
            best = i;
        }
    }
    if (best >= 0)
        choice->banned[best] = 1;
    return best >= 0;
}

void kernels_choose(const struct pack_request *request, struct arena *arena, struct packed *packed)
{
    struct arena scratch = {0};
    struct choice choice = {.request = request, .scratch = &scratch, .packed = packed};
    choice.options = ARENA_ARRAY(&scratch, (size_t)packed->n_calls + 1, struct options);
    for (int32_t c = 0; c < packed->n_calls; c++)
        find_options(&choice, &packed->calls[c], &choice.options[c]);
    while (request != NULL && ban_one(&choice))
        continue;
    take_best(&choice, arena);
    arena_free(&scratch);
}
