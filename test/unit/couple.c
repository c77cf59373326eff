/* SPDX-License-Identifier: Apache-2.0 */
/* The pass `couple`: which filters leave together, op by op, and in whole networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "pass/pass.h"
#include "test/unit/networks.h"

#include <cmocka.h> /* last: it makes fail() a macro */

/* A graph, what couple says of it, and the net that it was made of. */
struct coupled {
    struct arena arena;
    struct net net;
    struct graph *graph;
    struct groups *groups;
};

static struct coupled *setup(void)
{
    struct coupled *coupled = calloc(1, sizeof *coupled);
    coupled->net = net_start(&coupled->arena);
    return coupled;
}

static void couple_text(struct coupled *coupled, const char *text)
{
    struct diag diag = {""};
    graph_parse(text, strlen(text), &coupled->arena, &coupled->graph, &diag);
    assert_string_equal(diag.message, "");
    assert_int_equal(couple(coupled->graph, &coupled->arena, &coupled->groups, &diag), OK);
    assert_int_equal(coupled->groups->n_nodes, coupled->graph->n_nodes);
}

static void couple_net(struct coupled *coupled, struct net_value output)
{
    couple_text(coupled, net_finish(&coupled->net, output));
}

static void teardown(struct coupled *coupled)
{
    arena_free(&coupled->arena);
    free(coupled);
}

/* The class of a filter of the layer that makes `value`. */
static int32_t class_of(const struct coupled *coupled, struct net_value value, int32_t filter)
{
    const char *name = arena_printf((struct arena *)&coupled->arena, "n%d", value.id);
    for (int32_t n = 0; n < coupled->graph->n_nodes; n++)
        if (strcmp(coupled->graph->nodes[n].name, name) == 0) {
            assert_in_range(filter, 0, coupled->groups->n_filters[n] - 1);
            return coupled->groups->of[n][filter];
        }
    fail_msg("no node %s", name);
    return -2;
}

/* All filters of a layer are in classes from `first` on, one each. */
static void check_own(const struct coupled *coupled, struct net_value value, int32_t first)
{
    for (int32_t o = 0; o < value.c; o++)
        assert_int_equal(class_of(coupled, value, o), first + o);
}

static void check_never(const struct coupled *coupled, struct net_value value)
{
    for (int32_t o = 0; o < value.c; o++)
        assert_int_equal(class_of(coupled, value, o), -1);
}

static void chain(void **state)
{
    (void)state;
    struct coupled *coupled = setup();
    struct net *net = &coupled->net;
    struct net_value a = net_conv(net, net_input(net, 6, 6, 2), 3, 3, 1, "relu");
    struct net_value b = net_conv(net, a, 4, 3, 1, "relu"), c = net_conv(net, b, 5, 1, 1, "none");
    couple_net(coupled, c);
    check_own(coupled, a, 0);
    check_own(coupled, b, 3);
    check_never(coupled, c);
    assert_int_equal(coupled->groups->n_groups, 7);
    teardown(coupled);
}

static void residuals(void **state)
{
    (void)state;
    static const char *const ops[] = {"add", "sub", "mul"};
    for (int i = 0; i < 3; i++) {
        struct coupled *coupled = setup();
        struct net *net = &coupled->net;
        struct net_value x = net_input(net, 4, 4, 2), a = net_conv(net, x, 3, 3, 1, "relu");
        struct net_value b = net_conv(net, a, 3, 3, 1, "none");
        struct net_value c = net_conv(net, b, 3, 1, 1, "none");
        struct net_value sum = net_node(net, ops[i], &a, &c, a, "");
        couple_net(coupled, net_conv(net, sum, 2, 1, 1, "none"));
        check_own(coupled, a, 0);
        check_own(coupled, b, 3);
        check_own(coupled, c, 0);
        assert_int_equal(coupled->groups->n_groups, 6);
        teardown(coupled);
    }
}

/* A residual with an input of the graph, which has the channels that it has. */
static void inputs_never_leave(void **state)
{
    (void)state;
    struct coupled *coupled = setup();
    struct net *net = &coupled->net;
    struct net_value x = net_input(net, 4, 4, 3), a = net_conv(net, x, 3, 3, 1, "relu");
    couple_net(coupled, net_conv(net, net_add(net, a, x, "none"), 2, 1, 1, "none"));
    check_never(coupled, a);
    assert_int_equal(coupled->groups->n_groups, 0);
    teardown(coupled);
}

