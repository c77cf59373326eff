/* SPDX-License-Identifier: Apache-2.0 */
/* The pass `plan`: sharing, lifetimes, in place, and how little memory it finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "pass/pass.h"
#include "pass/plan_place.h"
#include "report/report.h"

/* Last: it defines `fail`. */
#include <cmocka.h>

enum { MAX_TENSORS = 400 };

/* ---- nets made of calls alone: sizes, lifetimes and kernels are all that plan looks at ---- */

struct net {
    struct arena arena;
    struct graph graph;
    struct packed packed;
    int32_t inputs[4], outputs[4];
    struct layout *layout;
    struct diag diag;
};

static void net_start(struct net *net)
{
    *net = (struct net){{NULL}, {0}, {0}, {0}, {0}, NULL, {""}};
    net->graph.name = "net";
    net->graph.tensors = ARENA_ARRAY(&net->arena, MAX_TENSORS, struct tensor);
    net->graph.nodes = ARENA_ARRAY(&net->arena, MAX_TENSORS, struct node);
    net->graph.inputs = net->inputs;
    net->graph.outputs = net->outputs;
    net->packed.nodes = ARENA_ARRAY(&net->arena, MAX_TENSORS, struct packed_node);
    net->packed.calls = ARENA_ARRAY(&net->arena, 2 * MAX_TENSORS, struct packed_call);
}

static int32_t net_tensor(struct net *net, int32_t bytes)
{
    int32_t id = net->graph.n_tensors++;
    assert_true(id < MAX_TENSORS);
    net->graph.tensors[id] = (struct tensor){.name = arena_printf(&net->arena, "t%d", (int)id),
                                             .dtype = DTYPE_S8,
                                             .shape = {.rank = 1, .dims = {bytes}}};
    return id;
}

static int32_t net_input(struct net *net, int32_t bytes)
{
    int32_t id = net_tensor(net, bytes);
    net->inputs[net->graph.n_inputs++] = id;
    return id;
}

static void net_output(struct net *net, int32_t tensor)
{
    net->outputs[net->graph.n_outputs++] = tensor;
}

/* A node of `n` inputs and an output of `bytes` bytes, without a call. */
static int32_t net_node(struct net *net, const int32_t *inputs, int32_t n, int32_t bytes)
{
    int32_t id = net->graph.n_nodes++;
    struct node *node = &net->graph.nodes[id];
    *node = (struct node){.name = arena_printf(&net->arena, "node_%d", (int)id),
                          .op = OP_reshape,
                          .n_inputs = n,
                          .output = net_tensor(net, bytes)};
    memcpy(node->inputs, inputs, (size_t)n * sizeof *inputs);
    net->packed.n_nodes = net->graph.n_nodes;
    net->packed.nodes[id].first_call = net->packed.n_calls;
    return node->output;
}

static struct packed_call *net_call(struct net *net, enum kernel kernel, int32_t a, int32_t b)
{
    struct packed_call *call = &net->packed.calls[net->packed.n_calls++];
    int32_t node = net->graph.n_nodes - 1;
    *call = (struct packed_call){.node = node,
                                 .kernel = kernel,
                                 .n_inputs = b < 0 ? 1 : 2,
                                 .inputs = {a, b},
                                 .output = net->graph.nodes[node].output};
    net->packed.nodes[node].n_calls++;
    return call;
}

static int32_t net_unary(struct net *net, enum kernel kernel, int32_t input, int32_t bytes,
                         size_t scratch)
{
    int32_t output = net_node(net, &input, 1, bytes);
    net_call(net, kernel, input, -1)->scratch_bytes = scratch;
    return output;
}

static int32_t net_conv(struct net *net, int32_t input, int32_t bytes, size_t scratch)
{
    return net_unary(net, KERNEL_conv_2d_s8_c, input, bytes, scratch);
}

static int32_t net_binary(struct net *net, enum kernel kernel, int32_t a, int32_t b, int32_t bytes)
{
    int32_t inputs[2] = {a, b};
    int32_t output = net_node(net, inputs, 2, bytes);
    net_call(net, kernel, a, b);
    return output;
}

