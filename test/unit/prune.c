/* SPDX-License-Identifier: Apache-2.0 */
/* Units, recipes, and which weights a recipe takes away. */

#include "pass/pass.h"

#include "test/unit/parsed.h" /* last */

/* conv: 2 filters, 1x2, 8 channels; dense: 2 outputs of 4. */
static const char two_layers[] = "graph g\n"
                                 "tensor \"x\" f32 1x1x3x8\n"
                                 "tensor \"conv/w\" f32 2x1x2x8 = 1*4 2*4 3*4 4*4 5*4 6*4 7*4 8*4\n"
                                 "tensor \"y\" f32 1x1x2x2\n"
                                 "tensor \"flat\" f32 1x4\n"
                                 "tensor \"dense/w\" f32 2x4 = 1 1 1 1 9 9 9 9\n"
                                 "tensor \"z\" f32 1x2\n"
                                 "input \"x\"\n"
                                 "node conv_2d conv \"x\" \"conv/w\" -> \"y\"\n"
                                 "node reshape flat \"y\" -> \"flat\"\n"
                                 "node fully_connected dense \"flat\" \"dense/w\" -> \"z\"\n"
                                 "output \"z\"\n";

static struct masks *masks_of(const struct graph *graph, const struct recipe *recipe,
                              const struct groups *groups)
{
    struct scores *scores;
    struct masks *masks;
    assert_int_equal(score(graph, recipe, NULL, &arena, &scores, &diag), OK);
    if (choose_masks(graph, scores, recipe, groups, &arena, &masks, &diag) != OK)
        fail_msg("%s", diag.message);
    return masks;
}

/* The mask of a node's weights as a string of 0 and 1. */
static const char *mask_text(const struct masks *masks, const struct graph *graph, int32_t node)
{
    int64_t n = shape_elements(&node_input(graph, &graph->nodes[node], 1)->shape);
    char *text = arena_alloc(&arena, (size_t)n + 1, 1);
    for (int64_t i = 0; i < n; i++)
        text[i] = masks->kept[node][i] ? '1' : '0';
    return text;
}

static void units_have_names_and_places(void **state)
{
    (void)state;
    static const struct shape conv = {4, {2, 1, 2, 6}}, depthwise = {4, {1, 3, 3, 5}};
    static const char *const names[] = {"filterlet", "filter",   "block:4",
                                        "block:8",   "block:16", "element"};
    static const int64_t counts[] = {4, 2, 8, 4, 4, 24};
    for (int i = 0; i < 6; i++) {
        struct unit unit;
        assert_int_equal(unit_parse(names[i], &unit, &diag), OK);
        assert_string_equal(unit_name(&unit, &arena), names[i]);
        assert_int_equal(unit_count(&unit, OP_conv_2d, &conv), counts[i]);
        assert_int_equal(unit_of_weight(&unit, OP_conv_2d, &conv, 23), counts[i] - 1);
        assert_int_equal(unit_count(&unit, OP_depthwise_conv_2d, &depthwise), 5);
        assert_int_equal(unit_of_weight(&unit, OP_depthwise_conv_2d, &depthwise, 7), 2);
    }
    struct unit block = {UNIT_BLOCK, 4};
    assert_int_equal(unit_of_weight(&block, OP_conv_2d, &conv, 4), 1); /* channels 4 and 5 */
    assert_int_equal(unit_of_weight(&block, OP_conv_2d, &conv, 6), 2);
    assert_int_equal(unit_parse("block:5", &block, &diag), ERR_USAGE);
    assert_non_null(strstr(diag.message, "block:16"));
}

