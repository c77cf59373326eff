/* SPDX-License-Identifier: Apache-2.0 */
/* The pass `shrink`: the outputs of the masked graph, on random graphs and networks; what leaves
 * when classes of `couple` are absent, whole or in part; and what is refused. DTMM_SEED is the
 * first graph's seed. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "graph/weights.h"
#include "import/import.h"
#include "pass/pass.h"
#include "test/kernels/seed.h"
#include "test/train/cases.h"
#include "test/train/reference.h"
#include "test/unit/networks.h"
#include "test/unit/shrink_graphs.h"

#include <cmocka.h> /* last: it makes fail() a macro */

enum { N_GRAPHS = 500, N_NETWORKS = 200, N_SAMPLES = 4 };

static const double tolerance = 1e-5; /* of the largest output */

/* What rounding a constant once costs: all that is left where an output is what remains of much
 * larger numbers that cancel. */
static const double rounding = 1.0 / (1 << 23); /* of the largest activation */

/* What came of many graphs; `n` counts those that were not refused. */
struct tally {
    int n, n_smaller, n_refused, n_held, n_cancelled;
    int ops[N_OPS];
    double worst;
};

static const char *dump(const struct graph *graph, struct arena *arena)
{
    struct text text = text_start(arena);
    graph_dump(graph, &text);
    return text.data;
}

/* ---- the masks of what is left ---- */

/* Absent weights are zero; returns how many there are. */
static int check_masks(const struct graph *graph, const struct masks *masks)
{
    int n_absent = 0;
    assert_int_equal(masks->n_nodes, graph->n_nodes);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (masks->kept[n] == NULL)
            continue;
        const struct tensor *weights = node_input(graph, node, 1);
        const float *values = weights->data;
        assert_true(op_has_weights(node->op));
        for (int64_t i = 0; i < shape_elements(&weights->shape); i++) {
            assert_true(masks->kept[n][i] || values[i] == 0);
            n_absent += !masks->kept[n][i];
        }
    }
    return n_absent;
}

/* ---- one graph ---- */

static int is_refusal(const char *message)
{
    static const char end[] = "keeps no filter; prune less of it";
    size_t n = strlen(message);
    return strstr(message, "does not depend on the inputs") != NULL ||
           (n > sizeof end && strcmp(message + n - (sizeof end - 1), end) == 0);
}

static int64_t count_weights(const struct graph *graph)
{
    int64_t n = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++)
        n += weight_counts(graph, &graph->nodes[i]).n_weights;
    return n;
}

/* A graph is refused for a reason, and when an output is the same for all inputs. */
static void check_refusal(const struct graph *masked, const char *message, uint64_t seed)
{
    if (!is_refusal(message))
        fail_msg("seed %" PRIu64 ": %s", seed, message);
    if (!has_constant_output(masked, N_SAMPLES, seed))
        fail_msg("seed %" PRIu64 ": refused, but the outputs depend on the inputs: %s", seed,
                 message);
}

/* Shrinks the graph and checks everything that holds for all graphs. */
static void try_graph(const struct graph *graph, const struct masks *masks, uint64_t seed,
                      struct tally *tally, struct arena *arena)
{
    struct graph *shrunk, *again, *from_zeros;
    struct masks *left, *left_again;
    struct diag diag = {""};
    const struct graph *masked = masked_graph(graph, masks, arena);
    if (shrink(graph, masks, arena, &shrunk, &left, &diag) != OK) {
        check_refusal(masked, diag.message, seed);
        tally->n_refused++;
        return;
    }
    tally->n++;
    struct difference difference = reference_difference(masked, shrunk, N_SAMPLES, seed);
    if (!(difference.of_output < tolerance || difference.of_activation < rounding))
        fail_msg("seed %" PRIu64 ": outputs differ by %g of the largest\n%s---\n%s", seed,
                 difference.of_output, dump(masked, arena), dump(shrunk, arena));
    if (difference.of_output < tolerance)
        tally->worst = fmax(tally->worst, difference.of_output);
    else
        tally->n_cancelled++;
    tally->n_held += check_masks(shrunk, left) > 0;
    assert_int_equal(shrink(masked, NULL, arena, &from_zeros, NULL, &diag), OK);
    assert_string_equal(dump(from_zeros, arena), dump(shrunk, arena));
    assert_int_equal(shrink(shrunk, left, arena, &again, &left_again, &diag), OK);
    if (strcmp(dump(again, arena), dump(shrunk, arena)) != 0)
        fail_msg("seed %" PRIu64 ": shrunk twice is not shrunk once", seed);
    assert_true(count_weights(shrunk) <= count_weights(graph));
    tally->n_smaller += count_weights(shrunk) < count_weights(graph);
    for (int32_t n = 0; n < graph->n_nodes; n++)
        tally->ops[graph->nodes[n].op]++;
}

