/* SPDX-License-Identifier: Apache-2.0 */
/* usage: check_simplify MODEL N [INPUTS...]
 * Simplifies a model and compares the outputs with the original's, on N random inputs and on all
 * samples of the files INPUTS. Prints `name value` lines of what is left; exit code 1 and the
 * message when something differs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "driver/driver.h"
#include "test/unit/same_outputs.h"

struct size {
    int64_t weight_bytes, macs;
};

/* What is stored of convolutions and depthwise convolutions, index included; `macs` counts all. */
static struct size convolutions(const struct graph *graph, struct arena *arena)
{
    struct runnable runnable = runnable_make(graph, arena);
    struct size size = {0, 0};
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const struct packed_node *facts = &runnable.packed->nodes[i];
        size.macs += facts->macs;
        if (graph->nodes[i].op != OP_fully_connected)
            size.weight_bytes += (int64_t)(facts->weight_bytes + facts->index_bytes);
    }
    return size;
}

/* Compares on every sample of a file; returns how many there are. */
static size_t compare_samples(const struct graph *before, const struct graph *after,
                              const char *path, struct arena *arena)
{
    struct runnable of_before = runnable_make(before, arena),
                    of_after = runnable_make(after, arena);
    struct file file;
    struct diag diag = {""};
    check_ok(file_read(path, arena, &file, &diag), &diag);
    size_t bytes = graph_input_bytes(before), n = file.size / bytes;
    for (size_t i = 0; i < n; i++) {
        memcpy(of_before.inputs, file.data + i * bytes, bytes);
        memcpy(of_after.inputs, file.data + i * bytes, bytes);
        runnable_run(&of_before);
        runnable_run(&of_after);
        if (memcmp(of_before.outputs, of_after.outputs, graph_output_bytes(before)) != 0) {
            fprintf(stderr, "failed: sample %zu of %s differs\n", i, path);
            exit(1);
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct graph *before, *after;
    struct diag diag = {""};
    if (argc < 3) {
        fprintf(stderr, "usage: check_simplify MODEL N [INPUTS...]\n");
        return 2;
    }
    check_ok(driver_load(argv[1], &arena, &before, &diag), &diag);
    check_ok(simplify(before, &arena, &after, &diag), &diag);
    struct size size = convolutions(after, &arena);
    int n = atoi(argv[2]), different = first_difference(before, after, n, 1);
    if (different >= 0) {
        fprintf(stderr, "failed: random input %d differs\n", different);
        return 1;
    }
    size_t n_samples = 0;
    for (int i = 3; i < argc; i++)
        n_samples += compare_samples(before, after, argv[i], &arena);
    printf("weight_bytes %lld\nmacs %lld\nrandom_inputs %d\nsamples %zu\n",
           (long long)size.weight_bytes, (long long)size.macs, n, n_samples);
    arena_free(&arena);
    return 0;
}
