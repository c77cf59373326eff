/* SPDX-License-Identifier: Apache-2.0 */
/* Compensation without training: small layers against a direct solution of the least squares, what
 * must never happen, and random graphs. DTMM_SEED is the first random graph's seed. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "graph/facts.h"
#include "pass/pass.h"
#include "test/kernels/seed.h"
#include "test/unit/float_graph.h"
#include "test/unit/random_graph.h"
#include "train/compensate.h"
#include "train/gram.h"
#include "train/least_squares.h"
#include "train/outputs.h"
#include "train/reconstruction.h"

#include <cmocka.h> /* last: it makes fail() a macro */

enum { COLUMNS = 7, FILTERS = 5, ROWS = 40, N_GRAPHS = 60, N_SAMPLES = 24 };

/* ---- least squares ---- */

struct made_problem {
    double x[ROWS][COLUMNS], y[ROWS][FILTERS];
    double xx[COLUMNS * COLUMNS], xy[FILTERS * COLUMNS], weights[FILTERS * COLUMNS];
    uint8_t kept[FILTERS * COLUMNS];
};

static void problem_sum(struct made_problem *p)
{
    for (int i = 0; i < COLUMNS; i++)
        for (int j = 0; j < COLUMNS; j++) {
            p->xx[i * COLUMNS + j] = 0;
            for (int r = 0; r < ROWS; r++)
                p->xx[i * COLUMNS + j] += p->x[r][i] * p->x[r][j] / ROWS;
        }
    for (int f = 0; f < FILTERS; f++)
        for (int i = 0; i < COLUMNS; i++) {
            p->xy[f * COLUMNS + i] = 0;
            for (int r = 0; r < ROWS; r++)
                p->xy[f * COLUMNS + i] += p->y[r][f] * p->x[r][i] / ROWS;
        }
}

/* Random rows; filter 0 keeps all, 1 and 2 the same, the last nothing. */
static struct made_problem problem_make(uint64_t seed)
{
    struct random random = {seed};
    struct made_problem p = {0};
    for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < COLUMNS; i++)
            p.x[r][i] = i == COLUMNS - 1 ? 1 : (double)random_real(&random, -1, 2);
        for (int f = 0; f < FILTERS; f++)
            p.y[r][f] = (double)random_real(&random, -3, 3);
    }
    for (int f = 0; f < FILTERS; f++)
        for (int i = 0; i < COLUMNS; i++) {
            p.weights[f * COLUMNS + i] = (double)random_real(&random, -1, 1);
            p.kept[f * COLUMNS + i] = f == 0 || (f == 1 && i % 2) || (f == 2 && i % 2) ||
                                      (f == 3 && i > 2) || i == COLUMNS - 1;
        }
    problem_sum(&p);
    return p;
}

static struct least_squares problem_of(struct made_problem *p, double damping, const float *scale)
{
    return (struct least_squares){COLUMNS, FILTERS, p->xx, p->xy,
                                  p->kept, damping, scale, p->weights};
}

static double error_of(const struct made_problem *p, int filter, const double *weights)
{
    double sum = 0;
    for (int r = 0; r < ROWS; r++) {
        double made = 0;
        for (int i = 0; i < COLUMNS; i++)
            made += p->x[r][i] * weights[i];
        sum += (made - p->y[r][filter]) * (made - p->y[r][filter]) / ROWS;
    }
    return sum;
}

/* Gauss elimination with pivots on the normal equations of the kept columns. */
static void solve_directly(const struct made_problem *p, int filter, double *weights)
{
    int column[COLUMNS], n = 0;
    double a[COLUMNS][COLUMNS + 1];
    memset(weights, 0, COLUMNS * sizeof *weights);
    for (int i = 0; i < COLUMNS; i++)
        if (p->kept[filter * COLUMNS + i])
            column[n++] = i;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            a[i][j] = p->xx[column[i] * COLUMNS + column[j]];
        a[i][n] = p->xy[filter * COLUMNS + column[i]];
    }
    for (int k = 0; k < n; k++)
        for (int i = 0; i < n; i++)
            for (int j = n; i != k && j >= k; j--)
                a[i][j] -= a[k][j] * a[i][k] / a[k][k];
    for (int i = 0; i < n; i++)
        weights[column[i]] = a[i][n] / a[i][i];
}