static int32_t net_reshape(struct net *net, int32_t input)
{
    return net_node(net, &input, 1, net->graph.tensors[input].shape.dims[0]);
}

static int32_t net_concatenation(struct net *net, const int32_t *parts, int32_t n)
{
    int32_t bytes = 0;
    for (int32_t i = 0; i < n; i++)
        bytes += net->graph.tensors[parts[i]].shape.dims[0];
    int32_t output = net_node(net, parts, n, bytes);
    size_t offset = 0;
    for (int32_t i = 0; i < n; i++) {
        net_call(net, KERNEL_copy_s8_c, parts[i], -1)->output_offset = offset;
        offset += (size_t)net->graph.tensors[parts[i]].shape.dims[0];
    }
    return output;
}

/* ---- an independent check: run the calls on bytes that remember whose they are ---- */

static int works_in_place(enum kernel kernel)
{
    return kernel == KERNEL_add_s8_c || kernel == KERNEL_sub_s8_c || kernel == KERNEL_mul_s8_c ||
           kernel == KERNEL_lookup_s8_c || kernel == KERNEL_pointwise_inplace_s8_c;
}

/* What a reshape is made of holds the value. */
static int32_t value_of(const struct net *net, int32_t tensor)
{
    for (int32_t i = net->graph.n_nodes - 1; i >= 0; i--)
        if (net->graph.nodes[i].output == tensor && net->packed.nodes[i].n_calls == 0)
            tensor = net->graph.nodes[i].inputs[0];
    return tensor;
}

static void check_input(const struct net *net, const int32_t *owner, int32_t tensor)
{
    const struct tensor_place *place = &net->layout->tensors[tensor];
    if (place->place != PLACE_ARENA)
        return;
    for (size_t i = 0; i < tensor_bytes(&net->graph.tensors[tensor]); i++)
        assert_int_equal(owner[place->offset + i], value_of(net, tensor));
}

static int ranges_meet(size_t a, size_t a_bytes, size_t b, size_t b_bytes)
{
    return a < b + b_bytes && b < a + a_bytes;
}

/* A kernel that does not work in place must not see its output or scratch in its inputs. */
static void check_apart(const struct net *net, int32_t c)
{
    const struct packed_call *call = &net->packed.calls[c];
    const struct tensor_place *places = net->layout->tensors;
    const struct tensor_place *output = &places[call->output];
    size_t output_bytes = tensor_bytes(&net->graph.tensors[call->output]);
    size_t scratch = net->layout->scratch_offset[c];
    if (output->place == PLACE_ARENA)
        assert_false(ranges_meet(output->offset, output_bytes, scratch, call->scratch_bytes));
    for (int32_t k = 0; k < call->n_inputs; k++) {
        const struct tensor_place *input = &places[call->inputs[k]];
        size_t input_bytes = tensor_bytes(&net->graph.tensors[call->inputs[k]]);
        if (input->place != PLACE_ARENA)
            continue;
        assert_false(ranges_meet(input->offset, input_bytes, scratch, call->scratch_bytes));
        if (output->place != PLACE_ARENA)
            continue;
        if (works_in_place(call->kernel) && input->offset == output->offset)
            assert_true(input_bytes == output_bytes ||
                        call->kernel == KERNEL_pointwise_inplace_s8_c);
        else
            assert_false(ranges_meet(input->offset, input_bytes, output->offset, output_bytes));
    }
}

static void check_bounds(const struct net *net)
{
    const struct layout *layout = net->layout;
    for (int32_t i = 0; i < layout->n_tensors; i++) {
        if (layout->tensors[i].place != PLACE_ARENA)
            continue;
        assert_int_equal(layout->tensors[i].offset % 4, 0);
        assert_true(layout->tensors[i].offset + tensor_bytes(&net->graph.tensors[i]) <=
                    layout->arena_bytes);
    }
    for (int32_t c = 0; c < layout->n_calls; c++) {
        assert_int_equal(layout->scratch_offset[c] % 8, 0);
        assert_true(net->packed.calls[c].scratch_bytes == 0 ||
                    layout->scratch_offset[c] + net->packed.calls[c].scratch_bytes <=
                        layout->arena_bytes);
    }
    assert_true(layout->arena_bytes >= layout->lower_bound_bytes);
}

