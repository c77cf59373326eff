/* SPDX-License-Identifier: Apache-2.0 */
/* The reference of training computes what TensorFlow Lite does: the graphs of test/ops, made float,
 * give the recorded int8 outputs to within the rounding of one node. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "test/train/reference.h"

#include <cmocka.h> /* last: it makes fail() a macro */

/* Steps of the output's scale: half for rounding the output, the rest for the kernels' fixed
 * point (leaky_relu rounds twice). */
static const double tolerance = 0.75;

static struct arena arena;
static int n_compared[N_OPS];
static double worst[N_OPS];

static double scale_of(const struct tensor *tensor, int64_t element)
{
    const struct quantization *q = &tensor->quantization;
    if (q->n <= 1)
        return (double)q->scale[0];
    int64_t inner = 1;
    for (int32_t i = q->axis + 1; i < tensor->shape.rank; i++)
        inner *= tensor->shape.dims[i];
    return (double)q->scale[element / inner % q->n];
}

static double real_of(const struct tensor *tensor, int64_t element, double quantized)
{
    int32_t zero_point = tensor->quantization.n == 1 ? tensor->quantization.zero_point[0] : 0;
    return scale_of(tensor, element) * (quantized - zero_point);
}

/* The scale of a bias, which may have none of its own. */
static double bias_scale(const struct graph *graph, const struct node *node, int64_t element)
{
    const struct tensor *weights = node_input(graph, node, 1);
    int64_t one = weights->quantization.n == 1 ? 0 : element;
    return scale_of(node_input(graph, node, 0), 0) * (double)weights->quantization.scale[one];
}

static const float *dequantized(const struct graph *graph, const struct node *node, int32_t index)
{
    const struct tensor *tensor = node_input(graph, node, index);
    int64_t n = shape_elements(&tensor->shape);
    float *values = ARENA_ARRAY(&arena, (size_t)n, float);
    for (int64_t i = 0; i < n; i++)
        values[i] = (float)(tensor->dtype == DTYPE_S32
                                ? ((const int32_t *)tensor->data)[i] * bias_scale(graph, node, i)
                                : real_of(tensor, i, ((const int8_t *)tensor->data)[i]));
    return values;
}

/* The same graph with every tensor f32. */
static struct graph *graph_as_float(const struct graph *graph)
{
    struct graph *result = arena_copy(&arena, graph, sizeof *graph);
    result->tensors =
        arena_copy(&arena, graph->tensors, (size_t)graph->n_tensors * sizeof *graph->tensors);
    for (int32_t i = 0; i < graph->n_nodes; i++)
        for (int32_t k = 0; k < graph->nodes[i].n_inputs; k++) {
            const struct tensor *tensor = node_input(graph, &graph->nodes[i], k);
            if (tensor != NULL && tensor->data != NULL)
                result->tensors[graph->nodes[i].inputs[k]].data =
                    dequantized(graph, &graph->nodes[i], k);
        }
    for (int32_t i = 0; i < graph->n_tensors; i++) {
        result->tensors[i].dtype = DTYPE_F32;
        result->tensors[i].quantization = (struct quantization){0};
    }
    struct diag diag;
    if (graph_verify(result, &diag) != OK)
        fail_msg("%s", diag.message);
    return result;
}

/* The next word that is not a comment, NULL at the end. */
static const char *word_next(char **at)
{
    for (;;) {
        *at += strspn(*at, " \t\n");
        if (**at != '#')
            break;
        *at += strcspn(*at, "\n");
    }
    if (**at == '\0')
        return NULL;
    char *word = *at;
    *at += strcspn(*at, " \t\n");
    if (**at != '\0')
        *(*at)++ = '\0';
    return word;
}