static uint64_t first_seed;

static void solutions_equal_direct_ones(void **state)
{
    (void)state;
    struct made_problem p = problem_make(first_seed);
    struct least_squares problem = problem_of(&p, 0, NULL);
    assert_int_equal(least_squares_solve(&problem), 0);
    for (int f = 0; f < FILTERS; f++) {
        double direct[COLUMNS];
        solve_directly(&p, f, direct);
        for (int i = 0; i < COLUMNS; i++) {
            assert_true(fabs(p.weights[f * COLUMNS + i] - direct[i]) < 1e-9);
            if (!p.kept[f * COLUMNS + i])
                assert_true(p.weights[f * COLUMNS + i] == 0);
        }
    }
}

/* Whatever the damping, even where columns depend on each other or are all zero. */
static void errors_never_grow(void **state)
{
    (void)state;
    static const double dampings[] = {0, 1e-6, 1e-3, 1, 1e3};
    for (int k = 0; k < 60; k++) {
        struct made_problem p = problem_make(first_seed + (uint64_t)k);
        for (int r = 0; r < ROWS; r++) {
            p.x[r][3] = k % 3 == 1 ? p.x[r][4] : p.x[r][3];
            for (int i = 0; i < COLUMNS - 1 && k % 3 == 2; i++)
                p.x[r][i] = i < 3 ? 0 : p.x[r][i] * 1e-9;
        }
        problem_sum(&p);
        struct made_problem before = p;
        for (int i = 0; i < FILTERS * COLUMNS; i++)
            before.weights[i] *= p.kept[i];
        struct least_squares problem = problem_of(&p, dampings[k % 5], NULL);
        assert_int_equal(least_squares_solve(&problem), 0);
        for (int f = 0; f < FILTERS; f++)
            assert_true(error_of(&p, f, p.weights + f * COLUMNS) <=
                        error_of(&p, f, before.weights + f * COLUMNS) * (1 + 1e-9));
    }
}

/* An empty filter is the mean of what is wanted. */
static void an_empty_filter(void **state)
{
    (void)state;
    struct made_problem p = problem_make(7);
    struct least_squares problem = problem_of(&p, 1e-3, NULL);
    double mean = 0;
    for (int r = 0; r < ROWS; r++)
        mean += p.y[r][FILTERS - 1] / ROWS;
    least_squares_solve(&problem);
    for (int i = 0; i < COLUMNS - 1; i++)
        assert_true(p.weights[(FILTERS - 1) * COLUMNS + i] == 0);
    assert_true(fabs(p.weights[FILTERS * COLUMNS - 1] - mean) < 1e-12);
}

/* Sums that are not finite leave the kept weights alone. */
static void not_finite(void **state)
{
    (void)state;
    struct made_problem p = problem_make(8), before = p;
    p.xx[0] = (double)NAN;
    struct least_squares problem = problem_of(&p, 1e-3, NULL);
    assert_true(least_squares_solve(&problem) > 0);
    for (int i = 0; i < FILTERS * COLUMNS; i++)
        assert_true(isfinite(p.weights[i]) || isnan(p.xy[i]));
    assert_true(p.weights[0] == before.weights[0]);
}

