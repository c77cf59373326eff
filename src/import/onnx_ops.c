/* SPDX-License-Identifier: Apache-2.0 */
/* Which ops are read, and by what. */
#include <string.h>

#include "import/onnx_importer.h"

enum {
    MANY_OUTPUTS = 1, /* more than the first may be read */
    ON_INTEGERS = 2   /* takes quantized values as they are */
};

struct rule {
    const char *op_type;
    int32_t min_inputs, max_inputs;
    int flags;
    int parameter;
    enum status (*import)(struct onnx_importer *importer, int parameter);
};

static const struct rule rules[] = {
    {"Add", 2, 2, 0, OP_add, import_onnx_binary},
    {"AveragePool", 1, 1, 0, OP_average_pool_2d, import_onnx_pool},
    {"BatchNormalization", 5, 5, 0, 0, import_onnx_batch_normalization},
    {"Clip", 1, 3, 0, 0, import_onnx_clip},
    {"Concat", 1, INT16_MAX, 0, 0, import_onnx_concat},
    {"Conv", 2, 3, 0, 0, import_onnx_conv},
    {"ConvTranspose", 2, 3, 0, 0, import_onnx_conv_transpose},
    {"Cast", 1, 1, ON_INTEGERS, 0, import_onnx_cast},
    {"DequantizeLinear", 2, 3, ON_INTEGERS, 0, import_onnx_dequantize},
    {"Div", 2, 2, 0, 0, import_onnx_div},
    {"Dropout", 1, 3, 0, 0, import_onnx_identity},
    {"Flatten", 1, 1, ON_INTEGERS, 0, import_onnx_flatten},
    {"Gemm", 2, 3, 0, 0, import_onnx_gemm},
    {"GlobalAveragePool", 1, 1, 0, OP_mean, import_onnx_global_pool},
    {"GlobalMaxPool", 1, 1, 0, OP_max_pool_2d, import_onnx_global_pool},
    {"HardSigmoid", 1, 1, 0, 0, import_onnx_hard_sigmoid},
    {"HardSwish", 1, 1, 0, OP_hard_swish, import_onnx_unary},
    {"Identity", 1, 1, ON_INTEGERS, 0, import_onnx_identity},
    {"LeakyRelu", 1, 1, 0, OP_leaky_relu, import_onnx_unary},
    {"MatMul", 2, 2, 0, 0, import_onnx_matmul},
    {"MaxPool", 1, 1, ON_INTEGERS, OP_max_pool_2d, import_onnx_pool},
    {"Mul", 2, 2, 0, OP_mul, import_onnx_binary},
    {"Pad", 1, 4, 0, 0, import_onnx_pad},
    {"QuantizeLinear", 2, 3, 0, 0, import_onnx_quantize},
    {"ReduceMean", 1, 2, 0, 0, import_onnx_mean},
    {"Relu", 1, 1, 0, 0, import_onnx_relu},
    {"Reshape", 2, 2, ON_INTEGERS, 0, import_onnx_reshape},
    {"Resize", 1, 4, 0, 0, import_onnx_resize},
    {"Sigmoid", 1, 1, 0, OP_logistic, import_onnx_unary},
    {"Slice", 1, 5, 0, 0, import_onnx_slice},
    {"Softmax", 1, 1, 0, 0, import_onnx_softmax},
    {"Split", 1, 2, MANY_OUTPUTS, 0, import_onnx_split},
    {"Squeeze", 1, 2, ON_INTEGERS, 0, import_onnx_squeeze},
    {"Sub", 2, 2, 0, OP_sub, import_onnx_binary},
    {"Tanh", 1, 1, 0, OP_tanh, import_onnx_unary},
    {"Transpose", 1, 1, ON_INTEGERS, 0, import_onnx_transpose},
    {"Unsqueeze", 1, 2, ON_INTEGERS, 0, import_onnx_unsqueeze},
    {"Upsample", 1, 2, 0, 0, import_onnx_resize},
};

static const char *rules_list(struct arena *arena)
{
    struct text text = text_start(arena);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        text_printf(&text, "%s, ", rules[i].op_type);
    text_printf(&text, "and of constants Constant, ConstantOfShape, Shape, Size, Gather and "
                       "Floor");
    return text.data;
}

static const struct rule *rule_find(const struct step *step)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (*step->node->domain == '\0' && strcmp(rules[i].op_type, step->op_type) == 0)
            return &rules[i];
    return NULL;
}

static enum status fail_unknown(struct onnx_importer *importer)
{
    const struct step *step = importer->step;
    if (strcmp(step->op_type, "If") == 0 || strcmp(step->op_type, "Loop") == 0 ||
        strcmp(step->op_type, "Scan") == 0)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "control flow is not supported; export with tracing, without branches and "
                         "loops that depend on data");
    if (*step->node->domain != '\0')
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the op is of domain '%s', only standard ops (ai.onnx) are supported; "
                         "export without custom ops",
                         onnx_name(importer->arena, step->node->domain));
    return onnx_fail(importer, ERR_UNSUPPORTED,
                     "this op is not supported; rewrite the network with %s",
                     rules_list(importer->arena));
}

/* Whether an input is quantized values. */
static int reads_integers(const struct onnx_importer *importer)
{
    for (int32_t i = 0; i < importer->step->n_inputs; i++) {
        const struct value *input = step_input(importer, i);
        if (input != NULL && input->constant == NULL && input->quantized)
            return 1;
    }
    return 0;
}

enum status step_import(struct onnx_importer *importer)
{
    const struct step *step = importer->step;
    const struct rule *rule = rule_find(step);
    if (rule == NULL)
        return fail_unknown(importer);
    if (step->n_inputs < rule->min_inputs || step->n_inputs > rule->max_inputs)
        return onnx_fail(importer, ERR_INPUT, "%d inputs, it must have %d to %d",
                         (int)step->n_inputs, (int)rule->min_inputs, (int)rule->max_inputs);
    for (int32_t i = 1; i < step->n_outputs && !(rule->flags & MANY_OUTPUTS); i++)
        if (step->outputs[i] >= 0 && importer->values[step->outputs[i]].n_readers > 0)
            return onnx_fail(importer, ERR_UNSUPPORTED,
                             "its output %d is read, only the first can be; export for inference",
                             (int)i);
    if (step_output(importer, 0) == NULL && !(rule->flags & MANY_OUTPUTS))
        return onnx_fail(importer, ERR_INPUT, "its first output is missing; the file is damaged");
    int integers = reads_integers(importer);
    if (integers && !(rule->flags & ON_INTEGERS))
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "it reads quantized values; put DequantizeLinear in front");
    TRY(rule->import(importer, rule->parameter));
    if (integers && rule->import != import_onnx_dequantize)
        step_output(importer, 0)->quantized = 1;
    return OK;
}
