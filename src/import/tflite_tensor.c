/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "import/tflite_importer.h"

/* Sparse constants may grow by much; beyond this a file is taken for an attack. */
#define MAX_EXPANDED_BYTES ((size_t)256 * 1024 * 1024)

/* What to do about an element type that is not read. */
struct type_rule {
    const char *name;
    const char *remedy;
};

static const char remedy_int8[] = "convert with full integer quantization to int8";

static const struct type_rule type_rules[] = {
    [TFLITE_FLOAT32] = {"float32", ""},
    [1] = {"float16", "convert with float32 weights or with full integer quantization to int8"},
    [TFLITE_INT32] = {"int32", ""},
    [3] = {"uint8", "convert with full integer quantization to int8, inputs and outputs too "
                    "(inference_input_type and inference_output_type int8)"},
    [TFLITE_INT64] = {"int64", "cast to int32 or float32 before the export"},
    [5] = {"string", "remove text processing from the network"},
    [6] = {"bool", "remove comparisons and selections from the network"},
    [7] = {"int16", "convert with int8 activations, not 16x8"},
    [8] = {"complex64", "remove spectral operations from the network"},
    [TFLITE_INT8] = {"int8", ""},
    [10] = {"float64", "convert with float32"},
    [11] = {"complex128", "remove spectral operations from the network"},
    [12] = {"uint64", remedy_int8},
    [13] = {"resource", "freeze the variables of the network before the export"},
    [14] = {"variant", "freeze the variables of the network before the export"},
    [15] = {"uint32", remedy_int8},
    [16] = {"uint16", remedy_int8},
    [17] = {"int4", "convert with int8 weights"},
    [18] = {"bfloat16", "convert with float32"},
    [19] = {"int2", "convert with int8 weights"},
    [20] = {"uint4", "convert with int8 weights"},
    [21] = {"float8_e4m3fn", remedy_int8},
    [22] = {"float8_e5m2", remedy_int8},
};

static const char *tensor_label(const struct importer *importer, int32_t index)
{
    return tensor_name_shorten(importer->arena, importer->model->subgraph.tensors[index].name,
                               index);
}

enum status input_index(struct importer *importer, uint32_t position, int32_t *index)
{
    const struct tflite_ints *inputs = &importer->op->inputs;
    *index = position < inputs->n ? inputs->data[position] : TFLITE_ABSENT;
    if (*index < TFLITE_ABSENT || *index >= (int64_t)importer->model->subgraph.n_tensors)
        return import_fail(importer, ERR_INPUT,
                           "input %u is tensor %d, but the model has %u tensors; the file is "
                           "damaged",
                           (unsigned)position, (int)*index,
                           (unsigned)importer->model->subgraph.n_tensors);
    return OK;
}

static const struct tflite_buffer *tensor_buffer(const struct importer *importer, int32_t index)
{
    return &importer->model->buffers[importer->model->subgraph.tensors[index].buffer];
}

int tensor_is_constant(const struct importer *importer, int32_t index)
{
    const struct tflite_buffer *buffer = tensor_buffer(importer, index);
    return importer->model->subgraph.tensors[index].external_buffer != 0 || buffer->data.n != 0 ||
           buffer->offset > 1;
}

static enum status type_read(struct importer *importer, int32_t index, struct tensor *tensor)
{
    int32_t type = importer->model->subgraph.tensors[index].type;
    switch (type) {
    case TFLITE_FLOAT32:
        tensor->dtype = DTYPE_F32;
        return OK;
    case TFLITE_INT8:
        tensor->dtype = DTYPE_S8;
        return OK;
    case TFLITE_INT32:
        tensor->dtype = DTYPE_S32;
        return OK;
    default:
        break;
    }
    if (type < 0 || type >= (int32_t)(sizeof type_rules / sizeof *type_rules))
        return import_fail(importer, ERR_INPUT,
                           "tensor '%s' has the unknown element type %d; the file is damaged or "
                           "newer than this program",
                           tensor->name, (int)type);
    return import_fail(importer, ERR_UNSUPPORTED,
                       "tensor '%s' has element type %s, which is not supported; %s", tensor->name,
                       type_rules[type].name, type_rules[type].remedy);
}