static void recipes_round_trip(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"[]", "no JSON object"},
        {"{\"sparsity\": 1}", "from 0 to below 1"},
        {"{\"alpha\": 1}", "'alpha' is not known"},
        {"{\"unit\": \"block:3\"}", "must be filterlet"},
        {"{\"layers\": {\"nowhere\": {}}}", "no layer 'nowhere'"},
        {"{\"layers\": {\"flat\": {}}}", "no layer 'flat'"},
        {"{\"layers\": {\"conv\": {\"sparsity\": -0.1}}}", "conv: sparsity"},
        {"{\"layers\": {\"conv\": {\"filters\": 1}}}", "conv: filters"},
    };
    struct graph *graph = parse(two_layers);
    struct recipe *recipe;
    static const char text[] = "{\"sparsity\": 0.5, \"layers\": {\n"
                               "  \"conv\": {\"unit\": \"block:4\", \"filters\": 0.125},\n"
                               "  \"dense\": {\"unit\": \"filter\", \"sparsity\": 0.25}\n"
                               "}}\n";
    assert_int_equal(recipe_parse(text, graph, &arena, &recipe, &diag), OK);
    assert_string_equal(recipe_print(recipe, graph, &arena), text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (recipe_parse(bad[i][0], graph, &arena, &recipe, &diag) != ERR_INPUT &&
            recipe_parse(bad[i][0], graph, &arena, &recipe, &diag) != ERR_USAGE)
            fail_msg("accepted: %s", bad[i][0]);
        if (strstr(diag.message, bad[i][1]) == NULL)
            fail_msg("%s: %s", bad[i][0], diag.message);
    }
}

/* Norms of blocks in conv are 2, 4 .. 16, mean 9; rows of dense 2 and 18, mean 10. */
static void the_lowest_scores_leave(void **state)
{
    (void)state;
    struct graph *graph = parse(two_layers);
    struct unit block = {UNIT_BLOCK, 4};
    struct masks *masks = masks_of(graph, recipe_uniform(graph, block, 0.4, &arena), NULL);
    assert_string_equal(mask_text(masks, graph, 0), "00000000000011111111111111111111");
    assert_string_equal(mask_text(masks, graph, 2), "00001111");
    struct recipe *recipe = recipe_uniform(graph, block, 0, &arena);
    recipe->layers[0].sparsity = 0.75;
    masks = masks_of(graph, recipe, NULL);
    assert_string_equal(mask_text(masks, graph, 0), "00000000000000000000000011111111");
    assert_string_equal(mask_text(masks, graph, 2), "11111111");
    recipe = recipe_uniform(graph, block, 0.999, &arena); /* each layer keeps one unit */
    masks = masks_of(graph, recipe, NULL);
    assert_string_equal(mask_text(masks, graph, 0), "00000000000000000000000000001111");
    assert_string_equal(mask_text(masks, graph, 2), "00001111");
}

/* Filters of a residual sum leave as a pair, and those of the outputs never. */
static void classes_leave_together(void **state)
{
    (void)state;
    struct graph *graph = parse("graph g\n"
                                "tensor \"x\" f32 1x1x1x2\n"
                                "tensor \"a/w\" f32 2x1x1x2 = 1 1 4 4\n"
                                "tensor \"b/w\" f32 2x1x1x2 = 5 5 1 1\n"
                                "tensor \"c/w\" f32 2x1x1x2 = 1 1 9 9\n"
                                "tensor \"a\" f32 1x1x1x2\n"
                                "tensor \"b\" f32 1x1x1x2\n"
                                "tensor \"sum\" f32 1x1x1x2\n"
                                "tensor \"c\" f32 1x1x1x2\n"
                                "input \"x\"\n"
                                "node conv_2d a \"x\" \"a/w\" -> \"a\"\n"
                                "node conv_2d b \"x\" \"b/w\" -> \"b\"\n"
                                "node add sum \"a\" \"b\" -> \"sum\"\n"
                                "node conv_2d c \"sum\" \"c/w\" -> \"c\"\n"
                                "output \"c\"\n");
    struct groups *groups;
    struct unit filter = {UNIT_FILTER, 0};
    assert_int_equal(couple(graph, &arena, &groups, &diag), OK);
    struct masks *masks = masks_of(graph, recipe_uniform(graph, filter, 0.5, &arena), groups);
    assert_string_equal(mask_text(masks, graph, 0), "1100"); /* scores .4 1.6 and 1.67 .33 */
    assert_string_equal(mask_text(masks, graph, 1), "1100");
    assert_string_equal(mask_text(masks, graph, 3), "1111");
}

