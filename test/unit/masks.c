/* SPDX-License-Identifier: Apache-2.0 */
/* What is absent, by masks and by classes of filters; what that does to biases; and how much of
 * what is left has to follow. */
#include <math.h>

#include "pass/pass.h"

#include "test/unit/parsed.h" /* last */

/* ---- the recipe of what is left ---- */

/* a: 4 filters of 2, b: 4 of 4, c: 2 of 4; a relu between. */
static const char whole_text[] = "graph g\n"
                                 "tensor \"x\" f32 1x1x1x2\n"
                                 "tensor \"a/w\" f32 4x1x1x2 = 1*8\n"
                                 "tensor \"b/w\" f32 4x1x1x4 = 1*16\n"
                                 "tensor \"c/w\" f32 2x1x1x4 = 1*8\n"
                                 "tensor \"a\" f32 1x1x1x4\n"
                                 "tensor \"r\" f32 1x1x1x4\n"
                                 "tensor \"b\" f32 1x1x1x4\n"
                                 "tensor \"c\" f32 1x1x1x2\n"
                                 "input \"x\"\n"
                                 "node conv_2d a \"x\" \"a/w\" -> \"a\"\n"
                                 "node relu r \"a\" -> \"r\"\n"
                                 "node conv_2d b \"r\" \"b/w\" -> \"b\"\n"
                                 "node conv_2d c \"b\" \"c/w\" -> \"c\"\n"
                                 "output \"c\"\n";

/* Without the relu and half of a; b reads what is left of a. */
static const char rest_text[] = "graph g\n"
                                "tensor \"x\" f32 1x1x1x2\n"
                                "tensor \"a/w\" f32 2x1x1x2 = 1*4\n"
                                "tensor \"b/w\" f32 4x1x1x2 = 1*8\n"
                                "tensor \"c/w\" f32 2x1x1x4 = 1*8\n"
                                "tensor \"a\" f32 1x1x1x2\n"
                                "tensor \"b\" f32 1x1x1x4\n"
                                "tensor \"c\" f32 1x1x1x2\n"
                                "input \"x\"\n"
                                "node conv_2d a \"x\" \"a/w\" -> \"a\"\n"
                                "node conv_2d b \"a\" \"b/w\" -> \"b\"\n"
                                "node conv_2d c \"b\" \"c/w\" -> \"c\"\n"
                                "output \"c\"\n";

static void near(double got, double expected)
{
    if (fabs(got - expected) > 1e-12)
        fail_msg("%.15g, expected %.15g", got, expected);
}

static void shares_of_what_is_left(void **state)
{
    (void)state;
    struct graph *whole = parse(whole_text), *rest = parse(rest_text);
    struct unit filterlet = {UNIT_FILTERLET, 0}, block = {UNIT_BLOCK, 4};
    struct recipe *recipe = recipe_uniform(whole, filterlet, 0.5, &arena);
    recipe->layers[2] = (struct recipe_layer){block, 0.75, -1, {STORAGE_SMALLER, -1}};
    struct recipe *left = recipe_of_rest(recipe, whole, rest, &arena);
    assert_int_equal(left->n_nodes, rest->n_nodes);
    near(left->sparsity, 1.0 / 3);       /* a and c: 8 of 16 are to stay, 12 are left */
    near(left->layers[1].sparsity, 0.5); /* b: 4 of 16, 8 */
    assert_int_equal(left->layers[1].unit.kind, UNIT_BLOCK);
    assert_int_equal(left->layers[1].unit.block, 4);
    assert_true(left->layers[0].sparsity < 0 && left->layers[2].sparsity < 0);
    assert_int_equal(left->layers[2].unit.kind, UNIT_FILTERLET);
}

/* What has left already is not asked for again. */
static void nothing_more_is_asked_for(void **state)
{
    (void)state;
    struct graph *whole = parse(whole_text), *rest = parse(rest_text);
    struct unit filterlet = {UNIT_FILTERLET, 0};
    struct recipe *recipe = recipe_uniform(whole, filterlet, 0.25, &arena);
    recipe->layers[2].sparsity = 0.5;
    struct recipe *left = recipe_of_rest(recipe, whole, rest, &arena);
    assert_true(left->sparsity == 0 && left->layers[1].sparsity == 0);
    recipe->layers[2].sparsity = 0.25; /* less than what is absent */
    left = recipe_of_rest(recipe, whole, rest, &arena);
    assert_true(left->layers[1].sparsity == 0);
    recipe->layers[2].sparsity = 0;
    left = recipe_of_rest(recipe, whole, rest, &arena);
    assert_true(left->layers[1].sparsity == 0);
}