/* Channels keep their own class at their offset. */
static void concatenations(void **state)
{
    (void)state;
    struct coupled *coupled = setup();
    struct net *net = &coupled->net;
    struct net_value x = net_input(net, 4, 4, 2), a = net_conv(net, x, 3, 3, 1, "relu");
    struct net_value b = net_conv(net, x, 2, 3, 1, "none"), joined = net_concat(net, a, b);
    struct net_value c = net_conv(net, joined, 5, 3, 1, "none");
    struct net_value sum = net_add(net, joined, c, "relu");
    couple_net(coupled, net_conv(net, sum, 2, 1, 1, "none"));
    check_own(coupled, a, 0);
    check_own(coupled, b, 3);
    check_own(coupled, c, 0);
    assert_int_equal(coupled->groups->n_groups, 5);
    teardown(coupled);
}

static void depthwise(void **state)
{
    (void)state;
    struct coupled *coupled = setup();
    struct net *net = &coupled->net;
    struct net_value a = net_conv(net, net_input(net, 4, 4, 2), 3, 3, 1, "relu");
    struct net_value b = net_depthwise(net, a, 2, 1), c = net_depthwise(net, b, 1, 2);
    couple_net(coupled, net_conv(net, c, 2, 1, 1, "none"));
    check_own(coupled, a, 0);
    for (int32_t o = 0; o < 6; o++) {
        assert_int_equal(class_of(coupled, b, o), o / 2);
        assert_int_equal(class_of(coupled, c, o), o / 2);
    }
    assert_int_equal(coupled->groups->n_groups, 3);
    teardown(coupled);
}

/* Everything that hands channels on one by one lies between two layers that a residual ties. */
static void ops_that_keep_channels(void **state)
{
    (void)state;
    struct coupled *coupled = setup();
    struct net *net = &coupled->net;
    struct net_value x = net_input(net, 8, 8, 2), a = net_conv(net, x, 3, 3, 1, "none");
    struct net_value y = net_norm(net, a, "relu");
    y = net_node(net, "hard_swish", &y, NULL, y, "");
    y = net_upsample(net, net_max_pool(net, y));
    y = net_node(net, "average_pool_2d", &y, NULL, (struct net_value){0, 4, 4, 3},
                 "window 2 2 stride 2 2");
    y = net_node(net, "pad", &y, NULL, (struct net_value){0, 6, 6, 5},
                 "before 0 1 1 2 after 0 1 1 0");
    y = net_node(net, "strided_slice", &y, NULL, (struct net_value){0, 3, 3, 2},
                 "begin 0 0 0 3 step 1 2 2 1"); /* of the channels the last two */
    struct net_value b = net_conv(net, net_mean(net, y), 2, 1, 1, "none");
    struct net_value sum = net_add(net, y, b, "none"); /* repeated along the image */
    couple_net(coupled, net_conv(net, sum, 2, 1, 1, "none"));
    check_own(coupled, a, 0);
    check_own(coupled, b, 1);
    assert_int_equal(coupled->groups->n_groups, 3);
    teardown(coupled);
}

/* A gate ties its filters to the channels it opens; one gate for all channels does not. */
static void gates(void **state)
{
    (void)state;
    struct coupled *coupled = setup();
    struct net *net = &coupled->net;
    struct net_value a = net_conv(net, net_input(net, 4, 4, 2), 3, 3, 1, "relu");
    struct net_value b = net_conv(net, net_mean(net, a), 3, 1, 1, "none");
    struct net_value gate = net_node(net, "logistic", &b, NULL, b, "");
    struct net_value opened = net_node(net, "mul", &a, &gate, a, "");
    struct net_value c = net_conv(net, opened, 1, 1, 1, "none");
    struct net_value again = net_node(net, "mul", &opened, &c, opened, "");
    couple_net(coupled, net_conv(net, again, 2, 1, 1, "none"));
    check_own(coupled, a, 0);
    check_own(coupled, b, 0);
    check_own(coupled, c, 3);
    teardown(coupled);
}

