/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "import/onnx_importer.h"

/* All constants of a file together: more is taken for an attack. */
#define MAX_CONSTANT_BYTES ((size_t)1 << 30)

int64_t constant_elements(const struct constant *constant)
{
    return shape_elements(&constant->shape);
}

enum status constants_check(struct onnx_importer *importer)
{
    if (importer->constant_bytes <= MAX_CONSTANT_BYTES)
        return OK;
    return onnx_fail(importer, ERR_UNSUPPORTED,
                     "the constants take more than %d MiB; this is no network for a "
                     "microcontroller",
                     (int)(MAX_CONSTANT_BYTES >> 20));
}

enum status constant_make(struct onnx_importer *importer, const struct shape *shape, int32_t type,
                          struct constant **constant, void **data)
{
    int is_float =
        type == ONNX_FLOAT || type == ONNX_FLOAT16 || type == ONNX_DOUBLE || type == ONNX_BFLOAT16;
    size_t n = (size_t)shape_elements(shape), each = is_float ? sizeof(float) : sizeof(int64_t);
    if (n > MAX_CONSTANT_BYTES / each)
        n = MAX_CONSTANT_BYTES / each + 1; /* refused below */
    importer->constant_bytes += n * each;
    TRY(constants_check(importer));
    *data = arena_alloc(importer->arena, n, each);
    *constant = ARENA_NEW(importer->arena, struct constant);
    **constant = (struct constant){.is_float = is_float, .type = type, .shape = *shape};
    if (is_float)
        (*constant)->floats = *data;
    else
        (*constant)->integers = *data;
    return OK;
}

/* ---- element types ---- */

/* Bytes of an element in raw data; 0 for a type that is not read. */
static size_t type_bytes(int32_t type)
{
    switch (type) {
    case ONNX_UINT8:
    case ONNX_INT8:
    case ONNX_BOOL:
        return 1;
    case ONNX_UINT16:
    case ONNX_INT16:
    case ONNX_FLOAT16:
    case ONNX_BFLOAT16:
        return 2;
    case ONNX_FLOAT:
    case ONNX_INT32:
    case ONNX_UINT32:
        return 4;
    case ONNX_DOUBLE:
    case ONNX_INT64:
    case ONNX_UINT64:
        return 8;
    default:
        return 0;
    }
}

static float half_to_float(uint16_t bits)
{
    int exponent = bits >> 10 & 0x1F, fraction = bits & 0x3FF;
    double value;
    if (exponent == 0x1F)
        value = fraction != 0 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        value = ldexp(fraction, -24);
    else
        value = ldexp(fraction + 1024, exponent - 25);
    return (float)(bits >> 15 ? -value : value);
}

static float bits_to_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The element of a float type whose little-endian bits are given. */
static float float_of_bits(int32_t type, uint64_t bits)
{
    double value;
    switch (type) {
    case ONNX_FLOAT16:
        return half_to_float((uint16_t)bits);
    case ONNX_BFLOAT16:
        return bits_to_float((uint32_t)bits << 16);
    case ONNX_DOUBLE:
        memcpy(&value, &bits, sizeof value);
        return (float)value;
    default:
        return bits_to_float((uint32_t)bits);
    }
}

static int64_t integer_of_bits(int32_t type, uint64_t bits)
{
    switch (type) {
    case ONNX_INT8:
        return (int8_t)(uint8_t)bits;
    case ONNX_INT16:
        return (int16_t)(uint16_t)bits;
    case ONNX_INT32:
        return (int32_t)(uint32_t)bits;
    default:
        return (int64_t)bits;
    }
}

/* ---- reading ---- */

static uint64_t bits_read(const uint8_t *data, size_t n)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++)
        bits |= (uint64_t)data[i] << (8 * i);
    return bits;
}

/* How many elements the array for the type has, where they are not raw. */
static size_t typed_count(const struct onnx_tensor *from)
{
    switch (from->type) {
    case ONNX_FLOAT:
        return from->n_floats;
    case ONNX_DOUBLE:
        return from->n_doubles;
    case ONNX_INT64:
        return from->n_int64s;
    case ONNX_UINT32:
    case ONNX_UINT64:
        return from->n_uint64s;
    default:
        return from->n_int32s;
    }
}

static float typed_float(const struct onnx_tensor *from, size_t i)
{
    if (from->type == ONNX_FLOAT)
        return from->floats[i];
    if (from->type == ONNX_DOUBLE)
        return (float)from->doubles[i];
    return float_of_bits(from->type, (uint16_t)from->int32s[i]);
}

static int64_t typed_integer(const struct onnx_tensor *from, size_t i)
{
    if (from->type == ONNX_INT64)
        return from->int64s[i];
    if (from->type == ONNX_UINT64 || from->type == ONNX_UINT32)
        return (int64_t)from->uint64s[i];
    return from->int32s[i];
}

