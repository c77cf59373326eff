/* SPDX-License-Identifier: Apache-2.0 */
/* Which units leave when filters are coupled: what has to stay, and what a share is a share of. */

#include "pass/pass.h"

#include "test/unit/parsed.h" /* last */

static const struct unit filterlet = {UNIT_FILTERLET, 0}, block = {UNIT_BLOCK, 4},
                         filter = {UNIT_FILTER, 0};

static struct masks *masks_of(const struct graph *graph, const struct scores *scores,
                              const struct recipe *recipe)
{
    struct groups *groups;
    struct masks *masks;
    assert_int_equal(couple(graph, &arena, &groups, &diag), OK);
    if (choose_masks(graph, scores, recipe, groups, &arena, &masks, &diag) != OK)
        fail_msg("%s", diag.message);
    return masks;
}

static struct masks *masks_by_norm(const struct graph *graph, const struct recipe *recipe)
{
    struct scores *scores;
    assert_int_equal(score(graph, recipe, NULL, &arena, &scores, &diag), OK);
    return masks_of(graph, scores, recipe);
}

static void mask_is(const struct masks *masks, const struct graph *graph, int32_t node,
                    const char *expected)
{
    int64_t n = shape_elements(&node_input(graph, &graph->nodes[node], 1)->shape);
    char *text = arena_alloc(&arena, (size_t)n + 1, 1);
    for (int64_t i = 0; i < n; i++)
        text[i] = masks->kept[node] == NULL || masks->kept[node][i] ? '1' : '0';
    assert_string_equal(text, expected);
}

/* conv: 2 filters, 1x2, 4 channels; dense: 2 outputs of 4. */
static const char two_layers[] = "graph g\n"
                                 "tensor \"x\" f32 1x1x3x4\n"
                                 "tensor \"conv/w\" f32 2x1x2x4 = 1*4 2*4 3*4 4*4\n"
                                 "tensor \"y\" f32 1x1x2x2\n"
                                 "tensor \"flat\" f32 1x4\n"
                                 "tensor \"dense/w\" f32 2x4 = 1 1 1 1 9 9 9 9\n"
                                 "tensor \"z\" f32 1x2\n"
                                 "input \"x\"\n"
                                 "node conv_2d conv \"x\" \"conv/w\" -> \"y\"\n"
                                 "node reshape flat \"y\" -> \"flat\"\n"
                                 "node fully_connected dense \"flat\" \"dense/w\" -> \"z\"\n"
                                 "output \"z\"\n";

/* A row of the output layer is a whole filter as a filterlet, but not as a block: its row may be
 * longer. */
static void filters_of_the_output_stay(void **state)
{
    (void)state;
    struct graph *graph = parse(two_layers);
    struct masks *masks = masks_by_norm(graph, recipe_uniform(graph, filterlet, 0.999, &arena));
    mask_is(masks, graph, 0, "0000000000001111");
    mask_is(masks, graph, 2, "11111111");
    masks = masks_by_norm(graph, recipe_uniform(graph, filter, 0.999, &arena));
    mask_is(masks, graph, 0, "0000000011111111");
    mask_is(masks, graph, 2, "11111111");
    masks = masks_by_norm(graph, recipe_uniform(graph, block, 0.999, &arena));
    mask_is(masks, graph, 0, "0000000000001111");
    mask_is(masks, graph, 2, "00001111");
    struct recipe *recipe = recipe_uniform(graph, filterlet, 0, &arena);
    recipe->layers[2].sparsity = 0.5;
    mask_is(masks_by_norm(graph, recipe), graph, 2, "11111111");
}

/* 24 weights are ranked, 8 of them in a layer that nothing is known of. */
static void the_share_is_of_all_ranked_layers(void **state)
{
    (void)state;
    struct graph *graph = parse(two_layers);
    struct recipe *recipe = recipe_uniform(graph, filterlet, 0.5, &arena);
    struct scores *scores;
    mask_is(masks_by_norm(graph, recipe), graph, 0, "0000000000001111");
    assert_int_equal(score(graph, recipe, NULL, &arena, &scores, &diag), OK);
    scores->nodes[2].of = NULL;
    struct masks *masks = masks_of(graph, scores, recipe);
    mask_is(masks, graph, 0, "0000000000001111");
    assert_null(masks->kept[2]);
    recipe->layers[2].sparsity = 0; /* has its own share: 8 of 16 are to leave */
    mask_is(masks_by_norm(graph, recipe), graph, 0, "0000000011111111");
}

/* conv makes two channels of two; depthwise reads them; dense. Channel 0 is the weak one. */
static const char depthwise_text[] =
    "graph g\n"
    "tensor \"x\" f32 1x1x1x8\n"
    "tensor \"conv/w\" f32 2x1x1x8 = 1*4 3*4 4*4 5*4\n"
    "tensor \"y\" f32 1x1x1x2\n"
    "tensor \"depth/w\" f32 1x1x2x2 = 1 9 1 9\n"
    "tensor \"z\" f32 1x1x1x2\n"
    "tensor \"last/w\" f32 1x1x1x2 = 1 1\n"
    "tensor \"out\" f32 1x1x1x1\n"
    "input \"x\"\n"
    "node conv_2d conv \"x\" \"conv/w\" -> \"y\"\n"
    "node depthwise_conv_2d depth \"y\" \"depth/w\" -> \"z\" pads 0 0 1 0\n"
    "node conv_2d last \"z\" \"last/w\" -> \"out\"\n"
    "output \"out\"\n";