/* All of a layer that has left counts. */
static void a_layer_has_left(void **state)
{
    (void)state;
    struct graph *whole = parse(whole_text);
    struct graph *rest = parse("graph g\n"
                               "tensor \"x\" f32 1x1x1x2\n"
                               "tensor \"c/w\" f32 2x1x1x2 = 1*4\n"
                               "tensor \"c\" f32 1x1x1x2\n"
                               "input \"x\"\n"
                               "node conv_2d c \"x\" \"c/w\" -> \"c\"\n"
                               "output \"c\"\n");
    struct unit filterlet = {UNIT_FILTERLET, 0};
    struct recipe *recipe = recipe_uniform(whole, filterlet, 0.9375, &arena);
    near(recipe_of_rest(recipe, whole, rest, &arena)->sparsity, 0.5); /* 2 of 32, 4 are left */
}

/* ---- what is absent ---- */

/* a and b meet in a sum that c reads. */
static const char residual_text[] = "graph g\n"
                                    "tensor \"x\" f32 1x1x1x2\n"
                                    "tensor \"a/w\" f32 2x1x1x2 = 1 2 3 4\n"
                                    "tensor \"a/b\" f32 2 = 1 2\n"
                                    "tensor \"b/w\" f32 2x1x1x2 = 5 6 7 8\n"
                                    "tensor \"b/b\" f32 2 = 3 4\n"
                                    "tensor \"c/w\" f32 2x1x1x2 = 0 9 -0 0\n"
                                    "tensor \"c/b\" f32 2 = 5 6\n"
                                    "tensor \"a\" f32 1x1x1x2\n"
                                    "tensor \"b\" f32 1x1x1x2\n"
                                    "tensor \"sum\" f32 1x1x1x2\n"
                                    "tensor \"c\" f32 1x1x1x2\n"
                                    "input \"x\"\n"
                                    "node conv_2d a \"x\" \"a/w\" \"a/b\" -> \"a\"\n"
                                    "node conv_2d b \"x\" \"b/w\" \"b/b\" -> \"b\"\n"
                                    "node add sum \"a\" \"b\" -> \"sum\"\n"
                                    "node conv_2d c \"sum\" \"c/w\" \"c/b\" -> \"c\"\n"
                                    "output \"c\"\n";

static void zeros_are_absent(void **state)
{
    (void)state;
    struct masks *masks = masks_of_zeros(parse(residual_text), NULL, &arena);
    assert_int_equal(masks->n_nodes, 4);
    assert_null(masks->kept[2]);
    assert_memory_equal(masks->kept[0], "\1\1\1\1", 4);
    assert_memory_equal(masks->kept[3], "\0\1\0\0", 4);
}

static void zeros_in_units_that_stay_are_weights(void **state)
{
    (void)state;
    struct graph *graph = parse(residual_text);
    struct unit filter = {UNIT_FILTER, 0};
    struct recipe *recipe = recipe_uniform(graph, filter, 0.5, &arena);
    struct masks *masks = masks_of_zeros(graph, recipe, &arena);
    assert_memory_equal(masks->kept[0], "\1\1\1\1", 4);
    assert_memory_equal(masks->kept[3], "\1\1\0\0", 4);
}

/* Masks of a, b and c; NULL: all is kept. */
static struct masks *masks_of(const char *a, const char *b, const char *c)
{
    const char *const of[] = {a, b, NULL, c};
    struct masks *masks = ARENA_NEW(&arena, struct masks);
    masks->n_nodes = 4;
    masks->kept = ARENA_ARRAY(&arena, 4, uint8_t *);
    for (int n = 0; n < 4; n++) {
        masks->kept[n] = of[n] != NULL ? ARENA_ARRAY(&arena, 4, uint8_t) : NULL;
        for (int i = 0; of[n] != NULL && i < 4; i++)
            masks->kept[n][i] = of[n][i] == '1';
    }
    return masks;
}