static void print_tally(const char *what, const struct tally *tally)
{
    print_message("%d %s, %d smaller, %d with weights to hold at zero, "
                  "largest difference %.2g; %d more refused\n",
                  tally->n, what, tally->n_smaller, tally->n_held, tally->worst, tally->n_refused);
}

static void random_graphs(void **state)
{
    (void)state;
    struct tally tally = {0};
    uint64_t first = test_seed();
    for (uint64_t seed = first; tally.n < N_GRAPHS; seed++) {
        struct arena arena = {0};
        struct graph *graph = random_float_graph(seed, &arena);
        struct random random = {seed};
        try_graph(graph, random_masks(graph, &random, 30, &arena), seed, &tally, &arena);
        arena_free(&arena);
    }
    print_tally("random graphs", &tally);
    assert_true(tally.n_smaller > N_GRAPHS / 3);
    assert_true(tally.n_cancelled <= N_GRAPHS / 100);
    assert_true(tally.n_held > N_GRAPHS / 4);
    for (int op = 0; op < N_OPS; op++)
        if (tally.ops[op] < N_GRAPHS / 20 && op != OP_quantize && op != OP_dequantize)
            fail_msg("only %d nodes %s", tally.ops[op], op_name((enum op)op));
    assert_true(tally.n_refused < 3 * N_GRAPHS);
}

static void random_networks(void **state)
{
    (void)state;
    struct tally tally = {0};
    uint64_t first = test_seed();
    for (uint64_t seed = first; tally.n < N_NETWORKS; seed++) {
        struct arena arena = {0};
        struct random random = {seed};
        const char *text = train_random_network(&random, &arena);
        struct graph *graph = train_case_graph(text, &random, &arena);
        try_graph(graph, random_masks(graph, &random, 75, &arena), seed, &tally, &arena);
        arena_free(&arena);
    }
    print_tally("random networks", &tally);
    assert_true(tally.n_smaller > N_NETWORKS / 2);
    assert_int_equal(tally.n_cancelled, 0);
    assert_true(tally.n_refused < N_NETWORKS / 2);
}

/* ---- networks ---- */

enum { N_KINDS = 5 };

/* A network with random constants, and its name. */
static struct graph *network_of_kind(int kind, struct random *random, const char **name,
                                     struct arena *arena)
{
    static const char *const names[N_KINDS] = {"ResNet", "MobileNet v1", "MobileNet v2",
                                               "SqueezeNet", "U-Net"};
    const char *(*const make[N_KINDS])(struct arena * arena) = {NULL, mobilenet_v1, mobilenet_v2,
                                                                squeezenet, u_net};
    struct file file;
    struct diag diag;
    *name = names[kind];
    if (make[kind])
        return train_case_graph(make[kind](arena), random, arena);
    assert_int_equal(file_read("zoo/resnet8.txt", arena, &file, &diag), OK);
    return train_case_graph((const char *)file.data, random, arena);
}

