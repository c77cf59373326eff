/* SPDX-License-Identifier: Apache-2.0 */
/* The reference of training: its gradients equal central differences of what it computes forward,
 * for every case and for random networks; what differences cannot show (kinks, values) is compared
 * with numbers worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "graph/facts.h"
#include "test/train/cases.h"
#include "test/train/reference.h"

#include <cmocka.h> /* last: it makes fail() a macro */

enum { N_SAMPLES = 3, N_ELEMENTS = 3, N_NETWORKS = 8 };
static const double tolerance = 1e-6;

static struct arena arena;

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* A graph with the gradients of its outputs, as drawn: those of the loss sum(seeds * outputs). */
struct check {
    const char *name;
    struct reference *reference;
    enum reference_mode mode;
    double **seeds;  /* by output */
    double **before; /* by output: room for its values */
    struct random *random;
    double largest; /* of all gradients of inputs and constants */
    double worst;   /* error so far */
};

static int64_t output_size(const struct check *check, int32_t output)
{
    return reference_size(check->reference, check->reference->graph->outputs[output]);
}

/* Moves values of a tensor along a direction: a single element, or all by their signs. */
struct direction {
    int32_t tensor;
    int64_t element;  /* -1: all */
    const char *sign; /* by element, 0 is minus */
};

static void move(const struct check *check, const struct direction *direction, double by)
{
    double *values = check->reference->values[direction->tensor];
    if (direction->element >= 0) {
        values[direction->element] += by;
        return;
    }
    for (int64_t i = 0; i < reference_size(check->reference, direction->tensor); i++)
        values[i] += direction->sign[i] ? by : -by;
}

static double slope_given(const struct check *check, const struct direction *direction)
{
    const double *gradients = check->reference->gradients[direction->tensor];
    if (direction->element >= 0)
        return gradients[direction->element];
    double sum = 0;
    for (int64_t i = 0; i < reference_size(check->reference, direction->tensor); i++)
        sum += direction->sign[i] ? gradients[i] : -gradients[i];
    return sum;
}

/* The central difference of the loss; differences of outputs are taken before they are added up,
 * so that the size of the loss costs no digits. */
static double slope_measured(const struct check *check, const struct direction *direction,
                             double step)
{
    struct reference *r = check->reference;
    size_t bytes = (size_t)reference_size(r, direction->tensor) * sizeof(double);
    struct arena scratch = {0};
    const double *kept = arena_copy(&scratch, r->values[direction->tensor], bytes);
    double sum = 0;
    move(check, direction, -step);
    reference_forward(r, check->mode);
    for (int32_t i = 0; i < r->graph->n_outputs; i++)
        memcpy(check->before[i], r->values[r->graph->outputs[i]],
               (size_t)output_size(check, i) * sizeof(double));
    memcpy(r->values[direction->tensor], kept, bytes);
    move(check, direction, step);
    reference_forward(r, check->mode);
    for (int32_t i = 0; i < r->graph->n_outputs; i++)
        for (int64_t k = 0; k < output_size(check, i); k++)
            sum += check->seeds[i][k] * (r->values[r->graph->outputs[i]][k] - check->before[i][k]);
    memcpy(r->values[direction->tensor], kept, bytes);
    arena_free(&scratch);
    return sum / (2 * step);
}

/* A step that crosses a kink measures the mean of two slopes; a smaller one does not reach it. */
static void check_direction(struct check *check, const struct direction *direction, double scale)
{
    static const double steps[] = {1e-5, 1e-6, 1e-7};
    double given = slope_given(check, direction), measured = 0, error = INFINITY;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && error >= tolerance; i++) {
        measured = slope_measured(check, direction, steps[i]);
        error = fabs(given - measured) / fmax(scale, fabs(measured));
    }
    if (!(error < tolerance))
        fail_msg("%s, %s: '%s'[%lld]: the gradient is %.12g, measured %.12g", check->name,
                 check->mode == REFERENCE_TRAINING ? "training" : "inference",
                 check->reference->graph->tensors[direction->tensor].name,
                 (long long)direction->element, given, measured);
    check->worst = fmax(check->worst, error);
}

static double largest_gradient(const struct check *check, int32_t tensor)
{
    double largest = 0;
    for (int64_t i = 0; i < reference_size(check->reference, tensor); i++)
        largest = fmax(largest, fabs(check->reference->gradients[tensor][i]));
    return largest;
}

static int is_free(const struct graph *graph, int32_t tensor)
{
    for (int32_t i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i] == tensor)
            return 1;
    return graph->tensors[tensor].data != NULL;
}

/* Errors are relative to the largest gradient of the tensor; where all its gradients cancel (a bias
 * before a normalization), to a thousandth of the largest of all tensors. */