/* Rounded one after another, weights are multiples of the scale, and better than rounded alone. */
static void rounded_weights(void **state)
{
    (void)state;
    double together = 0, alone = 0;
    static const float scale[FILTERS] = {0.25f, 0.25f, 0.3f, 0.25f, 0.25f};
    for (int k = 0; k < 50; k++) {
        struct made_problem p = problem_make(first_seed + (uint64_t)k), real = p;
        struct least_squares problem = problem_of(&p, 1e-6, scale),
                             of_real = problem_of(&real, 1e-6, NULL);
        assert_int_equal(least_squares_solve(&problem), 0);
        assert_int_equal(least_squares_solve(&of_real), 0);
        for (int f = 0; f < FILTERS; f++) {
            for (int i = 0; i < COLUMNS - 1; i++) {
                int at = f * COLUMNS + i;
                double steps = p.weights[at] / (double)scale[f];
                assert_true(steps == round(steps) && (p.kept[at] || steps == 0));
                real.weights[at] = round(real.weights[at] / (double)scale[f]) * (double)scale[f];
            }
            together += error_of(&p, f, p.weights + f * COLUMNS);
            alone += error_of(&p, f, real.weights + f * COLUMNS);
        }
    }
    assert_true(together < alone);
}

/* ---- Gram matrices ---- */

static struct graph *parse(const char *source, struct arena *arena)
{
    struct graph *graph = NULL;
    struct diag diag = {""};
    graph_parse(source, strlen(source), arena, &graph, &diag);
    assert_string_equal(diag.message, "");
    return graph;
}

/* The dense weights solve their own equations: their error is 0, and the mean of each column and
 * the number of rows are as they must be. */
static void check_gram(const struct graph *graph, int32_t node, const float *inputs, int32_t n,
                       int32_t max_rows)
{
    struct arena arena = {0};
    struct gram gram;
    struct diag diag = {""};
    struct gram_request request = {graph, graph, node, -1, inputs, n, max_rows};
    const struct node *layer = &graph->nodes[node];
    assert_int_equal(gram_measure(&request, &arena, &gram, &diag), OK);
    const float *weights = node_input(graph, layer, 1)->data;
    const struct tensor *bias = node_input(graph, layer, 2);
    double *filter = ARENA_ARRAY(&arena, (size_t)gram.n_columns, double);
    int depthwise = layer->op == OP_depthwise_conv_2d;
    int32_t last = gram.n_columns - 1, n_filters = gram.n_groups * gram.n_filters;
    for (int32_t f = 0; f < n_filters; f++) {
        for (int32_t i = 0; i < last; i++)
            filter[i] = (double)weights[depthwise ? i * n_filters + f : f * last + i];
        filter[last] = bias != NULL ? (double)((const float *)bias->data)[f] : 0;
        int32_t group = f / gram.n_filters;
        double error = gram_error(&gram, group, f % gram.n_filters, filter);
        assert_true(fabs(error) <= 1e-9 * (1 + gram.yy[f]));
        assert_true(fabs(gram.xx[((int64_t)group + 1) * gram.n_columns * gram.n_columns - 1] - 1) <
                    1e-12);
    }
    int64_t positions = shape_elements(&node_output(graph, layer)->shape) / n_filters;
    assert_true(gram.n_rows == (max_rows / n < positions ? max_rows / n : positions) * n);
    arena_free(&arena);
}

static void gram_of_layers(void **state)
{
    (void)state;
    struct arena arena = {0};
    for (uint64_t k = 0; k < 3 * N_GRAPHS; k++) {
        struct graph *graph = parse(random_graph(first_seed + k, &arena), &arena);
        if (graph->n_inputs == 1) {
            graph = float_of(graph, k, 0, &arena);
            const float *inputs = random_inputs(graph, N_SAMPLES, k, &arena);
            for (int32_t i = 0; i < graph->n_nodes; i++)
                if (gram_has(&graph->nodes[i]))
                    check_gram(graph, i, inputs, N_SAMPLES, k % 2 ? 1 << 20 : 3 * N_SAMPLES);
        }
        arena_free(&arena);
    }
}

/* ---- whole graphs ---- */

/* Random weights are absent; now and then a whole layer. */
static struct masks *random_masks(const struct graph *graph, uint64_t seed, struct arena *arena)
{
    struct random random = {seed};
    struct masks *masks = ARENA_NEW(arena, struct masks);
    masks->n_nodes = graph->n_nodes;
    masks->kept = ARENA_ARRAY(arena, (size_t)graph->n_nodes, uint8_t *);
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        int of_ten = random_range(&random, -2, 10);
        if (!op_has_weights(graph->nodes[i].op) || of_ten < 0)
            continue;
        size_t n = (size_t)shape_elements(&node_input(graph, &graph->nodes[i], 1)->shape);
        masks->kept[i] = ARENA_ARRAY(arena, n, uint8_t);
        for (size_t k = 0; k < n; k++)
            masks->kept[i][k] = random_range(&random, 1, 10) <= of_ten;
    }
    return masks;
}