static enum status shape_read(struct importer *importer, int32_t index, struct tensor *tensor)
{
    const struct tflite_tensor *from = &importer->model->subgraph.tensors[index];
    if (from->shape.n > MAX_RANK)
        return import_fail(importer, ERR_UNSUPPORTED,
                           "tensor '%s' has %u dimensions, at most %d are supported; reshape it "
                           "before the export",
                           tensor->name, (unsigned)from->shape.n, MAX_RANK);
    tensor->shape.rank = (int32_t)from->shape.n;
    int64_t elements = 1;
    for (int32_t d = 0; d < tensor->shape.rank; d++) {
        int32_t size = from->shape.data[d];
        if (size < 1)
            return import_fail(importer, ERR_INPUT,
                               "dimension %d of tensor '%s' is %d, it must be at least 1; export "
                               "with a fixed input shape",
                               (int)d, tensor->name, (int)size);
        tensor->shape.dims[d] = size;
        elements *= size;
        if (elements > INT32_MAX)
            return import_fail(importer, ERR_INPUT,
                               "the size of tensor '%s' overflows: more than 2^31 - 1 elements; "
                               "the file is damaged",
                               tensor->name);
    }
    return OK;
}

/* A dimension of -1 in the signature is only known at run time. A batch is taken as the 1 that the
 * shape says. */
static enum status signature_check(struct importer *importer, int32_t index,
                                   const struct tensor *tensor)
{
    const struct tflite_tensor *from = &importer->model->subgraph.tensors[index];
    if (from->shape_signature.n != from->shape.n)
        return OK;
    for (int32_t d = 0; d < tensor->shape.rank; d++) {
        if (from->shape_signature.data[d] >= 0 || (d == 0 && tensor->shape.dims[0] == 1))
            continue;
        return import_fail(importer, ERR_UNSUPPORTED,
                           "dimension %d of tensor '%s' is dynamic; export with a fixed input "
                           "shape (only a batch of 1 may stay open)",
                           (int)d, tensor->name);
    }
    return OK;
}

static int64_t long_at(const struct tflite_longs *longs, uint32_t i)
{
    int64_t value;
    memcpy(&value, longs->data + (size_t)i * sizeof value, sizeof value);
    return value;
}

/* Checks counts and ranges so that the arrays can be copied. */
static enum status quantization_check(struct importer *importer, int32_t index,
                                      const struct tensor *tensor)
{
    const struct tflite_quantization *from = &importer->model->subgraph.tensors[index].quantization;
    uint32_t n = from->scale.n;
    if (from->zero_point.n != n)
        return import_fail(importer, ERR_INPUT,
                           "tensor '%s' has %u scales but %u zero points; the file is damaged",
                           tensor->name, (unsigned)n, (unsigned)from->zero_point.n);
    if (n > 1) {
        int32_t axis = from->axis;
        if (axis < 0 || axis >= tensor->shape.rank || (uint32_t)tensor->shape.dims[axis] != n)
            return import_fail(importer, ERR_INPUT,
                               "tensor '%s' of shape %s has %u scales along dimension %d; the "
                               "file is damaged",
                               tensor->name, shape_string(&tensor->shape, importer->arena),
                               (unsigned)n, (int)axis);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!isfinite(from->scale.data[i]) || from->scale.data[i] <= 0)
            return import_fail(importer, ERR_INPUT,
                               "scale %u of tensor '%s' is %g, it must be finite and above 0; "
                               "quantize again with representative data",
                               (unsigned)i, tensor->name, (double)from->scale.data[i]);
        int64_t value = long_at(&from->zero_point, i);
        if (n > 1 ? value != 0 : value < INT8_MIN || value > INT8_MAX)
            return import_fail(importer, ERR_INPUT,
                               "zero point %u of tensor '%s' is %lld, outside of %s; quantize to "
                               "int8 by the TensorFlow Lite specification",
                               (unsigned)i, tensor->name, (long long)value,
                               n > 1 ? "[0, 0] for scales per channel" : "[-128, 127]");
    }
    return OK;
}

/* `n` zeros, the zero points of scales per channel. All tensors share them, as a small file may
 * have many tensors that share a large array of scales. */
static const int32_t *zeros(struct importer *importer, uint32_t n)
{
    if (n > importer->n_zeros) {
        importer->zeros = ARENA_ARRAY(importer->arena, (size_t)n * 2, int32_t);
        importer->n_zeros = (size_t)n * 2;
    }
    return importer->zeros;
}

static const int32_t *zero_point(struct importer *importer, const struct tflite_quantization *from)
{
    int32_t *value = ARENA_NEW(importer->arena, int32_t);
    *value = (int32_t)long_at(&from->zero_point, 0);
    return value;
}

static enum status quantization_read(struct importer *importer, int32_t index,
                                     struct tensor *tensor)
{
    const struct tflite_quantization *from = &importer->model->subgraph.tensors[index].quantization;
    if (from->details_type != 0)
        return import_fail(importer, ERR_UNSUPPORTED,
                           "tensor '%s' uses a quantization scheme other than scale and zero "
                           "point; %s",
                           tensor->name, remedy_int8);
    if (tensor->dtype == DTYPE_F32 || from->scale.n == 0)
        return OK;
    TRY(quantization_check(importer, index, tensor));
    uint32_t n = from->scale.n;
    tensor->quantization.n = (int32_t)n;
    tensor->quantization.axis = n > 1 ? from->axis : 0;
    tensor->quantization.scale = from->scale.data;
    tensor->quantization.zero_point = n > 1 ? zeros(importer, n) : zero_point(importer, from);
    return OK;
}