static void importance_replaces_norms(void **state)
{
    (void)state;
    struct graph *graph = parse(two_layers);
    float conv[32], dense[8];
    for (int i = 0; i < 32; i++)
        conv[i] = (float)(32 - i);
    for (int i = 0; i < 8; i++)
        dense[i] = 1;
    float *of[] = {conv, NULL, dense};
    struct importance importance = {3, of};
    struct unit filterlet = {UNIT_FILTERLET, 0};
    struct recipe *recipe = recipe_uniform(graph, filterlet, 0.25, &arena);
    struct scores *scores;
    struct masks *masks;
    assert_int_equal(score(graph, recipe, &importance, &arena, &scores, &diag), OK);
    assert_int_equal(choose_masks(graph, scores, recipe, NULL, &arena, &masks, &diag), OK);
    assert_string_equal(mask_text(masks, graph, 0), "11111111111111110000000000000000");
    struct graph *pruned;
    assert_int_equal(prune(graph, masks, NULL, &arena, &pruned, &diag), OK);
    const float *weights = node_input(pruned, &pruned->nodes[0], 1)->data;
    for (int i = 0; i < 32; i++)
        assert_true((weights[i] == 0) == (i >= 16));
}

/* Filters leave first; the blocks of the next layer are made of the channels that stay. */
static void filters_then_units(void **state)
{
    (void)state;
    struct graph *graph =
        parse("graph g\n"
              "tensor \"x\" f32 1x1x1x2\n"
              "tensor \"a/w\" f32 6x1x1x2 = 5*2 1*2 6*2 2*2 7*2 8*2\n"
              "tensor \"a\" f32 1x1x1x6\n"
              "tensor \"b/w\" f32 2x1x2x6 = 9 99 9 99 9 9 1 99 1 99 1 1 2 99 2 99 2 2 3 99 3 99 "
              "3 3\n"
              "tensor \"pad\" f32 1x1x2x6\n"
              "tensor \"b\" f32 1x1x1x2\n"
              "input \"x\"\n"
              "node conv_2d a \"x\" \"a/w\" -> \"a\"\n"
              "node pad pad \"a\" -> \"pad\" before 0 0 0 0 after 0 0 1 0\n"
              "node conv_2d b \"pad\" \"b/w\" -> \"b\"\n"
              "output \"b\"\n");
    struct groups *groups;
    struct unit block = {UNIT_BLOCK, 4};
    struct recipe *recipe = recipe_uniform(graph, block, 0, &arena);
    recipe->layers[0].filters = 0.3; /* of 6: two */
    recipe->layers[2].sparsity = 0.5;
    assert_int_equal(couple(graph, &arena, &groups, &diag), OK);
    assert_int_equal(groups->n_inputs[2], 6);
    assert_int_equal(groups->inputs[2][1], groups->of[0][1]);
    assert_int_equal(groups->inputs[0][0], -1);
    struct masks *masks = masks_of(graph, recipe, groups);
    assert_string_equal(mask_text(masks, graph, 0), "110011001111");
    assert_string_equal(mask_text(masks, graph, 2), "101011000000000000101011");
    recipe->sparsity = 0.5;
    struct scores *scores;
    assert_int_equal(score(graph, recipe, NULL, &arena, &scores, &diag), OK);
    assert_int_equal(choose_masks(graph, scores, recipe, groups, &arena, &masks, &diag), ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(units_have_names_and_places, tear_down),
        cmocka_unit_test_teardown(recipes_round_trip, tear_down),
        cmocka_unit_test_teardown(the_lowest_scores_leave, tear_down),
        cmocka_unit_test_teardown(classes_leave_together, tear_down),
        cmocka_unit_test_teardown(importance_replaces_norms, tear_down),
        cmocka_unit_test_teardown(filters_then_units, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