static void check_layout(const struct net *net)
{
    const struct layout *layout = net->layout;
    check_bounds(net);
    int32_t *owner = calloc(layout->arena_bytes + 1, sizeof *owner);
    assert_non_null(owner);
    for (int32_t c = 0; c < layout->n_calls; c++) {
        const struct packed_call *call = &net->packed.calls[c];
        for (int32_t k = 0; k < call->n_inputs; k++)
            check_input(net, owner, call->inputs[k]);
        check_apart(net, c);
        for (size_t i = 0; i < call->scratch_bytes; i++)
            owner[layout->scratch_offset[c] + i] = -1;
        const struct tensor_place *output = &layout->tensors[call->output];
        size_t bytes = call->kernel == KERNEL_copy_s8_c
                           ? tensor_bytes(&net->graph.tensors[call->inputs[0]])
                           : tensor_bytes(&net->graph.tensors[call->output]);
        for (size_t i = 0; output->place == PLACE_ARENA && i < bytes; i++)
            owner[output->offset + call->output_offset + i] = value_of(net, call->output);
    }
    free(owner);
}

static const struct layout *net_plan(struct net *net)
{
    enum status status = plan(&net->graph, &net->packed, &net->arena, &net->layout, &net->diag);
    assert_string_equal(net->diag.message, "");
    assert_int_equal(status, OK);
    check_layout(net);
    return net->layout;
}

/* ---- nets with a known optimum ---- */

static void chain_needs_two_neighbors(void **state)
{
    (void)state;
    struct net net;
    net_start(&net);
    int32_t t = net_input(&net, 100);
    t = net_conv(&net, t, 400, 0);
    t = net_conv(&net, t, 200, 0);
    t = net_conv(&net, t, 300, 0);
    t = net_conv(&net, t, 40, 0);
    net_output(&net, net_conv(&net, t, 10, 0));
    const struct layout *layout = net_plan(&net);
    assert_int_equal(layout->arena_bytes, 600);
    assert_int_equal(layout->lower_bound_bytes, 600);
    assert_int_equal(layout->peak_call, 1);
    assert_int_equal(layout->tensors[net.inputs[0]].place, PLACE_INPUT);
    assert_int_equal(layout->tensors[net.outputs[0]].place, PLACE_OUTPUT);
    arena_free(&net.arena);
}

static void scratch_lives_during_its_call(void **state)
{
    (void)state;
    struct net net;
    net_start(&net);
    int32_t t = net_conv(&net, net_input(&net, 8), 400, 800);
    t = net_conv(&net, t, 200, 100);
    net_output(&net, net_conv(&net, t, 10, 64));
    const struct layout *layout = net_plan(&net);
    assert_int_equal(layout->lower_bound_bytes, 600);
    assert_int_equal(layout->arena_bytes, 1200);
    assert_int_equal(layout->peak_call, 0);
    arena_free(&net.arena);
}

/* x -> a -> add(a, b) with b = conv(a): the sum takes b's memory, or a's. */
static void residual_add_works_in_place(void **state)
{
    (void)state;
    struct net net;
    net_start(&net);
    int32_t a = net_conv(&net, net_input(&net, 8), 400, 0);
    int32_t b = net_conv(&net, a, 400, 0);
    int32_t sum = net_binary(&net, KERNEL_add_s8_c, a, b, 400);
    int32_t relu = net_unary(&net, KERNEL_lookup_s8_c, sum, 400, 0);
    net_output(&net, net_conv(&net, relu, 8, 0));
    const struct layout *layout = net_plan(&net);
    assert_int_equal(layout->arena_bytes, 800);
    assert_true(layout->tensors[sum].offset == layout->tensors[a].offset ||
                layout->tensors[sum].offset == layout->tensors[b].offset);
    assert_int_equal(layout->tensors[relu].offset, layout->tensors[sum].offset);
    arena_free(&net.arena);
}

