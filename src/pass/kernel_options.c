/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/kernel_options.h"

#include <assert.h>
#include <string.h>

#include "pass/fwcs_list.h"
#include "pass/kernel_rules.h"
#include "target/cost.h"

/* ---- of one call ---- */

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

int kernel_has_in_place_form(const struct packed_call *call)
{
    return in_place_form(call) != call->kernel;
}

int kernel_reads_list(enum kernel kernel)
{
    return kernel_facts(kernel)->reference == KERNEL_conv_2d_fwcs_list_s8_c;
}

static size_t mask_bytes(const struct packed_call *call)
{
    int32_t i = 0;
    while (strcmp(call->arrays[i].field, "mask") != 0) {
        i++;
        assert(i < call->n_arrays);
    }
    return call->arrays[i].n;
}

static void add_option(const struct option_request *request, const struct packed_call *call,
                       enum kernel kernel, struct kernel_options *options)
{
    int is_reference = kernel_facts(kernel)->reference == kernel;
    union kernel_parameters parameters = call->parameters;
    struct kernel_option option = {.kernel = kernel, .instructions = -1};
    if (kernel_reads_list(kernel)) {
        parameters.conv_2d = options->listed;
        option.more_index_bytes = (int64_t)options->list_bytes - (int64_t)mask_bytes(call);
    }
    if (!kernel_accepts(kernel, &parameters))
        return;
    option.scratch_bytes = kernel_scratch_bytes(kernel, &parameters);
    if (!is_reference && option.scratch_bytes > request->scratch_limit)
        return;
    if (request->core != NULL)
        option.instructions = cost_instructions(request->core, kernel, &parameters);
    assert(options->n < MAX_OPTIONS);
    options->list[options->n++] = option;
}

struct kernel_options kernel_options_find(const struct packed_call *call,
                                          const struct option_request *request, struct arena *arena)
{
    struct kernel_options options = {0};
    enum kernel reference = request->in_place ? in_place_form(call) : call->kernel;
    if (reference == KERNEL_conv_2d_fwcs_s8_c)
        options.list_bytes = fwcs_list_make(&call->parameters.conv_2d, arena, &options.listed);
    for (int i = 0; i < N_KERNELS && request->core != NULL; i++) {
        const struct kernel_facts *facts = kernel_facts((enum kernel)i);
        int is_form = facts->reference == reference ||
                      (options.list_bytes != 0 && kernel_reads_list((enum kernel)i));
        if (is_form && (enum kernel)i != reference && strcmp(facts->isa, request->core->isa) == 0)
            add_option(request, call, (enum kernel)i, &options);
    }
    add_option(request, call, reference, &options);
    return options;
}

/* ---- of all calls ---- */

struct selection {
    const struct kernel_options *const *options; /* by call */
    int32_t n_calls;
    const size_t *code_bytes; /* by kernel */
    uint8_t banned[N_KERNELS];
};

/* The best option that is not banned; null when all are. */
static const struct kernel_option *best_option(const struct selection *selection, int32_t call)
{
    const struct kernel_options *options = selection->options[call];
    const struct kernel_option *best = NULL;
    for (int i = 0; i < options->n; i++) {
        const struct kernel_option *option = &options->list[i];
        if (selection->banned[option->kernel])
            continue;
        if (best == NULL || (option->instructions >= 0 && best->instructions >= 0 &&
                             option->instructions < best->instructions))
            best = option;
    }
    return best;
}

/* The fewest predicted instructions of a call, whatever is banned. */
static double fewest_instructions(const struct kernel_options *options)
{
    double fewest = options->list[0].instructions;
    for (int i = 1; i < options->n; i++)
        if (options->list[i].instructions < fewest)
            fewest = options->list[i].instructions;
    return fewest;
}

/* Instructions of all calls and bytes of the kernels they take, with what these need besides in the
 * index, when each takes its best; negative instructions when something is unknown, or a call has
 * no kernel left or one too slow. Marks the kernels that are used. */
static double sum_up(const struct selection *selection, int64_t *bytes, uint8_t *used)
{
    double sum = 0;
    *bytes = 0;
    memset(used, 0, N_KERNELS);
    for (int32_t c = 0; c < selection->n_calls; c++) {
        const struct kernel_option *best = best_option(selection, c);
        if (best == NULL || best->instructions < 0 ||
            best->instructions > MOST_TIMES_SLOWER * fewest_instructions(selection->options[c]))
            return -1;
        sum += best->instructions;
        *bytes += best->more_index_bytes;
        if (!used[best->kernel])
            *bytes += (int64_t)selection->code_bytes[best->kernel];
        used[best->kernel] = 1;
    }
    return sum;
}

/* Bans the kernel whose ban gains most; 0 when none gains anything. A gain is bytes of flash less
 * what the additional instructions are worth; to ban a kernel that no call takes gains nothing. */
static int ban_one(struct selection *selection)
{
    uint8_t used[N_KERNELS], ignored[N_KERNELS];
    int64_t bytes, fewer_bytes;
    double sum = sum_up(selection, &bytes, used), most = 0;
    int best = -1;
    for (int i = 0; i < N_KERNELS && sum > 0; i++) {
        if (!used[i])
            continue;
        selection->banned[i] = 1;
        double without = sum_up(selection, &fewer_bytes, ignored);
        selection->banned[i] = 0;
        double gain =
            (double)(bytes - fewer_bytes) - 100.0 * CODE_BYTES_PER_PERCENT * (without - sum) / sum;
        if (without >= 0 && gain > most) {
            most = gain;
            best = i;
        }
    }
    if (best >= 0)
        selection->banned[best] = 1;
    return best >= 0;
}

void kernel_options_select(const struct kernel_options *const *options, int32_t n_calls,
                           const size_t *code_bytes, const struct kernel_option **chosen)
{
    struct selection selection = {options, n_calls, code_bytes, {0}};
    while (code_bytes != NULL && ban_one(&selection))
        continue;
    for (int32_t c = 0; c < n_calls; c++)
        chosen[c] = best_option(&selection, c);
}