static void check_masks(const struct graph *graph, const struct masks *masks)
{
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        if (masks->kept[i] == NULL)
            continue;
        const struct tensor *weights = node_input(graph, &graph->nodes[i], 1);
        for (int64_t k = 0; k < shape_elements(&weights->shape); k++)
            assert_true(masks->kept[i][k] || ((const float *)weights->data)[k] == 0);
    }
}

static const char *dump(const struct graph *graph, struct arena *arena)
{
    struct text text = text_start(arena);
    graph_dump(graph, &text);
    return text.data;
}

/* Masks are kept to, the result is always the same, and unchanged layers stay. */
static void check_compensated(const struct graph *graph, uint64_t seed, struct arena *arena)
{
    struct graph *first, *second;
    struct diag diag = {""};
    struct compensation request = {.masks = random_masks(graph, seed, arena),
                                   .samples = random_inputs(graph, N_SAMPLES, seed, arena),
                                   .n_samples = N_SAMPLES,
                                   .repair = seed % 2};
    assert_int_equal(compensate(graph, &request, arena, &first, &diag), OK);
    assert_int_equal(compensate(graph, &request, arena, &second, &diag), OK);
    assert_string_equal(dump(first, arena), dump(second, arena));
    check_masks(first, request.masks);
    memset(request.masks->kept, 0, (size_t)graph->n_nodes * sizeof *request.masks->kept);
    assert_int_equal(compensate(graph, &request, arena, &first, &diag), OK);
    assert_string_equal(dump(first, arena), dump(graph, arena));
}

static void random_graphs(void **state)
{
    (void)state;
    struct arena arena = {0};
    int n = 0;
    for (uint64_t k = 0; k < N_GRAPHS; k++) {
        struct graph *graph = parse(random_graph(first_seed + k, &arena), &arena);
        struct diag diag = {""};
        if (graph->n_inputs == 1) {
            fold(float_of(graph, k, 1, &arena), &arena, &graph, &diag);
            check_compensated(graph, first_seed + k, &arena);
            n++;
        }
        arena_free(&arena);
    }
    assert_true(n > N_GRAPHS / 4);
}

/* Two layers and a residual add, weights by a formula. */
static struct graph *residual_graph(struct arena *arena)
{
    struct random random = {5};
    struct text text = text_start(arena);
    text_printf(&text, "graph g\ntensor \"x\" f32 1x6x6x4\n");
    for (int i = 0; i < 2; i++) {
        text_printf(&text, "tensor \"w%d\" f32 4x3x3x4 =", i);
        for (int k = 0; k < 144; k++)
            text_printf(&text, " %.6g", (double)random_real(&random, -0.3f, 0.3f));
        text_printf(&text, "\ntensor \"y%d\" f32 1x6x6x4\n", i);
    }
    text_printf(&text, "tensor \"s\" f32 1x6x6x4\ninput \"x\"\n"
                       "node conv_2d a \"x\" \"w0\" -> \"y0\" pads 1 1 1 1 activation relu\n"
                       "node conv_2d b \"y0\" \"w1\" -> \"y1\" pads 1 1 1 1\n"
                       "node add s \"y0\" \"y1\" -> \"s\" activation relu\noutput \"s\"\n");
    return parse(text.data, arena);
}

/* Pixels of a sample are like each other, or there is nothing to make good with. */
static float *smooth_inputs(const struct graph *graph, int32_t n, uint64_t seed,
                            struct arena *arena)
{
    struct random random = {seed};
    float *inputs = random_inputs(graph, n, seed, arena);
    for (int32_t k = 0; k < n; k++) {
        float mean = random_real(&random, -3, 3);
        for (int32_t i = 0; i < 6 * 6 * 4; i++)
            inputs[k * 6 * 6 * 4 + i] = inputs[k * 6 * 6 * 4 + i] * 0.3f + mean;
    }
    return inputs;
}

