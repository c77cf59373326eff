/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "import/onnx_fold.h"
#include "import/onnx_quantized.h"

enum status fold_cast(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = fold_input(importer, 0);
    int64_t type;
    struct constant *made;
    void *data;
    TRY(attribute_int(importer, "to", 0, &type));
    if (type < ONNX_FLOAT || type > ONNX_BFLOAT16 || type == ONNX_STRING)
        return onnx_fail(importer, ERR_UNSUPPORTED, "a cast to type %lld is not supported",
                         (long long)type);
    TRY(constant_make(importer, &from->shape, (int32_t)type, &made, &data));
    int64_t n = constant_elements(from);
    for (int64_t i = 0; i < n; i++) {
        if (made->is_float) {
            ((float *)data)[i] = from->is_float ? from->floats[i] : (float)from->integers[i];
        } else if (!from->is_float) {
            ((int64_t *)data)[i] = from->integers[i];
        } else {
            float value = from->floats[i];
            ((int64_t *)data)[i] = value > -1e18F && value < 1e18F ? (int64_t)value : 0;
        }
    }
    return fold_result(importer, made);
}

/* ---- arithmetic ---- */

static float float_compute(int operation, float a, float b)
{
    switch (operation) {
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    default:
        return a / b;
    }
}

/* Wraps around where it overflows; a division by 0 gives 0. */
static int64_t integer_compute(int operation, int64_t a, int64_t b)
{
    switch (operation) {
    case '+':
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case '-':
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case '*':
        return (int64_t)((uint64_t)a * (uint64_t)b);
    default:
        return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
    }
}

/* Of as many elements, or one with many. */
enum status fold_arithmetic(struct onnx_importer *importer, int operation)
{
    const struct constant *a = fold_input(importer, 0), *b = fold_input(importer, 1);
    int64_t n_a = constant_elements(a), n_b = constant_elements(b);
    if (a->is_float != b->is_float || n_a == 0 || n_b == 0 ||
        (!shape_equal(&a->shape, &b->shape) && n_a != 1 && n_b != 1))
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "constants of different shapes or types; run the file through onnxsim");
    struct constant *made;
    void *data;
    int larger_is_a = n_a > n_b || (n_a == n_b && a->shape.rank >= b->shape.rank);
    TRY(constant_make(importer, larger_is_a ? &a->shape : &b->shape, a->type, &made, &data));
    int64_t n = constant_elements(made);
    for (int64_t i = 0; i < n; i++) {
        int64_t at_a = n_a == 1 ? 0 : i, at_b = n_b == 1 ? 0 : i;
        if (made->is_float)
            ((float *)data)[i] = float_compute(operation, a->floats[at_a], b->floats[at_b]);
        else
            ((int64_t *)data)[i] = integer_compute(operation, a->integers[at_a], b->integers[at_b]);
    }
    return fold_result(importer, made);
}

enum status fold_floor(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = fold_input(importer, 0);
    struct constant *made;
    void *data;
    TRY(constant_make(importer, &from->shape, from->type, &made, &data));
    int64_t n = constant_elements(from);
    for (int64_t i = 0; i < n; i++) {
        if (made->is_float)
            ((float *)data)[i] = floorf(from->floats[i]);
        else
            ((int64_t *)data)[i] = from->integers[i];
    }
    return fold_result(importer, made);
}

/* ---- quantization ---- */

/* The scale of element i. */
static int64_t scale_index(const struct quantizer *quantizer, const struct shape *shape, int64_t i)
{
    if (quantizer->n == 1)
        return 0;
    for (int32_t d = shape->rank - 1; d > quantizer->axis; d--)
        i /= shape->dims[d];
    return i % quantizer->n;
}

enum status fold_quantize(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = fold_input(importer, 0);
    struct quantizer quantizer;
    struct constant *made;
    void *data;
    TRY(quantizer_read(importer, &from->shape, &quantizer));
    if (!from->is_float || (quantizer.type != ONNX_INT8 && quantizer.type != ONNX_UINT8))
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "only floats can be quantized, to int8 or uint8");
    int64_t n = constant_elements(from), low = quantizer.type == ONNX_INT8 ? -128 : 0;
    TRY(constant_make(importer, &from->shape, quantizer.type, &made, &data));
    for (int64_t i = 0; i < n; i++) {
        int64_t at = scale_index(&quantizer, &from->shape, i);
        double value = nearbyint((double)from->floats[i] / (double)quantizer.scale[at]) +
                       (quantizer.zero_point != NULL ? (double)quantizer.zero_point[at] : 0);
        value = value > (double)low ? value : (double)low;
        ((int64_t *)data)[i] = (int64_t)(value < (double)(low + 255) ? value : (double)(low + 255));
    }
    return fold_result(importer, made);
}

enum status fold_dequantize(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = fold_input(importer, 0);
    struct quantizer quantizer;
    struct constant *made;
    void *data;
    TRY(quantizer_read(importer, &from->shape, &quantizer));
    if (from->is_float)
        return onnx_fail(importer, ERR_INPUT, "only integers can be dequantized");
    TRY(constant_make(importer, &from->shape, ONNX_FLOAT, &made, &data));
    int64_t n = constant_elements(from);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = scale_index(&quantizer, &from->shape, i);
        double zero_point = quantizer.zero_point != NULL ? (double)quantizer.zero_point[at] : 0;
        ((float *)data)[i] =
            (float)(((double)from->integers[i] - zero_point) * (double)quantizer.scale[at]);
    }
    if (from->type == ONNX_INT8 || from->type == ONNX_UINT8) {
        made->n_scales = quantizer.n;
        made->scale_axis = quantizer.axis;
        made->scale = quantizer.scale;
    }
    return fold_result(importer, made);
}
