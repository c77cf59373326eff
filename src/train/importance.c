/* SPDX-License-Identifier: Apache-2.0 */
#include "train/importance.h"

#include <math.h>

#include "base/random.h"

struct measuring {
    enum score_kind kind;
    double *sums; /* by value */
};

/* |g * w| is taken batch by batch: averaged first, gradients of opposite signs would cancel. */
static void see_gradients(void *context, const struct parameters *parameters)
{
    const struct measuring *measuring = context;
    for (int64_t i = 0; i < parameters->n_values; i++) {
        double product = (double)parameters->gradients[i] * (double)parameters->values[i];
        measuring->sums[i] += measuring->kind == SCORE_FISHER ? product * product : fabs(product);
    }
}

/* Sums of values as numbers of the nodes' weights. */
static struct importance *by_node(const struct trainer *trainer, const double *sums,
                                  struct arena *arena)
{
    const struct graph *graph = trainer->graph;
    struct parameters parameters = network_parameters(trainer->network);
    struct importance *importance = ARENA_NEW(arena, struct importance);
    importance->n_nodes = graph->n_nodes;
    importance->of = ARENA_ARRAY(arena, (size_t)graph->n_nodes + 1, float *);
    for (int32_t p = 0; p < parameters.n; p++) {
        const struct parameter *parameter = &parameters.list[p];
        float *numbers = NULL;
        for (int32_t n = 0; n < graph->n_nodes && parameter->role == PARAMETER_WEIGHTS; n++) {
            if (graph->nodes[n].n_inputs < 2 || graph->nodes[n].inputs[1] != parameter->tensor ||
                !op_is_layer(graph->nodes[n].op))
                continue;
            if (numbers == NULL)
                numbers = ARENA_ARRAY(arena, (size_t)parameter->n, float);
            importance->of[n] = numbers;
        }
        for (int64_t i = 0; numbers != NULL && i < parameter->n; i++)
            numbers[i] = (float)sums[parameter->first + i];
    }
    return importance;
}

enum status importance_measure(struct trainer *trainer, enum score_kind kind, int32_t n_batches,
                               struct arena *arena, struct importance **importance,
                               struct diag *diag)
{
    struct arena scratch = {0};
    struct parameters parameters = network_parameters(trainer->network);
    struct measuring measuring = {kind,
                                  ARENA_ARRAY(&scratch, (size_t)parameters.n_values + 1, double)};
    enum status status = OK;
    *importance = NULL;
    if (kind == SCORE_RANDOM) {
        struct random random = {trainer->settings->seed};
        for (int64_t i = 0; i < parameters.n_values; i++)
            measuring.sums[i] =
                parameters.values[i] != 0 ? (double)(random_bits(&random) >> 40) : 0;
    } else if (kind == SCORE_TAYLOR || kind == SCORE_FISHER) {
        status = trainer_gradients(trainer, n_batches, see_gradients, &measuring, diag);
    }
    if (status == OK && (kind == SCORE_RANDOM || kind == SCORE_TAYLOR || kind == SCORE_FISHER))
        *importance = by_node(trainer, measuring.sums, arena);
    arena_free(&scratch);
    return status;
}