/* With damping beyond measure, biases alone are solved. */
static double error_made(const struct graph *graph, const struct masks *masks, int compensated,
                         int repair, struct arena *arena)
{
    const float *samples = smooth_inputs(graph, 64, 3, arena);
    struct compensation request = {.masks = masks,
                                   .samples = samples,
                                   .n_samples = 64,
                                   .damping = compensated ? 0 : 1e12,
                                   .repair = repair};
    struct outputs outputs;
    struct graph *without;
    struct diag diag;
    double error;
    assert_int_equal(compensate(graph, &request, arena, &without, &diag), OK);
    assert_int_equal(
        outputs_make(graph, smooth_inputs(graph, 64, 4, arena), 64, arena, &outputs, &diag), OK);
    assert_int_equal(outputs_error(&outputs, without, &error, &diag), OK);
    return error;
}

static double error_without(const struct graph *graph, const struct masks *masks, int compensated,
                            struct arena *arena)
{
    return error_made(graph, masks, compensated, 0, arena);
}

/* On samples that it has not seen, too: less error than with the weights as they were; and the
 * filterlets that reconstruction chooses are better than random ones. */
static void outputs_come_nearer(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct graph *graph = residual_graph(&arena), *pruned;
    struct masks *masks = random_masks(graph, 0, &arena);
    struct scores *scores;
    struct diag diag;
    for (int32_t i = 0; i < 2; i++) {
        masks->kept[i] = ARENA_ARRAY(&arena, 144, uint8_t);
        for (int32_t k = 0; k < 144; k++)
            masks->kept[i][k] = k / 4 % 3 != 0;
    }
    double random = error_without(graph, masks, 1, &arena);
    assert_true(random < 0.5 * error_without(graph, masks, 0, &arena));
    assert_true(error_made(graph, masks, 0, 1, &arena) <
                0.97 * error_without(graph, masks, 0, &arena));
    assert_int_equal(score_reconstruction(graph, smooth_inputs(graph, 64, 3, &arena), 64, 0, NULL,
                                          &arena, &scores, &diag),
                     OK);
    struct masks *chosen;
    struct unit filterlet = {UNIT_FILTERLET, 0};
    const struct recipe *recipe = recipe_uniform(graph, filterlet, 1.0 / 3, &arena);
    assert_int_equal(choose_masks(graph, scores, recipe, NULL, &arena, &chosen, &diag), OK);
    assert_int_equal(prune(graph, chosen, NULL, &arena, &pruned, &diag), OK);
    for (int32_t i = 0; i < 2; i++)
        for (int32_t k = 0; k < 144; k++)
            masks->kept[i][k] =
                ((const float *)node_input(pruned, &pruned->nodes[i], 1)->data)[k] != 0;
    assert_true(error_without(graph, masks, 1, &arena) < random);
    arena_free(&arena);
}

/* What is lost without the block of the lowest (or highest) score of each filter of layer `a`. */
static double error_of_ends(const struct graph *graph, const struct scores *scores, int highest,
                            struct arena *arena)
{
    struct masks *masks = random_masks(graph, 0, arena);
    for (int32_t i = 0; i < 2; i++) {
        masks->kept[i] = ARENA_ARRAY(arena, 144, uint8_t);
        memset(masks->kept[i], 1, 144);
    }
    for (int32_t filter = 0; filter < 4; filter++) {
        const float *of = scores->nodes[0].of + 18 * filter;
        int32_t end = 0;
        for (int32_t u = 1; u < 18; u++)
            if (highest ? of[u] > of[end] : of[u] < of[end])
                end = u;
        for (int32_t c = 0; c < (end % 2 ? 1 : 3); c++)
            masks->kept[0][filter * 36 + end / 2 * 4 + end % 2 * 3 + c] = 0;
    }
    return error_without(graph, masks, 1, arena);
}

