/* SPDX-License-Identifier: Apache-2.0 */
/* Runs test/ops/NAME.txt: a graph in the text form, a line "---", then any number of
 *     kernels NAME...      the calls that pack must make, in order
 *     run                  starts an inference
 *     input NUMBER...      its inputs, one after the other; may go on in further lines
 *     expect NUMBER...     its outputs, likewise
 * with comments from '#' to the end of the line. Every output element must be equal. Each op of
 * ops.inc must occur in at least one file. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/eval.h"
#include "pass/pass.h"

/* Last: it defines `fail`. */
#include <cmocka.h>

static int seen[N_OPS];

/* Words of the part behind the separator. */
struct words {
    char *at;
};

/* The next word, or NULL at the end. Overwrites the space behind it. */
static char *word_next(struct words *words)
{
    for (;;) {
        words->at += strspn(words->at, " \t\n");
        if (*words->at != '#')
            break;
        words->at += strcspn(words->at, "\n");
    }
    if (*words->at == '\0')
        return NULL;
    char *word = words->at;
    words->at += strcspn(word, " \t\n");
    if (*words->at != '\0')
        *words->at++ = '\0';
    return word;
}

/* Tensors of one side of the graph, filled or compared element by element. */
struct side {
    const struct graph *graph;
    const int32_t *ids;
    int32_t n;
    void **buffers; /* one a tensor */
    int32_t tensor; /* where the next element goes */
    int64_t element;
};

static struct side side_start(const struct graph *graph, const int32_t *ids, int32_t n)
{
    struct side side = {graph, ids, n, calloc((size_t)n, sizeof(void *)), 0, 0};
    for (int32_t i = 0; i < n; i++)
        side.buffers[i] = calloc(1, tensor_bytes(&graph->tensors[ids[i]]));
    return side;
}

static void side_free(struct side *side)
{
    for (int32_t i = 0; i < side->n; i++)
        free(side->buffers[i]);
    free(side->buffers);
}

static void side_put(struct side *side, const char *word, const char *path)
{
    if (side->tensor == side->n)
        fail_msg("%s: too many numbers, from '%s'", path, word);
    const struct tensor *tensor = &side->graph->tensors[side->ids[side->tensor]];
    char *end;
    if (tensor->dtype == DTYPE_F32)
        ((float *)side->buffers[side->tensor])[side->element] = strtof(word, &end);
    else
        ((int8_t *)side->buffers[side->tensor])[side->element] = (int8_t)strtol(word, &end, 10);
    if (*end != '\0')
        fail_msg("%s: '%s' is not a number", path, word);
    if (++side->element == shape_elements(&tensor->shape)) {
        side->element = 0;
        side->tensor++;
    }
}

static double side_get(const struct side *side, int32_t tensor, int64_t element)
{
    if (side->graph->tensors[side->ids[tensor]].dtype == DTYPE_F32)
        return (double)((const float *)side->buffers[tensor])[element];
    return ((const int8_t *)side->buffers[tensor])[element];
}

static void compare(const struct side *expected, const struct side *actual, const char *path,
                    int run)
{
    for (int32_t i = 0; i < actual->n; i++) {
        const struct tensor *tensor = &actual->graph->tensors[actual->ids[i]];
        for (int64_t k = 0; k < shape_elements(&tensor->shape); k++)
            if (side_get(expected, i, k) != side_get(actual, i, k))
                fail_msg("%s: run %d: '%s'[%lld] is %.9g, expected %.9g", path, run, tensor->name,
                         (long long)k, side_get(actual, i, k), side_get(expected, i, k));
    }
}

