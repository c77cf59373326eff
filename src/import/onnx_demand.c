/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "import/onnx_importer.h"

/* Which dimension of the input each dimension of a value is. */
struct path {
    int seen;
    int32_t dims[MAX_RANK];
};

static int is_one_of(const char *op_type, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(op_type, list[i]) == 0)
            return 1;
    return 0;
}

static int takes_images(const char *op_type)
{
    static const char *const list[] = {"Conv",        "ConvTranspose",     "MaxPool",
                                       "AveragePool", "GlobalAveragePool", "GlobalMaxPool",
                                       "Resize",      "Upsample",          "BatchNormalization"};
    return is_one_of(op_type, list, sizeof list / sizeof *list);
}

/* Whether the output has the dimensions of the first input. */
static int keeps_dimensions(const char *op_type)
{
    static const char *const list[] = {"Relu",
                                       "Clip",
                                       "LeakyRelu",
                                       "HardSwish",
                                       "HardSigmoid",
                                       "Sigmoid",
                                       "Tanh",
                                       "Add",
                                       "Sub",
                                       "Mul",
                                       "Div",
                                       "Identity",
                                       "Dropout",
                                       "Pad",
                                       "Concat",
                                       "QuantizeLinear",
                                       "DequantizeLinear",
                                       "Cast",
                                       "Slice",
                                       "Transpose",
                                       "Split"};
    return is_one_of(op_type, list, sizeof list / sizeof *list);
}

static void path_extend(struct onnx_importer *importer, const struct step *step, struct path *paths,
                        const struct path *from, int32_t rank)
{
    struct path path = *from;
    importer->step = step;
    int32_t order[MAX_RANK];
    if (strcmp(step->op_type, "Transpose") == 0) {
        if (transpose_order(importer, rank, order) != OK)
            return;
        for (int32_t d = 0; d < rank; d++)
            path.dims[d] = from->dims[order[d]];
    }
    for (int32_t i = 0; i < step->n_outputs; i++)
        if (step->outputs[i] >= 0 && !paths[step->outputs[i]].seen)
            paths[step->outputs[i]] = path;
}

/* The first node that takes an image, or rows (*rows is 1), of what has only been moved so far;
 * NULL when there is none. */
static const struct path *reader_find(struct onnx_importer importer, int32_t value, int32_t rank,
                                      int *rows)
{
    struct diag ignored;
    struct path *paths = ARENA_ARRAY(importer.arena, (size_t)importer.n_values, struct path);
    importer.diag = &ignored;
    paths[value] = (struct path){1, {0, 1, 2, 3, 4}};
    for (int32_t i = 0; i < importer.n_steps; i++) {
        const struct step *step = &importer.steps[i];
        if (!step->live)
            continue;
        for (int32_t k = 0; k < step->n_inputs; k++) {
            if (step->inputs[k] < 0 || !paths[step->inputs[k]].seen)
                continue;
            *rows = k == 0 && strcmp(step->op_type, "MatMul") == 0;
            if (*rows || (k == 0 && takes_images(step->op_type)))
                return &paths[step->inputs[k]];
            if (keeps_dimensions(step->op_type))
                path_extend(&importer, step, paths, &paths[step->inputs[k]], rank);
        }
    }
    return NULL;
}

void input_order(const struct onnx_importer *importer, int32_t value, int32_t order[MAX_RANK],
                 int32_t *n)
{
    int rows = 0;
    int32_t rank = importer->values[value].shape.rank;
    const struct path *path = reader_find(*importer, value, rank, &rows);
    for (int32_t i = 0; i < MAX_RANK; i++)
        order[i] = i;
    *n = rank;
    if (!rows && ((rank >= 3 && path != NULL) || rank == 4))
        *n = channels_last(rank, order);
    for (int32_t i = 0; path != NULL && i < *n; i++)
        if (order[i] >= 0)
            order[i] = path->dims[order[i]];
}