/* Blocks of three of four channels, the second of a filterlet has one; in a filter, what goes first
 * costs least. */
static void scores_of_blocks(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct graph *graph = residual_graph(&arena);
    const float *samples = smooth_inputs(graph, 64, 3, &arena);
    struct scores *scores;
    struct diag diag;
    assert_int_equal(score_reconstruction(graph, samples, 64, 3, NULL, &arena, &scores, &diag), OK);
    for (int32_t i = 0; i < 2; i++) {
        assert_true(scores->nodes[i].n_units == 4 * 18);
        for (int32_t k = 0; k < 4 * 18; k++)
            assert_true(isfinite(scores->nodes[i].of[k]) && scores->nodes[i].of[k] > 0);
    }
    assert_null(scores->nodes[2].of);
    assert_true(error_of_ends(graph, scores, 0, &arena) <
                0.1 * error_of_ends(graph, scores, 1, &arena));
    arena_free(&arena);
}

static void see_next(void *context, int32_t done, int32_t total)
{
    int32_t *next = context;
    assert_int_equal(total, 3);
    assert_int_equal(done, *next);
    ++*next;
}

/* Each node, and the end. */
static void watchers_are_told(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct graph *graph = residual_graph(&arena), *solved;
    int32_t next = 0;
    const struct layer_watch watch = {see_next, &next};
    const float *samples = smooth_inputs(graph, 64, 3, &arena);
    struct compensation request = {.masks = random_masks(graph, 1, &arena),
                                   .samples = samples,
                                   .n_samples = 64,
                                   .watch = &watch};
    struct scores *scores;
    struct diag diag;
    assert_int_equal(compensate(graph, &request, &arena, &solved, &diag), OK);
    assert_int_equal(next, 4);
    next = 0;
    assert_int_equal(score_reconstruction(graph, samples, 64, 0, &watch, &arena, &scores, &diag),
                     OK);
    assert_int_equal(next, 4);
    arena_free(&arena);
}

/* Weights with given scales come out as multiples of them. */
static void rounded_graph(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct graph *graph = residual_graph(&arena), *rounded;
    struct masks *masks = random_masks(graph, 1, &arena);
    struct fake_quantization fake = {graph->n_tensors, NULL, graph->n_nodes,
                                     ARENA_ARRAY(&arena, (size_t)graph->n_nodes, struct fake_node)};
    static const float scale[4] = {0.01f, 0.02f, 0.005f, 0.01f};
    struct diag diag;
    for (int32_t i = 0; i < 2; i++)
        fake.nodes[i].weights = (struct quantization){.n = 4, .scale = scale};
    struct compensation request = {.masks = masks,
                                   .scales = &fake,
                                   .samples = random_inputs(graph, 64, 3, &arena),
                                   .n_samples = 64,
                                   .repair = 1};
    assert_int_equal(compensate(graph, &request, &arena, &rounded, &diag), OK);
    check_masks(rounded, masks);
    for (int32_t i = 0; i < 2; i++)
        for (int32_t k = 0; k < 144; k++) {
            float weight = ((const float *)node_input(rounded, &rounded->nodes[i], 1)->data)[k];
            int32_t q = quantize_value((double)weight, scale[k / 36], 0, -127);
            assert_true(weight == dequantize_value(q, scale[k / 36], 0));
        }
    arena_free(&arena);
}