/* The bytes of a constant: in the flat buffer, or behind it in the same file. */
static enum status bytes_find(struct importer *importer, int32_t index, const char *name,
                              struct tflite_bytes *bytes)
{
    const struct tflite_model *model = importer->model;
    if (model->subgraph.tensors[index].external_buffer != 0)
        return import_fail(importer, ERR_UNSUPPORTED,
                           "the data of tensor '%s' is in another file; export one file", name);
    const struct tflite_buffer *buffer = tensor_buffer(importer, index);
    *bytes = buffer->data;
    if (bytes->n != 0)
        return OK;
    if (buffer->offset % 4 != 0 || buffer->offset > model->file_size ||
        buffer->size > model->file_size - buffer->offset || buffer->size > UINT32_MAX)
        return import_fail(importer, ERR_INPUT,
                           "the data of tensor '%s' lies outside of the file or is not aligned to "
                           "4 bytes; the file is damaged or cut off",
                           name);
    bytes->data = model->file + buffer->offset;
    bytes->n = (uint32_t)buffer->size;
    return OK;
}

static enum status sparse_read(struct importer *importer, int32_t index,
                               const struct tflite_bytes *bytes, struct tensor *tensor)
{
    size_t value_bytes = dtype_bytes(tensor->dtype);
    size_t dense_bytes = tensor_bytes(tensor);
    if (dense_bytes > MAX_EXPANDED_BYTES - importer->expanded_bytes)
        return import_fail(importer, ERR_UNSUPPORTED,
                           "the sparse tensors up to '%s' take more than %zu MiB when expanded; "
                           "export a smaller network",
                           tensor->name, MAX_EXPANDED_BYTES >> 20);
    importer->expanded_bytes += dense_bytes;
    struct sparse_source source = {
        .sparsity = importer->model->subgraph.tensors[index].sparsity,
        .shape = &tensor->shape,
        .values = bytes->data,
        .n_values = bytes->n / value_bytes,
        .value_bytes = value_bytes,
    };
    uint8_t *dense = ARENA_ARRAY(importer->arena, dense_bytes, uint8_t);
    const char *wrong = bytes->n % value_bytes != 0 ? "its data ends within an element"
                                                    : sparse_expand(&source, dense);
    if (wrong != NULL)
        return import_fail(importer, ERR_INPUT, "sparse tensor '%s': %s; the file is damaged",
                           tensor->name, wrong);
    tensor->data = dense;
    return OK;
}

static enum status data_read(struct importer *importer, int32_t index, struct tensor *tensor)
{
    struct tflite_bytes bytes;
    TRY(bytes_find(importer, index, tensor->name, &bytes));
    if (importer->model->subgraph.tensors[index].sparsity != NULL)
        return sparse_read(importer, index, &bytes, tensor);
    if (bytes.n != tensor_bytes(tensor))
        return import_fail(importer, ERR_INPUT,
                           "tensor '%s' of shape %s needs %zu bytes, its buffer has %u; the file "
                           "is damaged",
                           tensor->name, shape_string(&tensor->shape, importer->arena),
                           tensor_bytes(tensor), (unsigned)bytes.n);
    tensor->data = bytes.data;
    return OK;
}

enum status tensors_check(struct importer *importer)
{
    const struct tflite_model *model = importer->model;
    for (uint32_t i = 0; i < model->subgraph.n_tensors; i++)
        if (model->subgraph.tensors[i].buffer >= model->n_buffers)
            return import_fail(importer, ERR_INPUT,
                               "tensor '%s' refers to buffer %u, but the file has %u; the file is "
                               "damaged",
                               tensor_label(importer, (int32_t)i),
                               (unsigned)model->subgraph.tensors[i].buffer,
                               (unsigned)model->n_buffers);
    return OK;
}

enum status tensor_read(struct importer *importer, int32_t index, struct tensor *tensor)
{
    const struct tflite_tensor *from = &importer->model->subgraph.tensors[index];
    *tensor = (struct tensor){.name = tensor_label(importer, index)};
    if (from->is_variable)
        return import_fail(importer, ERR_UNSUPPORTED,
                           "tensor '%s' is a variable that keeps its value between runs; make the "
                           "state an input and an output of the network",
                           tensor->name);
    TRY(type_read(importer, index, tensor));
    TRY(shape_read(importer, index, tensor));
    TRY(quantization_read(importer, index, tensor));
    if (tensor_is_constant(importer, index))
        return data_read(importer, index, tensor);
    return signature_check(importer, index, tensor);
}