/* 200 -> 400 -> 100, each in the place of the one before it; what lives beside the small ends may
 * use the rest. */
static void in_place_changes_size(void **state)
{
    (void)state;
    struct net net;
    net_start(&net);
    int32_t input = net_input(&net, 8);
    int32_t a = net_conv(&net, input, 200, 0);
    int32_t b = net_unary(&net, KERNEL_pointwise_inplace_s8_c, a, 400, 8);
    int32_t c = net_unary(&net, KERNEL_pointwise_inplace_s8_c, b, 100, 8);
    int32_t d = net_conv(&net, c, 300, 0);
    net_output(&net, net_conv(&net, d, 8, 0));
    const struct layout *layout = net_plan(&net);
    assert_int_equal(layout->tensors[a].offset, layout->tensors[b].offset);
    assert_int_equal(layout->tensors[b].offset, layout->tensors[c].offset);
    assert_int_equal(layout->lower_bound_bytes, 400);
    assert_int_equal(layout->arena_bytes, 408);
    assert_int_equal(layout->peak_call, 1);
    struct text text = text_start(&net.arena);
    layout_chart(&net.graph, &net.packed, layout, &text);
    assert_non_null(strstr(text.data, "       408  <- peak\n"));
    arena_free(&net.arena);
}

/* `b` is larger than `a`, which is needed later: it cannot take its place. */
static void in_place_spares_what_is_needed_later(void **state)
{
    (void)state;
    struct net net;
    net_start(&net);
    int32_t a = net_conv(&net, net_input(&net, 8), 200, 0);
    int32_t b = net_unary(&net, KERNEL_pointwise_inplace_s8_c, a, 400, 0);
    int32_t c = net_conv(&net, b, 200, 0);
    net_output(&net, net_binary(&net, KERNEL_add_s8_c, a, c, 200));
    assert_int_equal(net_plan(&net)->arena_bytes, 800);
    arena_free(&net.arena);
}

/* `a` is read again after the addition, and `small` is repeated over the output's shape. */
static void add_spares_what_is_needed_later(void **state)
{
    (void)state;
    struct net net;
    net_start(&net);
    int32_t input = net_input(&net, 8);
    int32_t a = net_conv(&net, input, 400, 0);
    int32_t small = net_conv(&net, input, 40, 0);
    int32_t sum = net_binary(&net, KERNEL_add_s8_c, a, small, 400);
    int32_t product = net_binary(&net, KERNEL_mul_s8_c, a, sum, 400);
    net_output(&net, net_conv(&net, product, 8, 0));
    const struct layout *layout = net_plan(&net);
    assert_int_equal(layout->arena_bytes, 840);
    assert_true(layout->tensors[sum].offset != layout->tensors[a].offset);
    arena_free(&net.arena);
}

/* Inputs of the graph belong to the caller: nothing is computed over them. */
static void inputs_are_never_written(void **state)
{
    (void)state;
    struct net net;
    net_start(&net);
    int32_t relu = net_unary(&net, KERNEL_lookup_s8_c, net_input(&net, 64), 64, 0);
    net_output(&net, net_conv(&net, relu, 8, 0));
    const struct layout *layout = net_plan(&net);
    assert_int_equal(layout->tensors[relu].place, PLACE_ARENA);
    assert_int_equal(layout->arena_bytes, 64);
    arena_free(&net.arena);
}

static void reshapes_share_memory(void **state)
{
    (void)state;
    struct net net;
    net_start(&net);
    int32_t input = net_input(&net, 64);
    int32_t flat_input = net_reshape(&net, input);
    int32_t a = net_conv(&net, flat_input, 100, 0);
    int32_t b = net_reshape(&net, net_reshape(&net, a));
    int32_t c = net_conv(&net, b, 60, 0);
    int32_t d = net_reshape(&net, c);
    int32_t e = net_conv(&net, d, 16, 0);
    net_output(&net, net_reshape(&net, e));
    const struct layout *layout = net_plan(&net);
    assert_int_equal(layout->tensors[flat_input].place, PLACE_INPUT);
    assert_int_equal(layout->tensors[e].place, PLACE_OUTPUT);
    assert_int_equal(layout->tensors[a].offset, layout->tensors[b].offset);
    assert_int_equal(layout->tensors[b].last_call, 1);
    assert_int_equal(layout->arena_bytes, 160);
    arena_free(&net.arena);
}