/* a, b (whose outputs are added) and t make two channels each, of which c reads. */
static const char silent_text[] =
    "graph g\n"
    "tensor \"x\" f32 1x3x3x2\n"
    "tensor \"a/w\" f32 2x1x1x2 = 1 2 3 4\ntensor \"a/b\" f32 2 = 0.5 1\n"
    "tensor \"b/w\" f32 2x1x1x2 = 2 -1 1 1\ntensor \"b/b\" f32 2 = -0.5 2\n"
    "tensor \"t/w\" f32 2x1x1x2 = 1 1 1 2\ntensor \"t/b\" f32 2 = 3 4\n"
    "tensor \"c/w\" f32 1x1x1x2 = 1 1\n"
    "tensor \"a\" f32 1x3x3x2\ntensor \"b\" f32 1x3x3x2\ntensor \"s\" f32 1x3x3x2\n"
    "tensor \"t\" f32 1x3x3x2\ntensor \"c\" f32 1x3x3x1\n"
    "input \"x\"\n"
    "node conv_2d a \"x\" \"a/w\" \"a/b\" -> \"a\"\n"
    "node conv_2d b \"x\" \"b/w\" \"b/b\" -> \"b\"\n"
    "node add s \"a\" \"b\" -> \"s\"\n"
    "node transpose_conv t \"s\" \"t/w\" \"t/b\" -> \"t\"\n"
    "node conv_2d c \"t\" \"c/w\" -> \"c\"\n"
    "output \"c\"\n";

/* Compensated without filter 0 of a, b and t, and without filter 1 of a. */
static const struct graph *compensated_silently(const struct graph *graph, const float *samples,
                                                int with_groups, int repair, struct arena *arena)
{
    uint8_t of_a[] = {0, 0, 0, 0}, of_others[] = {0, 0, 1, 1};
    uint8_t *kept[] = {of_a, of_others, NULL, of_others, NULL};
    struct masks masks = {5, kept};
    struct groups *groups;
    struct graph *result;
    struct diag diag;
    assert_int_equal(couple(graph, arena, &groups, &diag), OK);
    struct compensation request = {.masks = &masks,
                                   .groups = with_groups ? groups : NULL,
                                   .samples = samples,
                                   .n_samples = N_SAMPLES,
                                   .repair = repair};
    assert_int_equal(compensate(graph, &request, arena, &result, &diag), OK);
    return result;
}

static float bias_of(const struct graph *graph, int32_t node, int filter)
{
    return ((const float *)node_input(graph, &graph->nodes[node], 2)->data)[filter];
}

/* Filters of a class without weights make zeros, that their channels can leave; others, and without
 * classes all, the mean of what they made. */
static void absent_classes_are_silent(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct graph *graph = parse(silent_text, &arena);
    const float *samples = random_inputs(graph, N_SAMPLES, 3, &arena);
    double mean[2] = {0, 0};
    for (int i = 0; i < 9 * 2 * N_SAMPLES; i++)
        mean[i % 2] += (double)samples[i] / (9 * N_SAMPLES);
    double a0 = mean[0] + 2 * mean[1] + 0.5, a1 = 3 * mean[0] + 4 * mean[1] + 1,
           b0 = 2 * mean[0] - mean[1] - 0.5;
    const struct graph *result = compensated_silently(graph, samples, 0, 0, &arena);
    assert_true(fabs((double)bias_of(result, 0, 0) - a0) < 1e-5);
    assert_true(fabs((double)bias_of(result, 0, 1) - a1) < 1e-5);
    assert_true(fabs((double)bias_of(result, 1, 0) - b0) < 1e-5);
    assert_true(bias_of(result, 3, 0) == 3);
    for (int repair = 0; repair < 2; repair++) {
        result = compensated_silently(graph, samples, 1, repair, &arena);
        assert_true(bias_of(result, 0, 0) == 0 && bias_of(result, 1, 0) == 0);
        assert_true(bias_of(result, 3, 0) == 0 && bias_of(result, 3, 1) == 4);
        assert_true(repair || fabs((double)bias_of(result, 0, 1) - a1) < 1e-5);
    }
    arena_free(&arena);
}

int main(void)
{
    first_seed = test_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solutions_equal_direct_ones),
        cmocka_unit_test(errors_never_grow),
        cmocka_unit_test(an_empty_filter),
        cmocka_unit_test(not_finite),
        cmocka_unit_test(rounded_weights),
        cmocka_unit_test(gram_of_layers),
        cmocka_unit_test(random_graphs),
        cmocka_unit_test(outputs_come_nearer),
        cmocka_unit_test(scores_of_blocks),
        cmocka_unit_test(watchers_are_told),
        cmocka_unit_test(rounded_graph),
        cmocka_unit_test(absent_classes_are_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
