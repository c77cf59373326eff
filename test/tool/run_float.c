/* SPDX-License-Identifier: Apache-2.0 */
/* usage: run_float MODEL INPUT OUTPUT
 * Runs a network (any format that is read) on the raw float32 values of a file, any number of
 * samples, and writes those of its outputs, one output after the other. Of an int8 network one
 * sample, quantized before and dequantized after. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "driver/driver.h"
#include "eval/eval.h"
#include "pass/pass.h"
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

static void input_quantize(const struct tensor *tensor, const float *values, int8_t *quantized)
{
    int64_t n = shape_elements(&tensor->shape);
    for (int64_t i = 0; i < n; i++) {
        float value = nearbyintf(values[i] / tensor->quantization.scale[0]) +
                      (float)tensor->quantization.zero_point[0];
        quantized[i] = (int8_t)fminf(fmaxf(value, -128), 127);
    }
}

/* Through the kernels that ship to devices. */
static enum status run_int8(const struct graph *graph, const struct file *input, const char *path,
                            struct arena *arena, struct diag *diag)
{
    const struct tensor *from = &graph->tensors[graph->inputs[0]];
    size_t bytes = graph_output_bytes(graph), at = 0;
    struct packed *packed;
    int8_t *in = ARENA_ARRAY(arena, tensor_bytes(from), int8_t);
    int8_t *out = ARENA_ARRAY(arena, bytes, int8_t);
    float *values = ARENA_ARRAY(arena, bytes, float);
    void *outputs[MAX_INPUTS];
    const void *inputs[1] = {in};
    if (input->size != tensor_bytes(from) * sizeof(float) || graph->n_outputs > MAX_INPUTS)
        return fail(diag, ERR_INPUT, "%zu bytes of input, a sample has %zu", input->size,
                    tensor_bytes(from) * sizeof(float));
    input_quantize(from, (const float *)(const void *)input->data, in);
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        outputs[i] = out + at;
        at += tensor_bytes(&graph->tensors[graph->outputs[i]]);
    }
    TRY(pack(graph, NULL, arena, &packed, diag));
    TRY(eval_run(graph, packed, NULL, inputs, outputs, diag));
    for (size_t i = 0, k = 0; k < (size_t)graph->n_outputs; k++) {
        const struct tensor *tensor = &graph->tensors[graph->outputs[k]];
        for (size_t end = i + tensor_bytes(tensor); i < end; i++)
            values[i] = tensor->quantization.scale[0] *
                        (float)(out[i] - tensor->quantization.zero_point[0]);
    }
    return file_write(path, values, bytes * sizeof *values, diag);
}

static enum status run(const struct graph *graph, const struct file *input, const char *path,
                       struct arena *arena, struct diag *diag)
{
    const struct network_options options = {.n_threads = 1};
    struct network *network;
    int32_t n = 0;
    if (graph->tensors[graph->inputs[0]].dtype == DTYPE_S8)
        return run_int8(graph, input, path, arena, diag);
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