static void channels_of_depthwise_convolutions(void **state)
{
    (void)state;
    struct graph *graph = parse(depthwise_text);
    struct masks *masks = masks_by_norm(graph, recipe_uniform(graph, block, 0.35, &arena));
    mask_is(masks, graph, 0, "0000000011111111");
    mask_is(masks, graph, 1, "1111");
    masks = masks_by_norm(graph, recipe_uniform(graph, filterlet, 0.35, &arena));
    mask_is(masks, graph, 1, "1111");
    /* Filters: with the channel that is read. */
    masks = masks_by_norm(graph, recipe_uniform(graph, filter, 0.35, &arena));
    mask_is(masks, graph, 0, "0000000011111111");
    mask_is(masks, graph, 1, "0101");
    /* A share of its own. */
    struct recipe *recipe = recipe_uniform(graph, block, 0, &arena);
    recipe->layers[1].sparsity = 0.5;
    masks = masks_by_norm(graph, recipe);
    mask_is(masks, graph, 0, "1111111111111111");
    mask_is(masks, graph, 1, "0101");
}

/* Behind a softmax the channels make one class: a layer of it would lose all at once. */
static void a_class_is_not_all_of_a_layer(void **state)
{
    (void)state;
    struct graph *graph = parse("graph g\n"
                                "tensor \"x\" f32 1x1x1x2\n"
                                "tensor \"a/w\" f32 2x1x1x2 = 1 1 1 1\n"
                                "tensor \"b/w\" f32 2x1x1x2 = 1 1 9 9\n"
                                "tensor \"c/w\" f32 2x1x1x2 = 1 1 1 1\n"
                                "tensor \"a\" f32 1x1x1x2\n"
                                "tensor \"soft\" f32 1x1x1x2\n"
                                "tensor \"b\" f32 1x1x1x2\n"
                                "tensor \"c\" f32 1x1x1x2\n"
                                "input \"x\"\n"
                                "node conv_2d a \"x\" \"a/w\" -> \"a\"\n"
                                "node softmax soft \"a\" -> \"soft\"\n"
                                "node conv_2d b \"soft\" \"b/w\" -> \"b\"\n"
                                "node conv_2d c \"b\" \"c/w\" -> \"c\"\n"
                                "output \"c\"\n");
    struct masks *masks = masks_by_norm(graph, recipe_uniform(graph, filter, 0.999, &arena));
    mask_is(masks, graph, 0, "1111");
    mask_is(masks, graph, 2, "0011");
    mask_is(masks, graph, 3, "1111");
}

/* What one layer's share takes from a class is counted in the other's, though that would have taken
 * another filter. */
static void shares_of_coupled_layers(void **state)
{
    (void)state;
    struct graph *graph = parse("graph g\n"
                                "tensor \"x\" f32 1x1x1x2\n"
                                "tensor \"a/w\" f32 3x1x1x2 = 1 1 4 4 6 6\n"
                                "tensor \"b/w\" f32 3x1x1x2 = 9 9 5 5 1 1\n"
                                "tensor \"c/w\" f32 2x1x1x3 = 1*6\n"
                                "tensor \"a\" f32 1x1x1x3\n"
                                "tensor \"b\" f32 1x1x1x3\n"
                                "tensor \"sum\" f32 1x1x1x3\n"
                                "tensor \"c\" f32 1x1x1x2\n"
                                "input \"x\"\n"
                                "node conv_2d a \"x\" \"a/w\" -> \"a\"\n"
                                "node conv_2d b \"x\" \"b/w\" -> \"b\"\n"
                                "node add sum \"a\" \"b\" -> \"sum\"\n"
                                "node conv_2d c \"sum\" \"c/w\" -> \"c\"\n"
                                "output \"c\"\n");
    struct recipe *recipe = recipe_uniform(graph, filter, 0, &arena);
    recipe->layers[0].sparsity = recipe->layers[1].sparsity = 0.3;
    struct masks *masks = masks_by_norm(graph, recipe);
    mask_is(masks, graph, 0, "001111");
    mask_is(masks, graph, 1, "001111");
    recipe->layers[1].sparsity = 0.6; /* one more */
    masks = masks_by_norm(graph, recipe);
    mask_is(masks, graph, 0, "001100");
    mask_is(masks, graph, 1, "001100");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(filters_of_the_output_stay, tear_down),
        cmocka_unit_test_teardown(the_share_is_of_all_ranked_layers, tear_down),
        cmocka_unit_test_teardown(channels_of_depthwise_convolutions, tear_down),
        cmocka_unit_test_teardown(a_class_is_not_all_of_a_layer, tear_down),
        cmocka_unit_test_teardown(shares_of_coupled_layers, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
