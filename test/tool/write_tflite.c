/* SPDX-License-Identifier: Apache-2.0 */
/* usage: write_tflite same|float MODEL OUT [INPUTS]
 * Writes a network (any format that is read) as OUT.tflite, the inputs as OUT.in (the file INPUTS,
 * or random ones) and the outputs for them, by the kernels or by the engine for float networks, as
 * OUT.out; raw values, one tensor after the other. `float` makes a float network of an int8 network
 * first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "driver/driver.h"
#include "emit/emit.h"
#include "test/unit/float_graph.h"
#include "test/unit/same_outputs.h"

static void save(const char *out, const char *suffix, const void *data, size_t bytes,
                 struct arena *arena)
{
    struct diag diag;
    check_ok(file_write(arena_printf(arena, "%s%s", out, suffix), data, bytes, &diag), &diag);
}

/* An op's file has inputs and outputs behind the graph. */
static struct graph *load(const char *path, struct arena *arena)
{
    struct graph *graph = NULL;
    struct file file;
    struct diag diag;
    char *mark;
    const char *dot = strrchr(path, '.');
    if (dot == NULL || strcmp(dot, ".txt") != 0) {
        check_ok(driver_load(path, arena, &graph, &diag), &diag);
        return graph;
    }
    check_ok(file_read(path, arena, &file, &diag), &diag);
    if ((mark = strstr((char *)file.data, "\n---\n")) != NULL)
        *mark = '\0';
    check_ok(
        graph_parse((const char *)file.data, strlen((const char *)file.data), arena, &graph, &diag),
        &diag);
    return graph;
}

static int has_type(const struct graph *graph, enum dtype dtype)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (node_output(graph, &graph->nodes[i])->dtype == dtype)
            return 1;
    return 0;
}

/* Bytes of any value; real numbers in [-3, 3]. */
static void inputs_fill(const struct graph *graph, uint8_t *inputs)
{
    struct random random = {5};
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        const struct tensor *tensor = &graph->tensors[graph->inputs[i]];
        for (size_t k = 0; k < tensor_bytes(tensor); k++)
            inputs[k] = (uint8_t)random_bits(&random);
        if (tensor->dtype == DTYPE_F32)
            for (int64_t k = 0; k < shape_elements(&tensor->shape); k++)
                ((float *)(void *)inputs)[k] = random_real(&random, -3, 3);
        inputs += tensor_bytes(tensor);
    }
}

static void run_float(const struct graph *graph, const uint8_t *inputs, uint8_t *outputs)
{
    const struct network_options options = {.n_threads = 1};
    struct network *network;
    struct diag diag;
    float *heads[MAX_INPUTS];
    check_ok(network_make(graph, &options, &network, &diag), &diag);
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        heads[i] = (float *)(void *)outputs;
        outputs += tensor_bytes(&graph->tensors[graph->outputs[i]]);
    }
    network_infer(network, (const float *)(const void *)inputs, 1, heads);
    network_free(network);
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct diag diag = {""};
    struct graph *graph;
    struct file file;
    if (argc < 4 || argc > 5)
        return fprintf(stderr, "usage: write_tflite same|float MODEL OUT [INPUTS]\n"), 1;
    graph = load(argv[2], &arena);
    if (strcmp(argv[1], "float") == 0)
        graph = float_of(graph, 1, 0, &arena);
    check_ok(emit_tflite(graph, &arena, &file, &diag), &diag);
    save(argv[3], ".tflite", file.data, file.size, &arena);

    size_t n_in = graph_input_bytes(graph), n_out = graph_output_bytes(graph);
    uint8_t *inputs = ARENA_ARRAY(&arena, n_in, uint8_t);
    inputs_fill(graph, inputs);
    if (argc > 4) {
        check_ok(file_read(argv[4], &arena, &file, &diag), &diag);
        if (file.size != n_in)
            return fprintf(stderr, "%s: not %zu bytes\n", argv[4], n_in), 1;
        memcpy(inputs, file.data, n_in);
    }
    if (graph->tensors[graph->inputs[0]].dtype == DTYPE_F32 && !has_type(graph, DTYPE_S8)) {
        uint8_t *outputs = ARENA_ARRAY(&arena, n_out, uint8_t);
        run_float(graph, inputs, outputs);
        save(argv[3], ".out", outputs, n_out, &arena);
    } else {
        struct runnable runnable = runnable_make(graph, &arena);
        memcpy(runnable.inputs, inputs, n_in);
        runnable_run(&runnable);
        save(argv[3], ".out", runnable.outputs, n_out, &arena);
    }
    save(argv[3], ".in", inputs, n_in, &arena);
    arena_free(&arena);
    return 0;
}
