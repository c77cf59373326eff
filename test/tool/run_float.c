/* SPDX-License-Identifier: Apache-2.0 */
/* usage: run_float MODEL INPUT OUTPUT
 * Runs a float network (any format that is read) on the raw float32 values of a file, any number of
 * samples, and writes those of its outputs, one output after the other. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "driver.h"
#include "train/network.h"

static enum status samples_count(const struct graph *graph, const struct file *input, int32_t *n,
                                 struct diag *diag)
{
    size_t sample = tensor_bytes(&graph->tensors[graph->inputs[0]]);
    if (input->size == 0 || input->size % sample != 0)
        return fail(diag, ERR_INPUT, "%zu bytes of input, a sample has %zu", input->size, sample);
    *n = (int32_t)(input->size / sample);
    return OK;
}

static enum status run(const struct graph *graph, const struct file *input, const char *path,
                       struct arena *arena, struct diag *diag)
{
    const struct network_options options = {.n_threads = 1};
    struct network *network;
    int32_t n = 0;
    TRY(samples_count(graph, input, &n, diag));
    TRY(network_make(graph, &options, &network, diag));
    size_t total = 0, at = 0;
    for (int32_t i = 0; i < graph->n_outputs; i++)
        total += (size_t)shape_elements(&graph->tensors[graph->outputs[i]].shape) * (size_t)n;
    float *values = ARENA_ARRAY(arena, total, float);
    float **outputs = ARENA_ARRAY(arena, (size_t)graph->n_outputs, float *);
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        outputs[i] = values + at;
        at += (size_t)shape_elements(&graph->tensors[graph->outputs[i]].shape) * (size_t)n;
    }
    network_infer(network, (const float *)(const void *)input->data, n, outputs);
    network_free(network);
    return file_write(path, values, total * sizeof *values, diag);
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct diag diag = {""};
    struct graph *graph;
    struct file input;
    if (argc != 4)
        return fprintf(stderr, "usage: run_float MODEL INPUT OUTPUT\n"), 1;
    enum status status = driver_load(argv[1], &arena, &graph, &diag);
    if (status == OK)
        status = file_read(argv[2], &arena, &input, &diag);
    if (status == OK)
        status = run(graph, &input, argv[3], &arena, &diag);
    if (status != OK)
        fprintf(stderr, "%s\n", diag.message);
    arena_free(&arena);
    return status_exit_code(status);
}
