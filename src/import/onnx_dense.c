/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "import/onnx_quantized.h"

/* A product of rows (of `channels`, the last dimension) and constant weights. */
struct product {
    const struct value *input;
    const struct constant *weights;
    int32_t channels, filters;
    int64_t channel_stride, filter_stride; /* in the weights */
    int32_t filter_axis;                   /* dimension of the weights */
    float scale;                           /* of the weights */
    const float *bias;                     /* `filters`, or NULL */
};

/* The tensor of the input with the channels as its last dimension: as it is, or rows x channels. */
static enum status rows_input(struct onnx_importer *importer, const struct product *product,
                              int32_t *id)
{
    const struct value *input = product->input;
    const struct shape *shape = &importer->builder.graph->tensors[input->id].shape;
    int32_t last = input->shape.rank - 1, order[MAX_RANK], n = 0;
    /* The channels come last in memory, whatever the order of the rows. */
    for (int32_t i = 0; i < input->layout.n; i++) {
        int32_t dim = input->layout.dim[input->layout.memory[i]];
        if (dim != last && (n == 0 || order[n - 1] != dim) && n < MAX_RANK - 1)
            order[n++] = dim;
    }
    order[n++] = last;
    if (!layout_follows(&input->layout, order, n))
        return fail_transposed(importer, input);
    *id = input->id;
    if (input->shape.rank > 2 && shape->dims[shape->rank - 1] == product->channels)
        return OK;
    int64_t rows = shape_elements(&input->shape) / product->channels;
    *id = value_shaped(importer, input, &(struct shape){2, {(int32_t)rows, product->channels}});
    return OK;
}

static int32_t product_weights(struct onnx_importer *importer, const struct product *product)
{
    int32_t last = product->input->shape.rank - 1;
    const struct axis axes[2] = {
        {product->filters, product->filter_stride, NULL},
        {product->channels, product->channel_stride,
         layout_indices(&product->input->layout, last, product->channels, importer->arena)}};
    const struct shape shape = {2, {product->filters, product->channels}};
    float *data = floats_arrange(importer->arena, product->weights->floats, axes, 2);
    for (int64_t i = 0; product->scale != 1 && i < shape_elements(&shape); i++)
        data[i] *= product->scale;
    int32_t id = constant_add(importer, "weights", &shape, data);
    weights_annotate(importer, id, product->weights, product->filter_axis, 0, product->filters,
                     NULL, product->scale);
    return id;
}

static enum status product_import(struct onnx_importer *importer, const struct product *product)
{
    struct node node = {.op = OP_fully_connected, .n_inputs = 2};
    TRY(rows_input(importer, product, &node.inputs[0]));
    node.inputs[1] = product_weights(importer, product);
    if (product->bias != NULL) {
        const struct shape shape = {1, {product->filters}};
        node.inputs[2] = constant_add(importer, "bias", &shape, product->bias);
        node.n_inputs = 3;
    }
    const struct value *input = product->input;
    int32_t last = input->shape.rank - 1;
    struct shape shape = importer->builder.graph->tensors[node.inputs[0]].shape;
    shape.dims[shape.rank - 1] = product->filters;
    int64_t dims[MAX_RANK];
    for (int32_t d = 0; d < input->shape.rank; d++)
        dims[d] = d == last ? product->filters : input->shape.dims[d];
    struct shape file;
    TRY(shape_make(importer, dims, input->shape.rank, &file));
    struct layout layout = layout_without(&input->layout, 1U << last, 0);
    layout = layout_append(&layout, last, product->filters);
    return value_make(importer, step_output(importer, 0), &node, &shape, &file, &layout);
}

/* beta * C for one row: a number, or one a filter. */
static enum status gemm_bias(struct onnx_importer *importer, struct product *product)
{
    const struct constant *bias;
    float beta;
    if (step_input(importer, 2) == NULL)
        return OK;
    TRY(input_floats(importer, 2, "bias", &bias));
    TRY(attribute_float(importer, "beta", 1, &beta));
    int64_t n = constant_elements(bias);
    const struct shape *shape = &bias->shape;
    if (n != 1 && (n != product->filters || shape->dims[shape->rank - 1] != n))
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the bias has shape %s, it must have one element a column",
                         shape_string(shape, importer->arena));
    float *values = ARENA_ARRAY(importer->arena, (size_t)product->filters, float);
    for (int32_t i = 0; i < product->filters; i++)
        values[i] = beta * bias->floats[n == 1 ? 0 : i];
    product->bias = values;
    return OK;
}

static enum status rank_check(struct onnx_importer *importer, const char *what,
                              const struct shape *shape, int32_t min, int32_t max)
{
    if (shape->rank >= min && shape->rank <= max)
        return OK;
    return onnx_fail(importer, ERR_UNSUPPORTED, "the %s has %d dimensions, %d to %d are supported",
                     what, (int)shape->rank, (int)min, (int)max);
}

static enum status channels_check(struct onnx_importer *importer, const struct product *product)
{
    const struct shape *shape = &product->input->shape;
    if (shape->dims[shape->rank - 1] == product->channels)
        return OK;
    return onnx_fail(importer, ERR_INPUT, "the weights are for rows of %d, the input has %s",
                     (int)product->channels, shape_string(shape, importer->arena));
}

enum status import_onnx_gemm(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input;
    struct product product = {.scale = 1};
    int64_t transpose_a, transpose_b;
    TRY(step_computed(importer, 0, &input));
    TRY(input_floats(importer, 1, "weights", &product.weights));
    TRY(rank_check(importer, "input", &input->shape, 2, 2));
    TRY(rank_check(importer, "weights", &product.weights->shape, 2, 2));
    TRY(attribute_int(importer, "transA", 0, &transpose_a));
    TRY(attribute_int(importer, "transB", 0, &transpose_b));
    TRY(attribute_float(importer, "alpha", 1, &product.scale));
    struct value turned = *input;
    if (transpose_a) {
        static const int32_t order[MAX_RANK] = {1, 0};
        turned.layout = layout_transpose(&input->layout, order, 2);
        turned.shape = shape_ordered(&input->shape, order, 2);
    }
    const int32_t *dims = product.weights->shape.dims;
    product.input = &turned;
    product.channels = dims[transpose_b ? 1 : 0];
    product.filters = dims[transpose_b ? 0 : 1];
    product.channel_stride = transpose_b ? 1 : dims[1];
    product.filter_stride = transpose_b ? dims[1] : 1;
    product.filter_axis = transpose_b ? 0 : 1;
    TRY(channels_check(importer, &product));
    TRY(gemm_bias(importer, &product));
    return product_import(importer, &product);
}

enum status import_onnx_matmul(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input = step_input(importer, 0);
    struct product product = {.scale = 1};
    if (input != NULL && input->constant != NULL)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the first factor is constant; write the product the other way round");
    TRY(step_computed(importer, 0, &input));
    TRY(input_floats(importer, 1, "weights", &product.weights));
    TRY(rank_check(importer, "input", &input->shape, 2, MAX_RANK));
    TRY(rank_check(importer, "weights", &product.weights->shape, 2, 2));
    product.input = input;
    product.channels = product.weights->shape.dims[0];
    product.filters = product.weights->shape.dims[1];
    product.channel_stride = product.filters;
    product.filter_stride = 1;
    product.filter_axis = 1;
    TRY(channels_check(importer, &product));
    return product_import(importer, &product);
}