static void check_tensor(struct check *check, int32_t tensor)
{
    int64_t size = reference_size(check->reference, tensor);
    double scale = fmax(largest_gradient(check, tensor), check->largest / 1000);
    if (scale == 0)
        scale = 1; /* nothing has a gradient */
    for (int64_t i = 0; i < (size < N_ELEMENTS ? size : N_ELEMENTS); i++) {
        struct direction direction = {.tensor = tensor, .element = i};
        if (size > N_ELEMENTS)
            direction.element = random_range(check->random, 0, (int32_t)size - 1);
        check_direction(check, &direction, scale);
    }
    char *sign = ARENA_ARRAY(&arena, (size_t)size, char);
    for (int64_t i = 0; i < size; i++)
        sign[i] = (char)random_range(check->random, 0, 1);
    check_direction(check, &(struct direction){tensor, -1, sign}, scale);
}

static void check_mode(struct check *check)
{
    struct reference *r = check->reference;
    reference_forward(r, check->mode);
    reference_backward(r, (const double *const *)check->seeds);
    check->largest = 0;
    for (int32_t i = 0; i < r->graph->n_tensors; i++)
        if (is_free(r->graph, i))
            check->largest = fmax(check->largest, largest_gradient(check, i));
    for (int32_t i = 0; i < r->graph->n_tensors; i++)
        if (is_free(r->graph, i))
            check_tensor(check, i);
}

static int has_op(const struct graph *graph, enum op op)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].op == op)
            return 1;
    return 0;
}

/* Returns the largest error. */
static double check_text(const char *name, const char *text, struct random *random)
{
    const struct graph *graph = train_case_graph(text, random, &arena);
    struct reference reference = reference_make(graph, N_SAMPLES, &arena);
    struct check check = {.name = name, .reference = &reference, .random = random};
    check.seeds = ARENA_ARRAY(&arena, (size_t)graph->n_outputs, double *);
    check.before = ARENA_ARRAY(&arena, (size_t)graph->n_outputs, double *);
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        size_t size = (size_t)output_size(&check, i);
        check.seeds[i] = ARENA_ARRAY(&arena, size, double);
        check.before[i] = ARENA_ARRAY(&arena, size, double);
        for (size_t k = 0; k < size; k++)
            check.seeds[i][k] = random_real(random, -1, 1);
    }
    const float *inputs = train_case_inputs(graph, N_SAMPLES, random, &arena);
    for (int64_t i = 0; i < reference_size(&reference, graph->inputs[0]); i++)
        reference.values[graph->inputs[0]][i] = (double)inputs[i];
    check.mode = REFERENCE_INFERENCE;
    check_mode(&check);
    if (has_op(graph, OP_batch_normalization)) {
        check.mode = REFERENCE_TRAINING;
        check_mode(&check);
    }
    arena_free(&arena);
    return check.worst;
}

static void cases_equal_differences(void **state)
{
    (void)state;
    struct random random = {1};
    double worst = 0;
    int n = 0;
    for (; train_cases[n].name != NULL; n++)
        worst = fmax(worst, check_text(train_cases[n].name, train_cases[n].text, &random));
    printf("note: reference: %d cases, gradients differ from differences by at most %.1e\n", n,
           worst);
}

static void networks_equal_differences(void **state)
{
    (void)state;
    struct random random = {2};
    double worst = 0;
    for (int i = 0; i < N_NETWORKS; i++) {
        struct arena text_arena = {0};
        const char *text = train_random_network(&random, &text_arena);
        worst = fmax(worst, check_text(text, text, &random));
        arena_free(&text_arena);
    }
    printf("note: reference: %d random networks, gradients differ from differences by at most "
           "%.1e\n",
           N_NETWORKS, worst);
}

/* ---- what the cases cover ---- */

/* Whether a node has an attribute at another than its initial value. */
static int attribute_is_set(const struct graph *graph, const struct node *node,
                            enum attr_index attr)
{
    const struct attr_facts *facts = attr_facts(attr);
    int32_t rank = node_input(graph, node, 0)->shape.rank;
    for (int32_t i = 0; i < attr_count(facts, rank); i++)
        if (attr_get(&node->attrs, facts, i).bits != attr_initial(facts).bits)
            return 1;
    return 0;
}