static struct groups *groups_of(const struct graph *graph)
{
    struct groups *groups;
    assert_int_equal(couple(graph, &arena, &groups, &diag), OK);
    assert_int_equal(groups->n_groups, 2);
    return groups;
}

static void a_class_is_absent_as_a_whole(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *c, *absent;
    } cases[] = {
        {NULL, NULL, NULL, "\0\0"},       {"0000", NULL, NULL, "\0\0"},
        {"0011", "0011", NULL, "\1\0"},   {"0011", "1100", NULL, "\0\0"},
        {"0001", "0010", NULL, "\1\0"},   {"1000", "0100", "0000", "\0\1"},
        {"0000", "0000", "0000", "\1\1"},
    };
    struct graph *graph = parse(residual_text);
    struct groups *groups = groups_of(graph);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_memory_equal(
            groups_absent(groups, graph, masks_of(cases[i].a, cases[i].b, cases[i].c), &arena),
            cases[i].absent, 2);
}

static void biases_are(const struct graph *graph, const char *expected)
{
    static const int32_t layers[] = {0, 1, 3};
    char text[64] = "", *at = text;
    for (int n = 0; n < 3; n++)
        for (int f = 0; f < 2; f++) {
            const float *bias = node_input(graph, &graph->nodes[layers[n]], 2)->data;
            *at++ = (char)('0' + (int)bias[f]);
        }
    assert_string_equal(text, expected);
}

/* Filter 0 of a and b makes a class without weights; of filter 1 only a's has none; c makes the
 * output. */
static void biases_leave_with_their_class(void **state)
{
    (void)state;
    struct graph *graph = parse(residual_text), *pruned;
    struct masks *masks = masks_of("0000", "0010", "0000");
    assert_int_equal(prune(graph, masks, groups_of(graph), &arena, &pruned, &diag), OK);
    biases_are(pruned, "020456");
    assert_int_equal(prune(graph, masks, NULL, &arena, &pruned, &diag), OK);
    biases_are(pruned, "123456");
    biases_are(graph, "123456");
}

/* The class of the filters of one of two layers with one bias. */
static void a_shared_bias_is_taken_apart(void **state)
{
    (void)state;
    struct graph *graph = parse("graph g\n"
                                "tensor \"x\" f32 1x1x1x2\n"
                                "tensor \"a/w\" f32 2x1x1x2 = 1 2 3 4\n"
                                "tensor \"b/w\" f32 2x1x1x2 = 5 6 7 8\n"
                                "tensor \"bias\" f32 2 = 1 2\n"
                                "tensor \"a\" f32 1x1x1x2\n"
                                "tensor \"b\" f32 1x1x1x2\n"
                                "input \"x\"\n"
                                "node conv_2d a \"x\" \"a/w\" \"bias\" -> \"a\"\n"
                                "node conv_2d b \"a\" \"b/w\" \"bias\" -> \"b\"\n"
                                "output \"b\"\n"),
                 *pruned;
    uint8_t of_a[] = {0, 0, 1, 1}, of_b[] = {1, 1, 0, 0}, *kept[] = {of_a, of_b};
    struct masks masks = {2, kept};
    assert_int_equal(prune(graph, &masks, groups_of(graph), &arena, &pruned, &diag), OK);
    const float *a = node_input(pruned, &pruned->nodes[0], 2)->data;
    const float *b = node_input(pruned, &pruned->nodes[1], 2)->data;
    assert_true(a[0] == 0 && a[1] == 2);
    assert_true(b[0] == 1 && b[1] == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(shares_of_what_is_left, tear_down),
        cmocka_unit_test_teardown(nothing_more_is_asked_for, tear_down),
        cmocka_unit_test_teardown(a_layer_has_left, tear_down),
        cmocka_unit_test_teardown(zeros_are_absent, tear_down),
        cmocka_unit_test_teardown(zeros_in_units_that_stay_are_weights, tear_down),
        cmocka_unit_test_teardown(a_class_is_absent_as_a_whole, tear_down),
        cmocka_unit_test_teardown(biases_leave_with_their_class, tear_down),
        cmocka_unit_test_teardown(a_shared_bias_is_taken_apart, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