/* One "run" with its numbers; returns the word behind them. */
static char *run_one(const struct graph *graph, const struct packed *packed, struct words *words,
                     const char *path, int run)
{
    struct side inputs = side_start(graph, graph->inputs, graph->n_inputs);
    struct side expected = side_start(graph, graph->outputs, graph->n_outputs);
    struct side actual = side_start(graph, graph->outputs, graph->n_outputs);
    struct side *side = NULL;
    char *word;
    while ((word = word_next(words)) != NULL && strcmp(word, "run") != 0) {
        if (strcmp(word, "input") == 0)
            side = &inputs;
        else if (strcmp(word, "expect") == 0)
            side = &expected;
        else if (side != NULL)
            side_put(side, word, path);
        else
            fail_msg("%s: unexpected '%s'", path, word);
    }
    if (inputs.tensor != inputs.n || expected.tensor != expected.n)
        fail_msg("%s: run %d: too few numbers", path, run);
    struct diag diag = {""};
    enum status status =
        eval_run(graph, packed, NULL, (const void *const *)inputs.buffers, actual.buffers, &diag);
    if (status != OK)
        fail_msg("%s: %s", path, diag.message);
    compare(&expected, &actual, path, run);
    side_free(&inputs);
    side_free(&expected);
    side_free(&actual);
    return word;
}

static char *check_kernels(const struct packed *packed, struct words *words, const char *path)
{
    char *word;
    int32_t i = 0;
    while ((word = word_next(words)) != NULL && strcmp(word, "run") != 0) {
        const char *name =
            i < packed->n_calls ? kernel_facts(packed->calls[i].kernel)->name : "nothing";
        if (strcmp(word, name) != 0)
            fail_msg("%s: call %d is %s, expected %s", path, (int)i, name, word);
        i++;
    }
    if (i != packed->n_calls)
        fail_msg("%s: %d calls, expected %d", path, (int)packed->n_calls, (int)i);
    return word;
}

static void run_file(void **state)
{
    const char *path = *state;
    struct arena arena = {NULL};
    struct file file;
    struct diag diag = {""};
    struct graph *graph;
    struct packed *packed;
    if (file_read(path, &arena, &file, &diag) != OK)
        fail_msg("%s", diag.message);
    char *text = (char *)file.data;
    char *separator = strstr(text, "\n---\n");
    if (separator == NULL)
        fail_msg("%s: no line '---'", path);
    if (graph_parse(text, (size_t)(separator + 1 - text), &arena, &graph, &diag) != OK ||
        pack(graph, NULL, &arena, &packed, &diag) != OK)
        fail_msg("%s: %s", path, diag.message);
    for (int32_t i = 0; i < graph->n_nodes; i++)
        seen[graph->nodes[i].op]++;
    struct words words = {separator + 5};
    char *word = word_next(&words);
    if (word != NULL && strcmp(word, "kernels") == 0)
        word = check_kernels(packed, &words, path);
    int run = 0;
    while (word != NULL) {
        assert_string_equal(word, "run");
        word = run_one(graph, packed, &words, path, ++run);
    }
    assert_true(run > 0);
    arena_free(&arena);
}

static void every_op_has_a_file(void **state)
{
    (void)state;
    for (int i = 0; i < N_OPS; i++)
        if (seen[i] == 0 && op_runs_on_s8((enum op)i))
            fail_msg("no file in test/ops has a node %s", op_name((enum op)i));
}

static int is_test(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 4 && strcmp(entry->d_name + length - 4, ".txt") == 0;
}

int main(void)
{
    struct dirent **entries;
    struct arena arena = {NULL};
    int n = scandir("test/ops", &entries, is_test, alphasort);
    if (n <= 0) {
        fprintf(stderr, "no files in test/ops; run from the root of the repository\n");
        return 1;
    }
    struct CMUnitTest *tests = ARENA_ARRAY(&arena, (size_t)n + 1, struct CMUnitTest);
    for (int i = 0; i < n; i++) {
        char *path = arena_printf(&arena, "test/ops/%s", entries[i]->d_name);
        tests[i] = (struct CMUnitTest){path, run_file, NULL, NULL, path};
        free(entries[i]);
    }
    free(entries);
    tests[n] = (struct CMUnitTest)cmocka_unit_test(every_op_has_a_file);
    int failed = _cmocka_run_group_tests("ops", tests, (size_t)n + 1, NULL, NULL);
    arena_free(&arena);
    return failed;
}
