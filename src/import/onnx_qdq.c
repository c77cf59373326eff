/* SPDX-License-Identifier: Apache-2.0 */
/* QuantizeLinear and DequantizeLinear: of constants they compute, of activations they note. */
#include <math.h>
#include <string.h>

#include "import/onnx_quantized.h"

/* ---- notes ---- */

static struct annotation *annotation_of(struct onnx_importer *importer, int32_t tensor)
{
    if (tensor >= importer->annotations_size) {
        int32_t size = importer->builder.tensors_size;
        struct annotation *grown = ARENA_ARRAY(importer->arena, (size_t)size, struct annotation);
        if (importer->annotations_size > 0)
            memcpy(grown, importer->annotations,
                   (size_t)importer->annotations_size * sizeof *grown);
        importer->annotations = grown;
        importer->annotations_size = size;
    }
    return &importer->annotations[tensor];
}

void weights_annotate(struct onnx_importer *importer, int32_t tensor,
                      const struct constant *constant, int32_t axis, int32_t first, int32_t n,
                      const int32_t *indices, float factor)
{
    int32_t n_scales = constant->n_scales == 1 ? 1 : n;
    if (constant->n_scales == 0 || (constant->n_scales > 1 && constant->scale_axis != axis))
        return;
    float *scale = ARENA_ARRAY(importer->arena, (size_t)n_scales, float);
    for (int32_t i = 0; i < n_scales; i++) {
        int32_t at = constant->n_scales == 1 ? 0 : first + (indices != NULL ? indices[i] : i);
        scale[i] = constant->scale[at] * fabsf(factor);
    }
    *annotation_of(importer, tensor) = (struct annotation){n_scales, scale, 0};
}

/* ---- reading ---- */

static enum status zero_points_read(struct onnx_importer *importer, struct quantizer *quantizer)
{
    const struct value *value = step_input(importer, 2);
    quantizer->type = ONNX_UINT8;
    if (value == NULL)
        return OK;
    if (value->constant == NULL || value->constant->is_float ||
        constant_elements(value->constant) != quantizer->n)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the zero point must be constant integers, as many as there are scales");
    quantizer->type = value->constant->type;
    quantizer->zero_point = value->constant->integers;
    return OK;
}

enum status quantizer_read(struct onnx_importer *importer, const struct shape *shape,
                           struct quantizer *quantizer)
{
    const struct constant *scale;
    int64_t axis;
    TRY(input_floats(importer, 1, "scale", &scale));
    *quantizer = (struct quantizer){.n = (int32_t)constant_elements(scale), .scale = scale->floats};
    for (int32_t i = 0; i < quantizer->n; i++)
        if (!(scale->floats[i] > 0 && isfinite(scale->floats[i])))
            return onnx_fail(importer, ERR_INPUT, "scale %d is %g, it must be above 0", (int)i,
                             (double)scale->floats[i]);
    TRY(attribute_int(importer, "axis", 1, &axis));
    if (quantizer->n > 1) {
        TRY(axis_check(importer, axis, shape->rank, &quantizer->axis));
        if (shape->dims[quantizer->axis] != quantizer->n)
            return onnx_fail(importer, ERR_INPUT, "%d scales for dimension %d of %s",
                             (int)quantizer->n, (int)quantizer->axis,
                             shape_string(shape, importer->arena));
    }
    return zero_points_read(importer, quantizer);
}

/* Of an activation, as s8. */
static enum status activation_read(struct onnx_importer *importer, const struct value *value,
                                   struct annotation *annotation)
{
    struct quantizer quantizer;
    TRY(quantizer_read(importer, &value->shape, &quantizer));
    if (quantizer.n != 1)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "an activation has one scale a channel; quantize activations per tensor");
    int64_t zero_point = quantizer.zero_point != NULL ? quantizer.zero_point[0] : 0;
    if (quantizer.type != ONNX_UINT8 && quantizer.type != ONNX_INT8)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "activations of element type %d; quantize them to int8 or uint8",
                         (int)quantizer.type);
    if (zero_point < -128 || zero_point > 255)
        return onnx_fail(importer, ERR_INPUT, "the zero point is out of range");
    zero_point -= quantizer.type == ONNX_UINT8 ? 128 : 0;
    if (zero_point < -128 || zero_point > 127)
        return onnx_fail(importer, ERR_INPUT, "the zero point is out of range");
    *annotation = (struct annotation){1, quantizer.scale, (int32_t)zero_point};
    return OK;
}

static int annotation_equal(const struct annotation *a, const struct annotation *b)
{
    return a->n == 1 && b->n == 1 && a->zero_point == b->zero_point &&
           fabsf(a->scale[0] - b->scale[0]) <= 1e-6F * a->scale[0];
}

enum status import_onnx_quantize(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input;
    struct annotation wanted;
    TRY(step_computed(importer, 0, &input));
    TRY(activation_read(importer, input, &wanted));
    struct annotation *noted = annotation_of(importer, input->id);
    if (noted->n != 0 && !annotation_equal(noted, &wanted)) {
        /* The same values once more: requantized behind. */
        struct node node = {.op = OP_reshape, .n_inputs = 1, .inputs = {input->id}};
        const struct shape shape = importer->builder.graph->tensors[input->id].shape;
        TRY(value_make(importer, step_output(importer, 0), &node, &shape, &input->shape,
                       &input->layout));
        *annotation_of(importer, node.output) = wanted;
        step_output(importer, 0)->maker = -1;
        step_output(importer, 0)->quantized = 1;
        return OK;
    }
    *noted = wanted;
    importer->n_quantized++;
    TRY(value_view(importer, input, &input->shape, &input->layout));
    step_output(importer, 0)->maker = -1;
    step_output(importer, 0)->quantized = 1;
    return OK;
}

enum status import_onnx_dequantize(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input;
    struct annotation wanted;
    TRY(step_computed(importer, 0, &input));
    TRY(activation_read(importer, input, &wanted));
    if (!input->quantized || !annotation_equal(annotation_of(importer, input->id), &wanted))
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "'%s' is not quantized with this scale and zero point; export the pairs "
                         "of QuantizeLinear and DequantizeLinear with the same",
                         onnx_name(importer->arena, input->name));
    TRY(value_view(importer, input, &input->shape, &input->layout));
    step_output(importer, 0)->maker = -1;
    return OK;
}

/* From floats to floats, and of quantized values to the 8 bits that they have. */
enum status import_onnx_cast(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input;
    int64_t to;
    TRY(step_computed(importer, 0, &input));
    TRY(attribute_int(importer, "to", 0, &to));
    int to_float = to == ONNX_FLOAT || to == ONNX_FLOAT16 || to == ONNX_DOUBLE;
    int to_byte = to == ONNX_INT8 || to == ONNX_UINT8;
    if (input->quantized ? !to_byte : !to_float)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "a cast to type %lld is not supported; compute with floats",
                         (long long)to);
    return value_view(importer, input, &input->shape, &input->layout);
}