static enum status constant_add(struct importer *importer, int32_t index, const char *role)
{
    struct tensor tensor;
    TRY(tensor_read(importer, index, &tensor));
    if (role != NULL)
        tensor.name = arena_printf(importer->arena, "%s/%s", importer->node_name, role);
    importer->ids[index] = graph_add_tensor(&importer->builder, &tensor);
    return OK;
}

enum status input_id(struct importer *importer, uint32_t position, int32_t *id)
{
    int32_t index;
    TRY(input_index(importer, position, &index));
    if (index == TFLITE_ABSENT)
        return import_fail(importer, ERR_INPUT, "input %u is missing; the file is damaged",
                           (unsigned)position);
    if (importer->ids[index] < 0 && !tensor_is_constant(importer, index))
        return import_fail(importer, ERR_INPUT,
                           "nothing before it produces tensor '%s': a dangling or cyclic "
                           "reference; the file is damaged",
                           tensor_label(importer, index));
    if (importer->ids[index] < 0)
        TRY(constant_add(importer, index, NULL));
    *id = importer->ids[index];
    return OK;
}

static enum status constant_require(struct importer *importer, uint32_t position, const char *role,
                                    int32_t *index)
{
    TRY(input_index(importer, position, index));
    if (*index == TFLITE_ABSENT)
        return import_fail(importer, ERR_INPUT, "its %s are missing; the file is damaged", role);
    int32_t id = importer->ids[*index];
    if (!tensor_is_constant(importer, *index) &&
        (id < 0 || importer->builder.graph->tensors[id].data == NULL))
        return import_fail(importer, ERR_UNSUPPORTED,
                           "its %s '%s' are computed at run time; export with constant %s", role,
                           tensor_label(importer, *index), role);
    return OK;
}

enum status constant_id(struct importer *importer, uint32_t position, const char *role, int32_t *id)
{
    int32_t index;
    TRY(constant_require(importer, position, role, &index));
    if (importer->ids[index] < 0)
        TRY(constant_add(importer, index, role));
    *id = importer->ids[index];
    return OK;
}

void constant_dequantize(struct importer *importer, int32_t id)
{
    struct tensor *tensor = &importer->builder.graph->tensors[id];
    const struct quantization *q = &tensor->quantization;
    int64_t n = shape_elements(&tensor->shape), stride = 1;
    const int8_t *quantized = tensor->data;
    float *values = ARENA_ARRAY(importer->arena, (size_t)n, float);
    for (int32_t d = tensor->shape.rank - 1; d > q->axis; d--)
        stride *= tensor->shape.dims[d];
    for (int64_t i = 0; i < n; i++) {
        int64_t channel = q->n > 1 ? i / stride % q->n : 0;
        values[i] = q->scale[channel] * (float)(quantized[i] - q->zero_point[channel]);
    }
    tensor->dtype = DTYPE_F32;
    tensor->data = values;
    tensor->quantization = (struct quantization){.n = 0};
}

enum status input_integers(struct importer *importer, uint32_t position, const char *role,
                           int64_t *values, int32_t max, int32_t *n)
{
    int32_t index;
    TRY(constant_require(importer, position, role, &index));
    const char *name = tensor_label(importer, index);
    const struct tflite_tensor *from = &importer->model->subgraph.tensors[index];
    size_t size = from->type == TFLITE_INT32 ? 4 : from->type == TFLITE_INT64 ? 8 : 0;
    if (size == 0 || from->sparsity != NULL)
        return import_fail(importer, ERR_UNSUPPORTED,
                           "its %s '%s' are not int32 or int64 numbers; export them so", role,
                           name);
    struct tensor tensor = {.name = name};
    TRY(shape_read(importer, index, &tensor));
    struct tflite_bytes bytes;
    TRY(bytes_find(importer, index, name, &bytes));
    int64_t elements = shape_elements(&tensor.shape);
    if (bytes.n != (uint64_t)elements * size || elements > max)
        return import_fail(importer, ERR_INPUT,
                           "its %s '%s' of shape %s take %u bytes and may have at most %d "
                           "elements; the file is damaged",
                           role, name, shape_string(&tensor.shape, importer->arena),
                           (unsigned)bytes.n, (int)max);
    for (int64_t i = 0; i < elements; i++) {
        int32_t narrow;
        if (size == sizeof narrow) {
            memcpy(&narrow, bytes.data + i * 4, sizeof narrow);
            values[i] = narrow;
        } else {
            memcpy(&values[i], bytes.data + i * 8, sizeof values[i]);
        }
    }
    *n = (int32_t)elements;
    return OK;
}
