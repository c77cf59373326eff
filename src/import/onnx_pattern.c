/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of nodes that stand for one op: x * HardSigmoid(x), and x * Clip(x + 3, 0, 6) / 6 with the
 * division anywhere, are hard_swish. */
#include <math.h>
#include <string.h>

#include "import/onnx_importer.h"

/* What the nodes define so far, for looking back from a product. */
struct matcher {
    struct onnx_importer *importer;
    int32_t *makers; /* step that makes each value, -1: none */
};

static const struct step *maker_of(const struct matcher *matcher, int32_t value, const char *type)
{
    int32_t maker = value < 0 ? -1 : matcher->makers[value];
    if (maker < 0)
        return NULL;
    const struct step *step = &matcher->importer->steps[maker];
    return strcmp(step->op_type, type) == 0 && *step->node->domain == '\0' ? step : NULL;
}

/* Whether a value is a constant of one float, close to `wanted`. */
static int is_number(const struct matcher *matcher, int32_t value, double wanted)
{
    if (value < 0)
        return 0;
    const struct constant *constant = matcher->importer->values[value].constant;
    const struct step *step = maker_of(matcher, value, "Constant");
    struct constant read = {.is_float = 0};
    if (constant == NULL && step != NULL) {
        struct onnx_importer looker = *matcher->importer;
        struct diag ignored;
        looker.diag = &ignored;
        looker.step = step;
        const struct onnx_attribute *attribute = attribute_find(&looker, "value");
        if (attribute == NULL || attribute->t == NULL || attribute->t->n_dims > 1 ||
            (attribute->t->n_dims == 1 && attribute->t->dims[0] != 1) ||
            constant_read(&looker, attribute->t, &constant) != OK)
            return 0;
    }
    if (constant == NULL)
        constant = &read;
    if (!constant->is_float || constant_elements(constant) != 1)
        return 0;
    return fabs((double)constant->floats[0] - wanted) <= 1e-6 * wanted + 1e-9;
}

static float float_attribute(const struct step *step, const char *name, float initial)
{
    struct onnx_importer looker = {.step = step};
    const struct onnx_attribute *attribute = attribute_find(&looker, name);
    return attribute != NULL && attribute->type == ONNX_ATTRIBUTE_FLOAT ? attribute->f : initial;
}

/* An operand of a two-input node when the other is the given number. */
static int32_t operand_beside(const struct matcher *matcher, const struct step *step, double number)
{
    if (step == NULL || step->n_inputs != 2)
        return -1;
    if (is_number(matcher, step->inputs[1], number))
        return step->inputs[0];
    if (strcmp(step->op_type, "Div") != 0 && is_number(matcher, step->inputs[0], number))
        return step->inputs[1];
    return -1;
}

/* Whether `value` is Clip(x + 3, 0, 6), or Relu and Clip with the upper bound only. */
static int is_clip_of(const struct matcher *matcher, int32_t value, int32_t x)
{
    const struct step *clip = maker_of(matcher, value, "Clip");
    if (clip == NULL || clip->n_inputs < 1)
        return 0;
    const struct step *relu = maker_of(matcher, clip->inputs[0], "Relu");
    int32_t low = clip->n_inputs > 1 ? clip->inputs[1] : -1;
    int32_t high = clip->n_inputs > 2 ? clip->inputs[2] : -1;
    int low_is_0 = is_number(matcher, low, 0) || float_attribute(clip, "min", -1) == 0;
    int high_is_6 = is_number(matcher, high, 6) || float_attribute(clip, "max", -1) == 6;
    int low_is_open = low < 0 && float_attribute(clip, "min", -1) <= 0;
    if (!high_is_6 || !(low_is_0 || (relu != NULL && low_is_open)) ||
        (relu != NULL && relu->n_inputs != 1))
        return 0;
    int32_t sum = relu != NULL ? relu->inputs[0] : clip->inputs[0];
    return operand_beside(matcher, maker_of(matcher, sum, "Add"), 3) == x;
}

/* Whether `value` is hard_sigmoid(x) = Clip(x + 3, 0, 6) / 6. */
static int is_hard_sigmoid_of(const struct matcher *matcher, int32_t value, int32_t x)
{
    const struct step *step = maker_of(matcher, value, "HardSigmoid");
    if (step != NULL && step->n_inputs == 1)
        return step->inputs[0] == x &&
               fabsf(float_attribute(step, "alpha", 0.2F) - 1.0F / 6) < 1e-6F &&
               float_attribute(step, "beta", 0.5F) == 0.5F;
    int32_t clip = operand_beside(matcher, maker_of(matcher, value, "Div"), 6);
    if (clip < 0)
        clip = operand_beside(matcher, maker_of(matcher, value, "Mul"), 1.0 / 6);
    return clip >= 0 && is_clip_of(matcher, clip, x);
}

/* The x of a product of x and what `is` says of it; -1 when it is no such product. */
static int32_t product_match(const struct matcher *matcher, const struct step *step,
                             int (*is)(const struct matcher *, int32_t, int32_t))
{
    if (step == NULL || step->n_inputs != 2)
        return -1;
    for (int i = 0; i < 2; i++)
        if (step->inputs[i] >= 0 && is(matcher, step->inputs[1 - i], step->inputs[i]))
            return step->inputs[i];
    return -1;
}

/* The x of which the node's output is hard_swish(x); -1 when it is not. */
static int32_t hard_swish_match(const struct matcher *matcher, const struct step *step)
{
    int32_t product = -1;
    if (step->n_outputs < 1 || step->outputs[0] < 0)
        return -1;
    if (strcmp(step->op_type, "Mul") == 0) {
        int32_t x = product_match(matcher, step, is_hard_sigmoid_of);
        if (x >= 0)
            return x;
        product = operand_beside(matcher, step, 1.0 / 6);
    } else if (strcmp(step->op_type, "Div") == 0) {
        product = operand_beside(matcher, step, 6);
    }
    return product_match(matcher, maker_of(matcher, product, "Mul"), is_clip_of);
}

void steps_match(struct onnx_importer *importer)
{
    struct matcher matcher = {importer,
                              ARENA_ARRAY(importer->arena, (size_t)importer->n_values, int32_t)};
    for (int32_t i = 0; i < importer->n_values; i++)
        matcher.makers[i] = -1;
    for (int32_t i = 0; i < importer->n_steps; i++) {
        struct step *step = &importer->steps[i];
        for (int32_t k = 0; k < step->n_outputs; k++)
            if (step->outputs[k] >= 0)
                matcher.makers[step->outputs[k]] = i;
        int32_t x = step->live ? hard_swish_match(&matcher, step) : -1;
        if (x < 0 || importer->values[x].constant != NULL)
            continue;
        step->op_type = "HardSwish";
        step->n_inputs = 1;
        step->inputs[0] = x;
    }
}