/* Flattened, a channel is many columns of a fully connected layer, but one class. */
static void flattened(void **state)
{
    (void)state;
    struct coupled *coupled = setup();
    struct net *net = &coupled->net;
    struct net_value a = net_conv(net, net_input(net, 2, 2, 2), 3, 3, 1, "relu");
    struct net_value flat = net_node(net, "reshape", &a, NULL, (struct net_value){0, 1, 1, 12}, "");
    struct net_value b = net_dense(net, flat, 4), c = net_dense(net, b, 2);
    couple_net(coupled, c);
    check_own(coupled, a, 0);
    check_own(coupled, b, 3);
    check_never(coupled, c);
    teardown(coupled);
}

/* Rows of a fully connected layer that are half the channels tie the halves. */
static void rows_of_half_the_channels(void **state)
{
    (void)state;
    static const char text[] = "graph g\ntensor \"x\" f32 1x2x2x1\n"
                               "tensor \"w0\" f32 6x1x1x1 init he_normal\n"
                               "tensor \"0\" f32 1x2x2x6\n"
                               "tensor \"w1\" f32 2x3 init he_normal\ntensor \"1\" f32 8x2\n"
                               "input \"x\"\nnode conv_2d n0 \"x\" \"w0\" -> \"0\"\n"
                               "node fully_connected n1 \"0\" \"w1\" -> \"1\"\noutput \"1\"\n";
    struct coupled *coupled = setup();
    couple_text(coupled, text);
    for (int32_t o = 0; o < 6; o++)
        assert_int_equal(class_of(coupled, (struct net_value){0, 2, 2, 6}, o), o % 3);
    teardown(coupled);
}

/* What is computed from all channels at once needs all of them. */
static void mixed_channels(void **state)
{
    (void)state;
    struct coupled *coupled = setup();
    struct net *net = &coupled->net;
    struct net_value a = net_conv(net, net_input(net, 4, 4, 2), 3, 3, 1, "relu");
    struct net_value soft = net_node(net, "softmax", &a, NULL, a, "");
    couple_net(coupled, net_conv(net, soft, 2, 1, 1, "none"));
    for (int32_t o = 0; o < 3; o++)
        assert_int_equal(class_of(coupled, a, o), 0);
    teardown(coupled);
}

/* Filters, classes and filters that never leave of whole networks. */
static void whole_networks(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct file file;
    struct diag diag;
    assert_int_equal(file_read("zoo/resnet8.txt", &arena, &file, &diag), OK);
    const struct {
        const char *text;
        int32_t n_filters, n_groups, n_never;
    } networks[] = {
        {(const char *)file.data, 2 * 16 + 16 + 3 * 32 + 3 * 64 + 10, 16 + 16 + 64 + 128, 10},
        {mobilenet_v1(&arena), 2 * 8 + 2 * 16 + 2 * 24 + 24 + 5, 8 + 16 + 24 + 24, 5},
        {mobilenet_v2(&arena), 6 + 42 + 44 + 56 + 56 + 5, 6 + 18 + 18 + 8 + 24 + 24, 5},
        {squeezenet(&arena), 8 + 20 + 20 + 30 + 5, 8 + 4 + 16 + 4 + 6 + 24, 5},
        {u_net(&arena), 6 + 8 + 12 + 8 + 8 + 6 + 2, 6 + 8 + 12 + 8 + 8 + 6, 2},
    };
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        struct coupled *coupled = setup();
        int32_t n_filters = 0, n_never = 0;
        couple_text(coupled, networks[i].text);
        for (int32_t n = 0; n < coupled->graph->n_nodes; n++) {
            n_filters += coupled->groups->n_filters[n];
            for (int32_t o = 0; o < coupled->groups->n_filters[n]; o++)
                n_never += coupled->groups->of[n][o] < 0;
        }
        assert_int_equal(n_filters, networks[i].n_filters);
        assert_int_equal(coupled->groups->n_groups, networks[i].n_groups);
        assert_int_equal(n_never, networks[i].n_never);
        teardown(coupled);
    }
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain),
        cmocka_unit_test(residuals),
        cmocka_unit_test(inputs_never_leave),
        cmocka_unit_test(concatenations),
        cmocka_unit_test(depthwise),
        cmocka_unit_test(ops_that_keep_channels),
        cmocka_unit_test(gates),
        cmocka_unit_test(flattened),
        cmocka_unit_test(rows_of_half_the_channels),
        cmocka_unit_test(mixed_channels),
        cmocka_unit_test(whole_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