static void elements_read(const struct onnx_tensor *from, size_t n, struct constant *constant,
                          void *data)
{
    size_t bytes = type_bytes(from->type);
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = from->has_raw ? bits_read(from->raw + i * bytes, bytes) : 0;
        if (constant->is_float)
            ((float *)data)[i] =
                from->has_raw ? float_of_bits(from->type, bits) : typed_float(from, i);
        else
            ((int64_t *)data)[i] =
                from->has_raw ? integer_of_bits(from->type, bits) : typed_integer(from, i);
    }
}

static enum status shape_read(struct onnx_importer *importer, const struct onnx_tensor *from,
                              struct shape *shape)
{
    if (from->n_dims > MAX_RANK)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "a constant has %zu dimensions, at most %d are supported", from->n_dims,
                         MAX_RANK);
    int64_t elements = 1;
    *shape = (struct shape){.rank = (int32_t)from->n_dims};
    for (int32_t d = 0; d < shape->rank; d++) {
        if (from->dims[d] < 0 || from->dims[d] > INT32_MAX ||
            (elements *= from->dims[d]) > INT32_MAX)
            return onnx_fail(importer, ERR_INPUT,
                             "the size of a constant overflows; the file is damaged");
        shape->dims[d] = (int32_t)from->dims[d];
    }
    return OK;
}

enum status constant_read(struct onnx_importer *importer, const struct onnx_tensor *from,
                          const struct constant **constant)
{
    struct shape shape;
    struct constant *made;
    void *data;
    if (from->is_external)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the weights are in another file; save the model in one file "
                         "(save_as_external_data=False)");
    size_t bytes = type_bytes(from->type);
    if (bytes == 0)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "a constant has element type %d, which is not supported; export with "
                         "float32 weights",
                         (int)from->type);
    TRY(shape_read(importer, from, &shape));
    size_t n = (size_t)shape_elements(&shape);
    size_t there = from->has_raw ? from->raw_size / bytes : typed_count(from);
    if (there != n || (from->has_raw && from->raw_size % bytes != 0))
        return onnx_fail(importer, ERR_INPUT,
                         "a constant of %zu elements has data for %zu; the file is damaged", n,
                         there);
    TRY(constant_make(importer, &shape, from->type, &made, &data));
    elements_read(from, n, made, data);
    *constant = made;
    return OK;
}

/* ---- using ---- */

float *floats_arrange(struct arena *arena, const float *data, const struct axis *axes, int rank)
{
    size_t n = 1;
    for (int d = 0; d < rank; d++)
        n *= (size_t)axes[d].n;
    float *result = ARENA_ARRAY(arena, n, float);
    for (size_t i = 0; i < n; i++) {
        size_t rest = i;
        int64_t at = 0;
        for (int d = rank - 1; d >= 0; d--) {
            int32_t index = (int32_t)(rest % (size_t)axes[d].n);
            rest /= (size_t)axes[d].n;
            at += axes[d].stride * (axes[d].indices != NULL ? axes[d].indices[index] : index);
        }
        result[i] = data[at];
    }
    return result;
}

enum status input_floats(struct onnx_importer *importer, int32_t position, const char *role,
                         const struct constant **constant)
{
    const struct value *value = step_input(importer, position);
    *constant = NULL;
    if (value == NULL)
        return onnx_fail(importer, ERR_INPUT, "the %s is missing; the file is damaged", role);
    if (value->constant == NULL)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the %s '%s' must be constant; export trained weights, without dynamic "
                         "ones",
                         role, onnx_name(importer->arena, value->name));
    if (!value->constant->is_float || constant_elements(value->constant) == 0)
        return onnx_fail(importer, ERR_INPUT, "the %s '%s' must be floats; the file is damaged",
                         role, onnx_name(importer->arena, value->name));
    *constant = value->constant;
    return OK;
}

enum status input_integer_list(struct onnx_importer *importer, int32_t position, const char *role,
                               int64_t *values, int32_t max, int32_t *n)
{
    const struct value *value = step_input(importer, position);
    if (value == NULL)
        return onnx_fail(importer, ERR_INPUT, "the %s is missing; the file is damaged", role);
    if (value->constant == NULL)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the %s '%s' is computed from data; export with fixed shapes, or run the "
                         "file through onnxsim",
                         role, onnx_name(importer->arena, value->name));
    if (value->constant->is_float || value->constant->shape.rank > 1)
        return onnx_fail(importer, ERR_INPUT,
                         "the %s '%s' must be a list of integers; the file is damaged", role,
                         onnx_name(importer->arena, value->name));
    int64_t count = constant_elements(value->constant);
    if (count > max)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the %s has %lld elements, at most %d are supported", role,
                         (long long)count, (int)max);
    *n = (int32_t)count;
    for (int32_t i = 0; i < *n; i++)
        values[i] = value->constant->integers[i];
    return OK;
}
