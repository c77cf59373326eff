/* SPDX-License-Identifier: Apache-2.0 */
/* usage: train_speed NET BATCH THREADS SECONDS
 * Trains a network of 10 classes on made-up images and prints the images per second: forward, loss,
 * backward, and a step of the optimizer for each batch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "driver.h"
#include "train/initialize.h"
#include "train/loss.h"
#include "train/network.h"
#include "train/optimizer.h"
#include "train/task.h"

enum { SHARD = 16, CLASSES = 10 };

static int32_t batch_samples;
static int64_t sample_elements;

static void fill(void *context, int32_t worker, int32_t shard, float *inputs)
{
    struct random random = {(uint64_t)shard};
    (void)context;
    (void)worker;
    for (int64_t i = 0; i < SHARD * sample_elements; i++)
        inputs[i] = (float)(random_bits(&random) & 255);
}

static void loss(void *context, int32_t worker, int32_t shard, const float *const *heads,
                 float *const *gradients)
{
    (void)context;
    (void)worker;
    memset(gradients[0], 0, SHARD * CLASSES * sizeof(float));
    for (int32_t i = 0; i < SHARD; i++) {
        float target[CLASSES] = {0};
        target[(shard + i) % CLASSES] = 1;
        loss_cross_entropy(heads[0] + i * CLASSES, CLASSES, target, 1.0 / batch_samples,
                           gradients[0] + i * CLASSES);
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct diag diag;
    struct graph *graph;
    struct network *network;
    if (argc != 5 || driver_load(argv[1], &arena, &graph, &diag) != OK)
        return 1;
    batch_samples = atoi(argv[2]);
    double seconds = atof(argv[4]);
    graph = initialize(graph, 1, &arena);
    int32_t head = task_head(graph, LOSS_CROSS_ENTROPY);
    sample_elements = shape_elements(&graph->tensors[graph->inputs[0]].shape);
    struct network_options options = {.n_threads = atoi(argv[3]),
                                      .shard_samples = SHARD,
                                      .n_heads = 1,
                                      .heads = &head,
                                      .training = 1};
    if (network_make(graph, &options, &network, &diag) != OK) {
        fprintf(stderr, "%s\n", diag.message);
        return 1;
    }
    struct parameters parameters = network_parameters(network);
    struct optimizer optimizer;
    optimizer_start(&optimizer, OPTIMIZER_SGD, 5e-4f, parameters.n_values, &arena);
    struct network_batch batch = {.n_shards = batch_samples / SHARD, .fill = fill, .loss = loss};
    double started = now();
    int64_t n = -10; /* the first steps are not counted */
    for (; n < 0 || now() - started < seconds; n++) {
        if (n <= 0)
            started = now();
        if (network_step(network, &batch, &diag) != OK)
            return 1;
        optimizer_step(&optimizer, &parameters, 0.01, batch.n_shards);
    }
    printf("%.0f\n", (double)(n * batch_samples) / (now() - started));
    network_free(network);
    arena_free(&arena);
    return 0;
}