static void cases_cover_every_op(void **state)
{
    (void)state;
    int set[N_OPS][N_ATTRS] = {{0}}, activations[N_OPS][4] = {{0}}, n_nodes[N_OPS] = {0}, n = 0;
    struct random random = {3};
    for (; train_cases[n].name != NULL; n++) {
        const struct graph *graph = train_case_graph(train_cases[n].text, &random, &arena);
        assert_int_equal(graph->n_inputs, 1);
        for (int32_t i = 0; i < graph->n_nodes; i++) {
            const struct node *node = &graph->nodes[i];
            n_nodes[node->op]++;
            activations[node->op][node->attrs.activation]++;
            for (int a = 0; a < N_ATTRS; a++)
                set[node->op][a] += attribute_is_set(graph, node, (enum attr_index)a);
        }
    }
    assert_true(n >= 60);
    for (int op = 0; op < N_OPS; op++) {
        if (op == OP_quantize || op == OP_dequantize)
            continue;
        if (n_nodes[op] == 0)
            fail_msg("no case has a node %s", op_name((enum op)op));
        for (int a = 0; a < N_ATTRS; a++)
            if (op_facts((enum op)op)->attributes & 1 << a && set[op][a] == 0)
                fail_msg("no case sets %s of %s", attr_facts((enum attr_index)a)->name,
                         op_name((enum op)op));
        for (int a = 0; a < 4; a++)
            if (op_facts((enum op)op)->attributes & ATTR_activation && activations[op][a] == 0)
                fail_msg("no case fuses %s behind %s", activation_name((enum activation)a),
                         op_name((enum op)op));
    }
}