/* By the engine, as networks are run. */
static void networks_keep_their_outputs(void **state)
{
    (void)state;
    struct random random = {test_seed()};
    for (int kind = 0; kind < N_KINDS; kind++) {
        double worst = 0;
        int n_shrunk = 0;
        const char *name = "";
        for (int k = 0; k < 10; k++) {
            struct arena arena = {0};
            struct graph *graph = network_of_kind(kind, &random, &name, &arena), *shrunk;
            struct masks *masks = random_masks(graph, &random, 75, &arena);
            struct diag diag = {""};
            if (shrink(graph, masks, &arena, &shrunk, NULL, &diag) == OK) {
                const struct graph *masked = masked_graph(graph, masks, &arena);
                worst = fmax(worst, float_difference(masked, shrunk, 2, (uint64_t)k));
                n_shrunk++;
            } else {
                assert_true(is_refusal(diag.message));
            }
            arena_free(&arena);
        }
        print_message("%s: largest difference %.2g in %d masked networks\n", name, worst, n_shrunk);
        assert_true(n_shrunk > 0 && worst < tolerance);
    }
}

/* Trained float networks, where they are. */
static void trained_networks(void **state)
{
    (void)state;
    static const char *const names[] = {"pretrainedResnet", "ad01_fp32", "vww_96_float"};
    struct random random = {test_seed()};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct arena arena = {0};
        struct file file;
        struct diag diag = {""};
        struct graph *graph, *shrunk;
        const char *path = arena_printf(&arena, "../shared/models/%s.tflite", names[i]);
        if (access(path, R_OK) != 0) {
            print_message("%s is not there\n", path);
            skip();
        }
        file_read(path, &arena, &file, &diag);
        import_tflite(file.data, file.size, names[i], &arena, &graph, &diag);
        struct masks *masks = sparse_masks(graph, &random, &arena);
        shrink(graph, masks, &arena, &shrunk, NULL, &diag);
        assert_string_equal(diag.message, "");
        double difference = float_difference(masked_graph(graph, masks, &arena), shrunk, 2, i);
        print_message("%s: %" PRId64 " of %" PRId64 " weights, difference %.2g\n", names[i],
                      count_weights(shrunk), count_weights(graph), difference);
        assert_true(difference < tolerance);
        arena_free(&arena);
    }
}

/* ---- classes ---- */

/* A class, and how many of its filters each layer has. */
struct class_filters {
    int32_t class, n_filters;
    int32_t *of;    /* by node */
    int one_by_one; /* a channel lives while one of the filters does: no depthwise convolution */
};

static struct class_filters class_filters(const struct graph *graph, const struct groups *groups,
                                          int32_t class, struct arena *arena)
{
    struct class_filters filters = {class, 0, ARENA_ARRAY(arena, (size_t)graph->n_nodes, int32_t),
                                    1};
    for (int32_t n = 0; n < graph->n_nodes; n++)
        for (int32_t o = 0; o < groups->n_filters[n]; o++) {
            if (groups->of[n][o] != class)
                continue;
            filters.of[n]++;
            filters.n_filters++;
            filters.one_by_one &= graph->nodes[n].op != OP_depthwise_conv_2d;
        }
    return filters;
}

/* Masks all filters of the class, but for the one numbered `spared`. */
static struct masks *class_masks(const struct graph *graph, const struct groups *groups,
                                 int32_t class, int32_t spared, struct arena *arena)
{
    struct masks *masks = masks_of_ones(graph, arena);
    int32_t k = 0;
    for (int32_t n = 0; n < graph->n_nodes; n++)
        for (int32_t o = 0; o < groups->n_filters[n]; o++)
            if (groups->of[n][o] == class && k++ != spared)
                mask_filter(graph, n, o, masks->kept[n]);
    return masks;
}