static void compare(const struct graph *graph, const struct reference *r, int32_t id,
                    int64_t element, double recorded, const char *path)
{
    const struct tensor *tensor = &graph->tensors[id];
    double scale = scale_of(tensor, 0), low = real_of(tensor, 0, -128);
    double value = fmin(fmax(r->values[id][element], low), low + 255 * scale);
    double error = fabs(value - real_of(tensor, 0, recorded)) / scale;
    if (!(error <= tolerance))
        fail_msg("%s: '%s'[%lld] is %.9g, recorded %.9g, %.2f steps away", path, tensor->name,
                 (long long)element, value, real_of(tensor, 0, recorded), error);
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        enum op op = graph->nodes[i].op;
        n_compared[op]++;
        worst[op] = fmax(worst[op], error);
    }
}

/* Where the next number of a list goes: the element of one of the graph's inputs or outputs. */
struct place {
    const int32_t *ids;
    int32_t tensor;
    int64_t element;
};

static void place_advance(struct place *place, const struct reference *r)
{
    if (++place->element == reference_size(r, place->ids[place->tensor])) {
        place->element = 0;
        place->tensor++;
    }
}

/* One run of a file: the inputs, then what is expected. Returns the word behind. */
static const char *run_one(const struct graph *graph, struct reference *r, char **at,
                           const char *path)
{
    const char *word = word_next(at);
    struct place in = {.ids = graph->inputs}, out = {.ids = graph->outputs};
    assert_string_equal(word, "input");
    while ((word = word_next(at)) != NULL && strcmp(word, "expect") != 0) {
        if (strcmp(word, "input") == 0)
            continue;
        int32_t id = graph->inputs[in.tensor];
        r->values[id][in.element] = real_of(&graph->tensors[id], 0, atoi(word));
        place_advance(&in, r);
    }
    assert_int_equal(in.tensor, graph->n_inputs);
    reference_forward(r, REFERENCE_INFERENCE);
    while ((word = word_next(at)) != NULL && strcmp(word, "run") != 0) {
        if (strcmp(word, "expect") == 0)
            continue;
        compare(graph, r, graph->outputs[out.tensor], out.element, atoi(word), path);
        place_advance(&out, r);
    }
    assert_int_equal(out.tensor, graph->n_outputs);
    return word;
}

static int is_int8(const struct graph *graph)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].op == OP_quantize || graph->nodes[i].op == OP_dequantize)
            return 0;
    return 1;
}

static void run_file(const char *path)
{
    struct file file;
    struct diag diag;
    struct graph *graph;
    if (file_read(path, &arena, &file, &diag) != OK)
        fail_msg("%s", diag.message);
    char *text = (char *)file.data, *at = strstr(text, "\n---\n");
    if (graph_parse(text, (size_t)(at + 1 - text), &arena, &graph, &diag) != OK)
        fail_msg("%s: %s", path, diag.message);
    if (is_int8(graph)) {
        struct reference r = reference_make(graph_as_float(graph), 1, &arena);
        at += strlen("\n---\n");
        const char *word = word_next(&at);
        while (word != NULL && strcmp(word, "run") != 0)
            word = word_next(&at);
        while (word != NULL)
            word = run_one(graph, &r, &at, path);
    }
    arena_free(&arena);
}

static void recorded_outputs_are_met(void **state)
{
    (void)state;
    DIR *folder = opendir("test/ops");
    assert_non_null(folder);
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char path[300];
        snprintf(path, sizeof path, "test/ops/%.255s", entry->d_name);
        if (strstr(path, ".txt") != NULL)
            run_file(path);
    }
    closedir(folder);
    int n = 0;
    double largest = 0;
    for (int op = 0; op < N_OPS; op++) {
        if (op == OP_quantize || op == OP_dequantize || op == OP_batch_normalization)
            continue;
        if (n_compared[op] == 0)
            fail_msg("no recording of %s", op_name((enum op)op));
        n += n_compared[op];
        largest = fmax(largest, worst[op]);
    }
    printf("note: reference: %d recorded outputs, at most %.2f steps of their scale away\n", n,
           largest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(recorded_outputs_are_met)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