static void constants_stay_in_flash(void **state)
{
    (void)state;
    static const int8_t data[64] = {1};
    struct net net;
    net_start(&net);
    int32_t constant = net_tensor(&net, 64);
    net.graph.tensors[constant].data = data;
    int32_t flat = net_reshape(&net, constant);
    int32_t a = net_conv(&net, net_input(&net, 8), 64, 0);
    net_output(&net, net_binary(&net, KERNEL_add_s8_c, a, flat, 64));
    const struct layout *layout = net_plan(&net);
    assert_int_equal(layout->tensors[flat].place, PLACE_CONSTANT);
    assert_int_equal(layout->tensors[flat].index, constant);
    assert_int_equal(layout->arena_bytes, 64);
    arena_free(&net.arena);
}

static void concatenation_holds_all_parts(void **state)
{
    (void)state;
    struct net net;
    net_start(&net);
    int32_t input = net_input(&net, 8);
    int32_t parts[3] = {net_conv(&net, input, 40, 0), net_conv(&net, input, 60, 0),
                        net_conv(&net, input, 100, 0)};
    int32_t all = net_concatenation(&net, parts, 3);
    net_output(&net, net_conv(&net, all, 8, 0));
    const struct layout *layout = net_plan(&net);
    assert_int_equal(layout->arena_bytes, 400);
    assert_int_equal(layout->tensors[all].first_call, 3);
    assert_int_equal(layout->tensors[all].last_call, 6);
    arena_free(&net.arena);
}

static void no_arena_needed(void **state)
{
    (void)state;
    struct net net;
    net_start(&net);
    net_output(&net, net_conv(&net, net_input(&net, 8), 8, 0));
    assert_int_equal(net_plan(&net)->arena_bytes, 0);
    arena_free(&net.arena);
}

static void output_that_is_an_input_is_refused(void **state)
{
    (void)state;
    struct net net;
    net_start(&net);
    net_output(&net, net_input(&net, 8));
    enum status status = plan(&net.graph, &net.packed, &net.arena, &net.layout, &net.diag);
    assert_int_equal(status, ERR_UNSUPPORTED);
    assert_non_null(strstr(net.diag.message, "'t0'"));
    arena_free(&net.arena);
}

static void too_large_an_arena_is_refused(void **state)
{
    (void)state;
    struct net net;
    net_start(&net);
    int32_t a = net_conv(&net, net_input(&net, 8), INT32_MAX - 8, 0);
    net_output(&net, net_conv(&net, net_conv(&net, a, 1 << 20, 0), 8, 0));
    enum status status = plan(&net.graph, &net.packed, &net.arena, &net.layout, &net.diag);
    assert_int_equal(status, ERR_BUDGET);
    assert_non_null(strstr(net.diag.message, "'node_1'"));
    arena_free(&net.arena);
}

/* ---- random nets ---- */

static void add_random_node(struct net *net, struct random *random, int32_t *recent)
{
    int32_t a = recent[random_range(random, 0, 3)], b = recent[random_range(random, 0, 3)];
    int32_t a_bytes = net->graph.tensors[a].shape.dims[0], output;
    int32_t parts[2] = {a, b};
    switch (random_range(random, 0, 8)) {
    case 0:
        output = net_unary(net, KERNEL_lookup_s8_c, a, a_bytes, 0);
        break;
    case 1:
        output = net_binary(net, KERNEL_add_s8_c, b, a, a_bytes);
        break;
    case 2:
        output = net_reshape(net, a);
        break;
    case 3:
        output = net_concatenation(net, parts, 2);
        break;
    case 4:
    case 5:
        output = net_unary(net, KERNEL_pointwise_inplace_s8_c, a, random_range(random, 1, 300),
                           (size_t)random_range(random, 0, 2) * 8);
        break;
    default:
        output =
            net_conv(net, a, random_range(random, 1, 300), (size_t)random_range(random, 0, 2) * 40);
        break;
    }
    recent[random_range(random, 0, 3)] = output;
}