/* Each layer, found by its name, has lost as many filters as `lost` says (NULL: none). */
static void check_lost(const struct graph *graph, const struct graph *shrunk, const int32_t *lost)
{
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        const struct shape *before = &node_output(graph, node)->shape;
        if (!op_has_weights(node->op))
            continue;
        int32_t i = 0;
        while (i < shrunk->n_nodes && strcmp(shrunk->nodes[i].name, node->name) != 0)
            i++;
        assert_in_range(i, 0, shrunk->n_nodes - 1);
        const struct shape *after = &node_output(shrunk, &shrunk->nodes[i])->shape;
        assert_int_equal(after->dims[after->rank - 1],
                         before->dims[before->rank - 1] - (lost ? lost[n] : 0));
    }
}

static int n_in_part;

static void try_class(const struct graph *graph, const struct groups *groups, int32_t class)
{
    struct arena arena = {0};
    struct graph *shrunk;
    struct diag diag = {""};
    struct class_filters filters = class_filters(graph, groups, class, &arena);
    struct masks *masks = class_masks(graph, groups, class, -1, &arena);
    shrink(graph, masks, &arena, &shrunk, NULL, &diag);
    assert_string_equal(diag.message, "");
    check_lost(graph, shrunk, filters.of);
    for (int32_t k = 0; k < filters.n_filters && filters.n_filters > 1 && filters.one_by_one; k++) {
        masks = class_masks(graph, groups, class, k, &arena);
        shrink(graph, masks, &arena, &shrunk, NULL, &diag);
        assert_string_equal(diag.message, "");
        check_lost(graph, shrunk, NULL);
        n_in_part++;
    }
    arena_free(&arena);
}

/* Classes leave, and only whole ones, where nothing is left of a channel but zeros. */
static void classes_leave(void **state)
{
    (void)state;
    struct random random = {test_seed()};
    for (int kind = 0; kind < N_KINDS; kind++) {
        struct arena arena = {0};
        const char *name;
        struct graph *graph = network_of_kind(kind, &random, &name, &arena);
        struct groups *groups;
        struct diag diag;
        silence(graph);
        n_in_part = 0;
        assert_int_equal(couple(graph, &arena, &groups, &diag), OK);
        for (int32_t class = 0; class < groups->n_groups; class += 1 + groups->n_groups / 40)
            try_class(graph, groups, class);
        print_message("%s: %d classes, %d times in part\n", name, groups->n_groups, n_in_part);
        assert_true(n_in_part > 0 || kind == 1 || kind == 4);
        arena_free(&arena);
    }
}

/* ---- masks by hand ---- */

static void check_mask(const struct masks *masks, int32_t node, const char *expected)
{
    if (expected == NULL) {
        assert_null(masks->kept[node]);
        return;
    }
    assert_non_null(masks->kept[node]);
    for (size_t i = 0; i < strlen(expected); i++)
        assert_int_equal(masks->kept[node][i], expected[i] - '0');
}

/* Filter 1 of "a" makes 2: it stays for the add, its share of "b" moves into the bias. Filter 2
 * makes 0 and leaves. One weight of "d" is absent; "c" keeps all. */
