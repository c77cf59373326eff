/* SPDX-License-Identifier: Apache-2.0 */
#include "data/dataset.h"

void dataset_sample(const struct dataset *dataset, int32_t index, struct sample_scale scale,
                    float *real)
{
    size_t n = (size_t)shape_elements(&dataset->shape), at = (size_t)index * n;
    switch (dataset->type) {
    case SAMPLE_U8: {
        const uint8_t *stored = (const uint8_t *)dataset->samples + at;
        for (size_t i = 0; i < n; i++)
            real[i] = scale.scale * (float)stored[i] + scale.offset;
        break;
    }
    case SAMPLE_S8: {
        const int8_t *stored = (const int8_t *)dataset->samples + at;
        for (size_t i = 0; i < n; i++)
            real[i] = scale.scale * (float)stored[i] + scale.offset;
        break;
    }
    case SAMPLE_F32: {
        const float *stored = (const float *)dataset->samples + at;
        for (size_t i = 0; i < n; i++)
            real[i] = scale.scale * stored[i] + scale.offset;
        break;
    }
    }
}

/* Equal but for dimensions of size 1. */
static int same_but_ones(const struct shape *a, const struct shape *b)
{
    int32_t i = 0, j = 0;
    for (;;) {
        while (i < a->rank && a->dims[i] == 1)
            i++;
        while (j < b->rank && b->dims[j] == 1)
            j++;
        if (i == a->rank || j == b->rank)
            return i == a->rank && j == b->rank;
        if (a->dims[i++] != b->dims[j++])
            return 0;
    }
}

enum status dataset_fits(const struct dataset *dataset, const struct graph *graph,
                         struct diag *diag)
{
    if (graph->n_inputs != 1)
        return fail(diag, ERR_INPUT, "%s: gives one input a sample but the network has %d inputs",
                    dataset->path, graph->n_inputs);
    const struct tensor *input = &graph->tensors[graph->inputs[0]];
    if (same_but_ones(&dataset->shape, &input->shape))
        return OK;
    struct arena scratch = {0};
    enum status status =
        fail(diag, ERR_INPUT, "%s: samples are %s but the network's input '%s' is %s",
             dataset->path, shape_string(&dataset->shape, &scratch), input->name,
             shape_string(&input->shape, &scratch));
    arena_free(&scratch);
    return status;
}