static void case_names_differ(void **state)
{
    (void)state;
    for (int i = 0; train_cases[i].name != NULL; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(train_cases[i].name, train_cases[k].name);
}

/* ---- by hand ---- */

/* A graph of one sample that reads "x" and whose gradient of the output is `seeds`; compares output
 * and gradient of the input. */
static void by_hand(const char *text, const double *x, const double *y, const double *seeds,
                    const double *dx)
{
    struct diag diag;
    struct graph *graph;
    if (graph_parse(text, strlen(text), &arena, &graph, &diag) != OK)
        fail_msg("%s", diag.message);
    struct reference r = reference_make(graph, 1, &arena);
    int32_t in = graph->inputs[0], out = graph->outputs[0];
    memcpy(r.values[in], x, (size_t)reference_size(&r, in) * sizeof(double));
    reference_forward(&r, REFERENCE_INFERENCE);
    reference_backward(&r, &seeds);
    for (int64_t i = 0; i < reference_size(&r, out); i++)
        if (fabs(r.values[out][i] - y[i]) > 1e-7)
            fail_msg("%s: output %lld is %.9g, not %.9g", text, (long long)i, r.values[out][i],
                     y[i]);
    for (int64_t i = 0; i < reference_size(&r, in); i++)
        if (fabs(r.gradients[in][i] - dx[i]) > 1e-7)
            fail_msg("%s: gradient %lld is %.9g, not %.9g", text, (long long)i, r.gradients[in][i],
                     dx[i]);
}

#define UNARY(x, y, node)                                                                          \
    "graph g\ntensor \"x\" f32 " x "\ntensor \"y\" f32 " y "\ninput \"x\"\nnode " node             \
    "\noutput \"y\"\n"
#define NUMBERS(...) ((const double[]){__VA_ARGS__})

static void kinks_take_the_constant_side(void **state)
{
    (void)state;
    by_hand(UNARY("1x3", "1x3", "relu n \"x\" -> \"y\""), NUMBERS(-1, 0, 2), NUMBERS(0, 0, 2),
            NUMBERS(5, 6, 7), NUMBERS(0, 0, 7));
    by_hand(UNARY("1x4", "1x4", "relu6 n \"x\" -> \"y\""), NUMBERS(0, 2, 6, 7), NUMBERS(0, 2, 6, 6),
            NUMBERS(5, 6, 7, 8), NUMBERS(0, 6, 0, 0));
    by_hand(UNARY("1x3", "1x3", "leaky_relu n \"x\" -> \"y\" alpha 0.5"), NUMBERS(-2, 0, 2),
            NUMBERS(-1, 0, 2), NUMBERS(2, 4, 6), NUMBERS(1, 2, 6));
    by_hand(UNARY("1x4", "1x4", "hard_swish n \"x\" -> \"y\""), NUMBERS(-3, 0, 1, 3),
            NUMBERS(0, 0, 2.0 / 3, 3), NUMBERS(1, 2, 6, 4), NUMBERS(0, 1, 5, 4));
    by_hand(UNARY("1x1x4x1", "1x1x4x1", "max_pool_2d n \"x\" -> \"y\" activation relu_n1_to_1"),
            NUMBERS(-2, -1, 0.5, 1), NUMBERS(-1, -1, 0.5, 1), NUMBERS(1, 2, 3, 4),
            NUMBERS(0, 0, 3, 0));
}

static void first_of_equal_maxima_has_the_gradient(void **state)
{
    (void)state;
    by_hand(UNARY("1x2x3x1", "1x1x2x1", "max_pool_2d n \"x\" -> \"y\" window 2 2"),
            NUMBERS(1, 2, 2, 2, 0, 2), NUMBERS(2, 2), NUMBERS(3, 5), NUMBERS(0, 8, 0, 0, 0, 0));
}

static void pads_do_not_count_in_pools(void **state)
{
    (void)state;
    by_hand(UNARY("1x2x2x1", "1x3x3x1", "average_pool_2d n \"x\" -> \"y\" window 2 2 pads 1 1 1 1"),
            NUMBERS(1, 2, 3, 6), NUMBERS(1, 1.5, 2, 2, 3, 4, 3, 4.5, 6),
            NUMBERS(1, 1, 1, 1, 1, 1, 1, 1, 1), NUMBERS(2.25, 2.25, 2.25, 2.25));
    by_hand(UNARY("1x2x2x1", "1x2x2x1", "max_pool_2d n \"x\" -> \"y\" window 2 2 pads 1 0 1 0"),
            NUMBERS(-1, -2, -3, -4), NUMBERS(-1, -1, -1, -1), NUMBERS(1, 2, 3, 4),
            NUMBERS(10, 0, 0, 0));
}

/* Which column is nearest, as in TensorFlow's own tests of the options. */
static void nearest_follows_the_options(void **state)
{
    (void)state;
    by_hand(UNARY("1x1x3x1", "1x1x2x1", "resize_nearest_neighbor n \"x\" -> \"y\""),
            NUMBERS(1, 2, 3), NUMBERS(1, 2), NUMBERS(5, 7), NUMBERS(5, 7, 0));
    by_hand(UNARY("1x1x3x1", "1x1x2x1", "resize_nearest_neighbor n \"x\" -> \"y\" align_corners 1"),
            NUMBERS(1, 2, 3), NUMBERS(1, 3), NUMBERS(5, 7), NUMBERS(5, 0, 7));
    by_hand(UNARY("1x1x3x1", "1x1x2x1",
                  "resize_nearest_neighbor n \"x\" -> \"y\" half_pixel_centers 1"),
            NUMBERS(1, 2, 3), NUMBERS(1, 3), NUMBERS(5, 7), NUMBERS(5, 0, 7));
    by_hand(UNARY("1x1x2x1", "1x1x4x1", "resize_nearest_neighbor n \"x\" -> \"y\""), NUMBERS(1, 2),
            NUMBERS(1, 1, 2, 2), NUMBERS(1, 2, 3, 4), NUMBERS(3, 7));
}

static void slices_run_backward(void **state)
{
    (void)state;
    by_hand(UNARY("1x5", "1x2", "strided_slice n \"x\" -> \"y\" begin 0 4 step 1 -3"),
            NUMBERS(1, 2, 3, 4, 5), NUMBERS(5, 2), NUMBERS(7, 8), NUMBERS(0, 8, 0, 0, 7));
}

static void statistics_are_those_of_the_batch(void **state)
{
    (void)state;
    static const char text[] =
        "graph g\ntensor \"x\" f32 1x2x1x2\ntensor \"g\" f32 2 = 1 2\ntensor \"b\" f32 2 = 0 1\n"
        "tensor \"m\" f32 2 = 9 9\ntensor \"v\" f32 2 = 9 9\ntensor \"y\" f32 1x2x1x2\n"
        "input \"x\"\nnode batch_normalization n \"x\" \"g\" \"b\" \"m\" \"v\" -> \"y\" epsilon 0\n"
        "output \"y\"\n";
    static const double x[8] = {1, 10, 3, 10, 5, 40, 7, 40}, y[8] = {-3, -1, -1, -1, 1, 3, 3, 3};
    struct diag diag;
    struct graph *graph;
    assert_int_equal(graph_parse(text, strlen(text), &arena, &graph, &diag), OK);
    struct reference r = reference_make(graph, 2, &arena);
    memcpy(r.values[0], x, sizeof x);
    reference_forward(&r, REFERENCE_TRAINING);
    double mean[2], variance[2];
    reference_statistics(&r, &graph->nodes[0], mean, variance);
    assert_true(mean[0] == 4 && mean[1] == 25 && variance[0] == 5 && variance[1] == 225);
    for (int i = 0; i < 8; i++)
        assert_true(fabs(r.values[graph->outputs[0]][i] - (i % 2 ? y[i] : y[i] / sqrt(5))) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(cases_equal_differences, tear_down),
        cmocka_unit_test_teardown(networks_equal_differences, tear_down),
        cmocka_unit_test_teardown(cases_cover_every_op, tear_down),
        cmocka_unit_test_teardown(case_names_differ, tear_down),
        cmocka_unit_test_teardown(kinks_take_the_constant_side, tear_down),
        cmocka_unit_test_teardown(first_of_equal_maxima_has_the_gradient, tear_down),
        cmocka_unit_test_teardown(pads_do_not_count_in_pools, tear_down),
        cmocka_unit_test_teardown(nearest_follows_the_options, tear_down),
        cmocka_unit_test_teardown(slices_run_backward, tear_down),
        cmocka_unit_test_teardown(statistics_are_those_of_the_batch, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