static void masks_come_along(void **state)
{
    (void)state;
    static const char text[] = "graph g\ntensor \"x\" f32 1x2x2x1\n"
                               "tensor \"a/w\" f32 3x1x1x1 = 1 2 3\n"
                               "tensor \"a/b\" f32 3 = 0 2 0\ntensor \"a\" f32 1x2x2x3\n"
                               "tensor \"b/w\" f32 1x1x1x3 = 3 4 5\ntensor \"b\" f32 1x2x2x1\n"
                               "tensor \"c/w\" f32 3x1x1x1 = 6 7 8\ntensor \"c\" f32 1x2x2x3\n"
                               "tensor \"sum\" f32 1x2x2x3\n"
                               "tensor \"d/w\" f32 1x1x2x3 = 1 2 3 4 5 6\n"
                               "tensor \"d\" f32 1x2x1x1\ninput \"x\"\n"
                               "node conv_2d a \"x\" \"a/w\" \"a/b\" -> \"a\"\n"
                               "node conv_2d b \"a\" \"b/w\" -> \"b\"\n"
                               "node conv_2d c \"b\" \"c/w\" -> \"c\"\n"
                               "node add sum \"a\" \"c\" -> \"sum\"\n"
                               "node conv_2d d \"sum\" \"d/w\" -> \"d\"\noutput \"d\"\n";
    uint8_t a[] = {1, 0, 0}, c[] = {1, 1, 0}, d[] = {1, 0, 1, 1, 1, 1};
    uint8_t *kept[] = {a, NULL, c, NULL, d};
    const struct masks masks = {5, kept};
    struct arena arena = {0};
    struct graph *graph, *shrunk;
    struct masks *left;
    struct diag diag = {""};
    graph_parse(text, strlen(text), &arena, &graph, &diag);
    assert_string_equal(diag.message, "");
    assert_int_equal(shrink(graph, &masks, &arena, &shrunk, &left, &diag), OK);
    check_mask(left, 0, "10");
    check_mask(left, 1, "10");
    check_mask(left, 2, NULL);
    check_mask(left, 3, NULL);
    check_mask(left, 4, "1011");
    assert_true(((const float *)node_input(shrunk, &shrunk->nodes[1], 2)->data)[0] == 8);
    arena_free(&arena);
}

/* ---- refusals, and branches that vanish ---- */

/* Shrinks the net without the filters of some layers, named by their values. */
static enum status shrink_without(struct net *net, struct net_value output, const int *dead,
                                  struct graph **shrunk, struct diag *diag)
{
    struct arena *arena = net->text.arena;
    struct random random = {7};
    struct graph *graph = train_case_graph(net_finish(net, output), &random, arena);
    struct masks *masks = masks_of_ones(graph, arena);
    for (; *dead >= 0; dead++)
        for (int32_t n = 0; n < graph->n_nodes; n++)
            if (strcmp(graph->nodes[n].name, arena_printf(arena, "n%d", *dead)) == 0)
                mask_layer(graph, n, masks->kept[n]);
    TRY(shrink(graph, masks, arena, shrunk, NULL, diag));
    assert_true(float_difference(masked_graph(graph, masks, arena), *shrunk, 3, 5) < tolerance);
    return OK;
}

static void dead_chain_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct net net = net_start(&arena);
    struct graph *shrunk;
    struct diag diag;
    struct net_value a = net_conv(&net, net_input(&net, 4, 4, 2), 3, 3, 1, "relu");
    struct net_value b = net_norm(&net, net_conv(&net, a, 4, 3, 1, "none"), "relu");
    struct net_value c = net_conv(&net, b, 5, 1, 1, "none");
    enum status status =
        shrink_without(&net, net_dense(&net, c, 3), (const int[]){2, -1}, &shrunk, &diag);
    assert_int_equal(status, ERR_INPUT);
    assert_string_equal(diag.message, "conv_2d 'n2' keeps no filter; prune less of it");
    arena_free(&arena);
}

/* Filters that only read what is absent are none. */
static void path_of_constants_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct net net = net_start(&arena);
    struct graph *shrunk;
    struct diag diag;
    struct net_value x = net_input(&net, 4, 4, 2), a = net_conv(&net, x, 3, 3, 1, "relu");
    struct net_value b = net_conv(&net, x, 3, 3, 1, "relu");
    struct net_value c = net_conv(&net, net_concat(&net, a, b), 4, 3, 1, "none");
    enum status status =
        shrink_without(&net, net_mean(&net, c), (const int[]){a.id, b.id, -1}, &shrunk, &diag);
    assert_int_equal(status, ERR_INPUT);
    assert_string_equal(diag.message, "conv_2d 'n1' keeps no filter; prune less of it");
    arena_free(&arena);
}

static int count_ops(const struct graph *graph, enum op op)
{
    int n = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++)
        n += graph->nodes[i].op == op;
    return n;
}

/* The branch makes one constant a channel: the add keeps it as its operand. Where the constants are
 * zero, it vanishes too. */