static void random_net(struct net *net, uint64_t seed, int32_t n_nodes)
{
    struct random random = {seed};
    net_start(net);
    int32_t input = net_input(net, random_range(&random, 1, 200));
    int32_t first = net_conv(net, input, random_range(&random, 1, 200), 0);
    int32_t recent[4] = {first, input, first, input};
    for (int32_t i = 0; i < n_nodes; i++)
        add_random_node(net, &random, recent);
    net_output(net, net_conv(net, recent[0], 8, 0));
}

static void random_nets_never_overlap(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 250; seed++) {
        struct net net, again;
        random_net(&net, seed, 12);
        random_net(&again, seed, 12);
        const struct layout *first = net_plan(&net), *second = net_plan(&again);
        assert_int_equal(first->arena_bytes, second->arena_bytes);
        for (int32_t i = 0; i < first->n_tensors; i++)
            assert_int_equal(first->tensors[i].offset, second->tensors[i].offset);
        arena_free(&net.arena);
        arena_free(&again.arena);
    }
}

static void large_net_is_planned(void **state)
{
    (void)state;
    struct net net;
    random_net(&net, 7, 300);
    net_plan(&net);
    arena_free(&net.arena);
}

/* ---- buffers_place against all orders ---- */

enum { N_SMALL = 6, N_CALLS = 6 };

static size_t rounded_bytes(const struct buffer *b, int32_t call)
{
    size_t bytes = b->steps == NULL ? b->bytes : b->steps[call - b->first];
    return (bytes + b->alignment - 1) / b->alignment * b->alignment;
}

static size_t peak_of_order(struct buffer *buffers, const int *order)
{
    size_t top[N_CALLS] = {0}, peak = 0;
    for (int i = 0; i < N_SMALL; i++) {
        const struct buffer *b = &buffers[order[i]];
        size_t offset = 0;
        for (int32_t c = b->first; c <= b->last; c++)
            offset = top[c] > offset ? top[c] : offset;
        offset = (offset + b->alignment - 1) / b->alignment * b->alignment;
        for (int32_t c = b->first; c <= b->last; c++) {
            top[c] = offset + rounded_bytes(b, c);
            peak = top[c] > peak ? top[c] : peak;
        }
    }
    return peak;
}

/* Stacking in some order gives the optimum: any best solution, sorted by offset, is such a stack.
 */
static size_t best_peak(struct buffer *buffers, int *order, int n)
{
    if (n == N_SMALL)
        return peak_of_order(buffers, order);
    size_t best = SIZE_MAX;
    for (int i = n; i < N_SMALL; i++) {
        int kept = order[n];
        order[n] = order[i];
        order[i] = kept;
        size_t peak = best_peak(buffers, order, n + 1);
        best = peak < best ? peak : best;
        order[i] = order[n];
        order[n] = kept;
    }
    return best;
}

static void small_problems_are_solved_exactly(void **state)
{
    (void)state;
    struct random random = {5};
    for (int round = 0; round < 800; round++) {
        struct buffer buffers[N_SMALL];
        size_t steps[N_SMALL][N_CALLS];
        int order[N_SMALL];
        for (int i = 0; i < N_SMALL; i++) {
            int32_t first = random_range(&random, 0, N_CALLS - 1);
            buffers[i] = (struct buffer){.bytes = (size_t)random_range(&random, 1, 12) * 4,
                                         .alignment = random_range(&random, 0, 3) == 0 ? 8 : 4,
                                         .first = first,
                                         .last = random_range(&random, first, N_CALLS - 1)};
            for (int32_t c = 0; round % 2 == 0 && c <= buffers[i].last - first; c++) {
                size_t most = c == 0 ? 0 : buffers[i].bytes;
                steps[i][c] = (size_t)random_range(&random, 1, 12) * 4;
                buffers[i].bytes = steps[i][c] > most ? steps[i][c] : most;
                buffers[i].steps = steps[i];
            }
            order[i] = i;
        }
        size_t best = best_peak(buffers, order, 0);
        assert_int_equal(buffers_place(buffers, N_SMALL, N_CALLS), best);
    }
}