static void residual_branch_vanishes(void **state)
{
    (void)state;
    for (int zero = 0; zero < 2; zero++) {
        struct arena arena = {0};
        struct net net = net_start(&arena);
        struct graph *shrunk;
        struct diag diag = {""};
        struct net_value a = net_conv(&net, net_input(&net, 4, 4, 2), 3, 3, 1, "none");
        struct net_value b = net_conv(&net, a, 4, 3, 1, "relu");
        struct net_value c = zero ? net_depthwise(&net, net_depthwise(&net, a, 1, 1), 1, 1)
                                  : net_conv(&net, b, 3, 3, 1, "none");
        struct net_value sum = net_add(&net, a, c, "relu");
        int dead[] = {c.id, -1};
        shrink_without(&net, net_mean(&net, sum), dead, &shrunk, &diag);
        assert_string_equal(diag.message, "");
        assert_int_equal(count_ops(shrunk, OP_conv_2d), 1);
        assert_int_equal(count_ops(shrunk, OP_depthwise_conv_2d), 0);
        assert_int_equal(count_ops(shrunk, OP_add), zero ? 0 : 1);
        assert_int_equal(count_ops(shrunk, OP_relu), zero ? 1 : 0);
        arena_free(&arena);
    }
}

static void joined_branch_vanishes(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct net net = net_start(&arena);
    struct graph *shrunk;
    struct diag diag = {""};
    struct net_value x = net_input(&net, 4, 4, 2), a = net_conv(&net, x, 3, 3, 1, "relu");
    struct net_value b = net_conv(&net, net_conv(&net, x, 3, 3, 1, "relu"), 4, 3, 1, "relu");
    struct net_value c = net_conv(&net, net_concat(&net, a, b), 4, 1, 1, "none");
    shrink_without(&net, net_mean(&net, c), (const int[]){b.id, -1}, &shrunk, &diag);
    assert_string_equal(diag.message, "");
    assert_int_equal(count_ops(shrunk, OP_conv_2d), 2);
    assert_int_equal(count_ops(shrunk, OP_concatenation), 0);
    arena_free(&arena);
}

static void refuse_text(const char *text, enum status expected, const char *message)
{
    struct arena arena = {0};
    struct graph *graph, *shrunk;
    struct diag diag = {""};
    graph_parse(text, strlen(text), &arena, &graph, &diag);
    assert_string_equal(diag.message, "");
    assert_int_equal(shrink(graph, NULL, &arena, &shrunk, NULL, &diag), expected);
    assert_string_equal(diag.message, message);
    arena_free(&arena);
}

static void other_graphs_are_refused(void **state)
{
    (void)state;
    refuse_text("graph g\ntensor \"x\" f32 1x2\ntensor \"w\" f32 2x2 init he_normal\n"
                "tensor \"y\" f32 1x2\ninput \"x\"\n"
                "node fully_connected d \"x\" \"w\" -> \"y\"\noutput \"y\"\n",
                ERR_INPUT, "'w' has no trained values yet; train the network first (dtmm train)");
    refuse_text("graph g\ntensor \"x\" s8 1x2 scale 1\ntensor \"y\" s8 1x2 scale 1\n"
                "input \"x\"\nnode relu r \"x\" -> \"y\"\noutput \"y\"\n",
                ERR_UNSUPPORTED, "'x' is quantized; shrink the float network");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs),
        cmocka_unit_test(random_networks),
        cmocka_unit_test(networks_keep_their_outputs),
        cmocka_unit_test(trained_networks),
        cmocka_unit_test(classes_leave),
        cmocka_unit_test(masks_come_along),
        cmocka_unit_test(dead_chain_is_refused),
        cmocka_unit_test(path_of_constants_is_refused),
        cmocka_unit_test(residual_branch_vanishes),
        cmocka_unit_test(joined_branch_vanishes),
        cmocka_unit_test(other_graphs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