/* Cuts a rectangle of calls by bytes at random: the pieces fit into it without waste. */
static void cut(struct random *random, struct buffer *buffers, int32_t *n, struct buffer piece)
{
    int32_t length = piece.last - piece.first + 1, rows = (int32_t)(piece.bytes / 4);
    if (length * rows <= 400 || length < 2 || rows < 2) {
        buffers[(*n)++] = piece;
        return;
    }
    struct buffer one = piece, other = piece;
    if (random_range(random, 0, 1) == 0) {
        one.last = piece.first + random_range(random, 0, length - 2);
        other.first = one.last + 1;
    } else {
        one.bytes = (size_t)random_range(random, 1, rows - 1) * 4;
        other.bytes = piece.bytes - one.bytes;
    }
    cut(random, buffers, n, one);
    cut(random, buffers, n, other);
}

static void search_reaches_the_bound(void **state)
{
    (void)state;
    struct random random = {11};
    for (int round = 0; round < 20; round++) {
        struct buffer buffers[1024];
        int32_t n = 0;
        cut(&random, buffers, &n, (struct buffer){.bytes = 1024, .alignment = 4, .last = 31});
        assert_true(n > 5);
        assert_int_equal(buffers_place(buffers, n, 32), 1024);
    }
}

/* ---- the chart ---- */

static void chart_shows_the_peak(void **state)
{
    (void)state;
    struct net net;
    net_start(&net);
    int32_t t = net_conv(&net, net_input(&net, 8), 400, 0);
    t = net_conv(&net, t, 200, 120);
    t = net_unary(&net, KERNEL_lookup_s8_c, t, 200, 0);
    net_output(&net, net_conv(&net, t, 10, 0));
    const struct layout *layout = net_plan(&net);
    struct text text = text_start(&net.arena);
    layout_chart(&net.graph, &net.packed, layout, &text);
    const char *expected =
        "arena of 720 bytes, one column is about 10; "
        "= read  # written  * in place  - kept  ~ scratch  . free\n"
        "node_0                |#######################################"
        "................................       400\n"
        "node_1                |=======================================|"
        "###################|~~~~~~~~~~~       720  <- peak\n"
        "node_2                ........................................|"
        "*******************............       200\n"
        "node_3                ........................................|"
        "===================............       200\n"
        "\n"
        "arena                 720 bytes\n"
        "peak                  720 bytes, 120 of them scratch, during call 1: reshape 'node_1'\n"
        "lower bound           600 bytes, scratch not included\n";
    assert_string_equal(text.data, expected);
    arena_free(&net.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_needs_two_neighbors),
        cmocka_unit_test(scratch_lives_during_its_call),
        cmocka_unit_test(residual_add_works_in_place),
        cmocka_unit_test(in_place_changes_size),
        cmocka_unit_test(in_place_spares_what_is_needed_later),
        cmocka_unit_test(add_spares_what_is_needed_later),
        cmocka_unit_test(inputs_are_never_written),
        cmocka_unit_test(reshapes_share_memory),
        cmocka_unit_test(constants_stay_in_flash),
        cmocka_unit_test(concatenation_holds_all_parts),
        cmocka_unit_test(no_arena_needed),
        cmocka_unit_test(output_that_is_an_input_is_refused),
        cmocka_unit_test(too_large_an_arena_is_refused),
        cmocka_unit_test(random_nets_never_overlap),
        cmocka_unit_test(large_net_is_planned),
        cmocka_unit_test(small_problems_are_solved_exactly),
        cmocka_unit_test(search_reaches_the_bound),
        cmocka_unit_test(chart_shows_the_peak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
