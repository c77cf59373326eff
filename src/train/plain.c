/* SPDX-License-Identifier: Apache-2.0 */
#include "train/plain.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- walking through tensors ---- */

/* Two tensors seen through the same indices: MAX_RANK dimensions, the last the fastest. Steps are
 * in elements; 0 where a tensor does not have the dimension. */
struct walk {
    int32_t dims[MAX_RANK];
    int64_t outer[MAX_RANK]; /* steps of the first tensor */
    int64_t inner[MAX_RANK]; /* of the second */
    int64_t outer_start, inner_start;
};

typedef void walk_visit(void *context, int64_t outer, int64_t inner, int32_t n, int64_t outer_step,
                        int64_t inner_step);

/* Visits every row along the last dimension: where it starts in both tensors. */
static void walk_rows(const struct walk *walk, walk_visit *visit, void *context)
{
    int32_t index[MAX_RANK] = {0};
    int last = MAX_RANK - 1;
    for (;;) {
        int64_t outer = walk->outer_start, inner = walk->inner_start;
        for (int i = 0; i < last; i++) {
            outer += index[i] * walk->outer[i];
            inner += index[i] * walk->inner[i];
        }
        visit(context, outer, inner, walk->dims[last], walk->outer[last], walk->inner[last]);
        int i = last - 1;
        while (i >= 0 && ++index[i] == walk->dims[i])
            index[i--] = 0;
        if (i < 0)
            return;
    }
}

/* Row-major steps of a shape, aligned with the last of MAX_RANK dimensions; 0 for size 1. */
static void shape_steps(const struct shape *shape, int64_t steps[MAX_RANK])
{
    int64_t step = 1;
    for (int i = MAX_RANK - 1; i >= 0; i--) {
        int own = i - (MAX_RANK - shape->rank);
        int32_t size = own >= 0 ? shape->dims[own] : 1;
        steps[i] = size > 1 ? step : 0;
        step *= size;
    }
}

static void shape_dims(const struct shape *shape, int32_t dims[MAX_RANK])
{
    for (int i = 0; i < MAX_RANK; i++) {
        int own = i - (MAX_RANK - shape->rank);
        dims[i] = own >= 0 ? shape->dims[own] : 1;
    }
}

/* ---- copies: every element of one tensor belongs to one of the other ---- */

struct copy {
    float *to;
    const float *from;
    int add; /* to what is there */
};

static void copy_row(void *context, int64_t outer, int64_t inner, int32_t n, int64_t outer_step,
                     int64_t inner_step)
{
    const struct copy *copy = context;
    float *to = copy->to + outer;
    const float *from = copy->from + inner;
    if (!copy->add && outer_step == 1 && inner_step == 1) {
        memcpy(to, from, (size_t)n * sizeof *to);
        return;
    }
    for (int32_t i = 0; i < n; i++)
        to[i * outer_step] = from[i * inner_step] + (copy->add ? to[i * outer_step] : 0);
}

/* The part of the larger tensor that is the smaller one: concatenation, pad, strided_slice. */
static struct walk part_walk(const struct shape *large, const struct shape *small,
                             const int32_t *begin, const int32_t *step)
{
    struct walk walk = {.outer_start = 0};
    int first = MAX_RANK - large->rank;
    shape_dims(small, walk.dims);
    shape_steps(small, walk.inner);
    int64_t stride = 1;
    for (int i = large->rank - 1; i >= 0; i--) {
        walk.outer_start += begin != NULL ? begin[i] * stride : 0;
        walk.outer[first + i] = stride * (step != NULL ? step[i] : 1);
        stride *= large->dims[i];
    }
    return walk;
}

/* Of all samples. `large` holds the larger tensor. */
static void part_move(const struct step *step, const struct walk *walk, int64_t large_elements,
                      int64_t small_elements, float *large, float *small, int into_large)
{
    struct walk turned = *walk;
    if (!into_large) {
        memcpy(turned.outer, walk->inner, sizeof turned.outer);
        memcpy(turned.inner, walk->outer, sizeof turned.inner);
        turned.outer_start = walk->inner_start;
        turned.inner_start = walk->outer_start;
    }
    for (int32_t i = 0; i < step->n; i++) {
        struct copy copy = {
            (into_large ? large : small) + i * (into_large ? large_elements : small_elements),
            (into_large ? small : large) + i * (into_large ? small_elements : large_elements), 0};
        walk_rows(&turned, copy_row, &copy);
    }
}

static const struct shape *input_shape(const struct step *step, int index)
{
    return &node_input(step->graph, step->node, index)->shape;
}

static const struct shape *output_shape(const struct step *step)
{
    return &node_output(step->graph, step->node)->shape;
}

/* Input i of a concatenation and its place in the output. A constant has one sample for all. */
static void concatenation_move(const struct step *step, int backward)
{
    int32_t begin[MAX_RANK] = {0};
    int32_t axis = step->node->attrs.axis;
    const struct shape *whole = output_shape(step);
    int64_t large = shape_elements(whole);
    for (int i = 0; i < step->node->n_inputs; i++) {
        const struct shape *part = input_shape(step, i);
        struct walk walk = part_walk(whole, part, begin, NULL);
        int constant = node_input(step->graph, step->node, i)->data != NULL;
        int64_t small = constant ? 0 : shape_elements(part);
        if (!backward)
            part_move(step, &walk, large, small, step->output, (float *)step->input[i], 1);
        else if (step->input_gradient[i] != NULL)
            part_move(step, &walk, large, small, step->output_gradient, step->input_gradient[i], 0);
        begin[axis] += part->dims[axis];
    }
}

static void pad_move(const struct step *step, int backward)
{
    const struct shape *large = output_shape(step), *small = input_shape(step, 0);
    struct walk walk = part_walk(large, small, step->node->attrs.before, NULL);
    if (!backward)
        memset(step->output, 0, (size_t)step_output_elements(step) * sizeof(float));
    part_move(step, &walk, shape_elements(large), shape_elements(small),
              backward ? step->output_gradient : step->output,
              backward ? step->input_gradient[0] : (float *)step->input[0], !backward);
}

static void slice_move(const struct step *step, int backward)
{
    const struct attrs *attrs = &step->node->attrs;
    const struct shape *large = input_shape(step, 0), *small = output_shape(step);
    struct walk walk = part_walk(large, small, attrs->begin, attrs->step);
    if (backward)
        memset(step->input_gradient[0], 0, (size_t)step_input_elements(step, 0) * sizeof(float));
    part_move(step, &walk, shape_elements(large), shape_elements(small),
              backward ? step->input_gradient[0] : (float *)step->input[0],
              backward ? step->output_gradient : step->output, backward);
}

/* ---- resize_nearest_neighbor ---- */

/* The input position that an output position takes its value from: TFLite's
 * GetNearestNeighbor(). */
static int32_t nearest(int32_t out, int32_t n_in, int32_t n_out, const struct attrs *attrs)
{
    float scale = attrs->align_corners && n_out > 1 ? (float)(n_in - 1) / (float)(n_out - 1)
                                                    : (float)n_in / (float)n_out;
    float place = ((float)out + (attrs->half_pixel_centers ? 0.5f : 0.0f)) * scale;
    int32_t in = (int32_t)(attrs->align_corners ? roundf(place) : place);
    in = in < n_in - 1 ? in : n_in - 1;
    return in > 0 ? in : 0;
}

static void resize_move(const struct step *step, int backward)
{
    const int32_t *in = input_shape(step, 0)->dims, *out = output_shape(step)->dims;
    int32_t c = in[3];
    if (backward)
        memset(step->input_gradient[0], 0, (size_t)step_input_elements(step, 0) * sizeof(float));
    for (int32_t i = 0; i < step->n; i++)
        for (int32_t y = 0; y < out[1]; y++)
            for (int32_t x = 0; x < out[2]; x++) {
                int64_t from =
                    (((int64_t)i * in[1] + nearest(y, in[1], out[1], &step->node->attrs)) * in[2] +
                     nearest(x, in[2], out[2], &step->node->attrs)) *
                    c;
                int64_t to = (((int64_t)i * out[1] + y) * out[2] + x) * c;
                if (!backward)
                    memcpy(step->output + to, step->input[0] + from, (size_t)c * sizeof(float));
                for (int32_t k = 0; backward && k < c; k++)
                    step->input_gradient[0][from + k] += step->output_gradient[to + k];
            }
}

/* ---- mean ---- */

static void mean_move(const struct step *step, int backward)
{
    const struct shape *in = input_shape(step, 0), *out = output_shape(step);
    int64_t n_in = shape_elements(in), n_out = shape_elements(out);
    float factor = (float)n_out / (float)n_in;
    struct walk walk = {.outer_start = 0};
    shape_dims(in, walk.dims);
    shape_steps(out, backward ? walk.inner : walk.outer);
    shape_steps(in, backward ? walk.outer : walk.inner);
    if (!backward)
        memset(step->output, 0, (size_t)(n_out * step->n) * sizeof(float));
    for (int32_t i = 0; i < step->n; i++) {
        struct copy copy = {step->output + i * n_out, step->input[0] + i * n_in, 1};
        if (backward)
            copy = (struct copy){step->input_gradient[0] + i * n_in,
                                 step->output_gradient + i * n_out, 0};
        walk_rows(&walk, copy_row, &copy);
    }
    float *scaled = backward ? step->input_gradient[0] : step->output;
    for (int64_t i = 0; i < (backward ? n_in : n_out) * step->n; i++)
        scaled[i] *= factor;
}

/* ---- add, sub, mul ---- */

/* One operand against the output; both have the steps of the output's dimensions. */
struct operand {
    const float *values;
    int64_t sample;          /* elements from one sample to the next */
    int64_t steps[MAX_RANK]; /* 0 where it is broadcast */
};

static struct operand operand_of(const struct step *step, int index)
{
    const struct tensor *tensor = node_input(step->graph, step->node, index);
    struct operand operand = {
        step->input[index], tensor->data != NULL ? 0 : shape_elements(&tensor->shape), {0}};
    shape_steps(&tensor->shape, operand.steps);
    return operand;
}

static int64_t operand_at(const struct operand *operand, const int32_t index[MAX_RANK])
{
    int64_t at = 0;
    for (int i = 0; i < MAX_RANK; i++)
        at += index[i] * operand->steps[i];
    return at;
}

static float combine(enum op op, float a, float b)
{
    return op == OP_add ? a + b : op == OP_sub ? a - b : a * b;
}

static int index_next(int32_t index[MAX_RANK], const int32_t dims[MAX_RANK])
{
    int i = MAX_RANK - 1;
    while (i >= 0 && ++index[i] == dims[i])
        index[i--] = 0;
    return i >= 0;
}

static void binary_forward(const struct step *step)
{
    struct operand a = operand_of(step, 0), b = operand_of(step, 1);
    int32_t dims[MAX_RANK];
    float *output = step->output;
    shape_dims(output_shape(step), dims);
    for (int32_t i = 0; i < step->n; i++) {
        int32_t index[MAX_RANK] = {0};
        do {
            *output++ = combine(step->node->op, a.values[i * a.sample + operand_at(&a, index)],
                                b.values[i * b.sample + operand_at(&b, index)]);
        } while (index_next(index, dims));
    }
}

/* The gradient of operand `which` where no dimension is broadcast. */
static void binary_backward_whole(const struct step *step, int which)
{
    float *restrict gradient = step->input_gradient[which];
    const float *restrict from = step->output_gradient;
    const float *restrict other = step->input[1 - which];
    int64_t n = step_output_elements(step);
    if (step->node->op == OP_mul)
        for (int64_t i = 0; i < n; i++)
            gradient[i] = from[i] * other[i];
    else if (step->node->op == OP_sub && which == 1)
        for (int64_t i = 0; i < n; i++)
            gradient[i] = -from[i];
    else
        memcpy(gradient, from, (size_t)n * sizeof *gradient);
}

static void binary_backward_broadcast(const struct step *step, int which)
{
    struct operand self = operand_of(step, which), other = operand_of(step, 1 - which);
    float *gradient = step->input_gradient[which];
    const float *from = step->output_gradient;
    float sign = step->node->op == OP_sub && which == 1 ? -1.0f : 1.0f;
    int32_t dims[MAX_RANK];
    shape_dims(output_shape(step), dims);
    memset(gradient, 0, (size_t)step_input_elements(step, which) * sizeof *gradient);
    for (int32_t i = 0; i < step->n; i++) {
        int32_t index[MAX_RANK] = {0};
        do {
            float factor = step->node->op == OP_mul
                               ? other.values[i * other.sample + operand_at(&other, index)]
                               : sign;
            gradient[i * self.sample + operand_at(&self, index)] += *from++ * factor;
        } while (index_next(index, dims));
    }
}

static void binary_backward(const struct step *step)
{
    for (int i = 0; i < 2; i++) {
        if (step->input_gradient[i] == NULL)
            continue;
        if (step_input_elements(step, 0) == step_output_elements(step) &&
            step_input_elements(step, 1) == step_output_elements(step))
            binary_backward_whole(step, i);
        else
            binary_backward_broadcast(step, i);
    }
}

/* ---- steps ---- */

static void step_move(const struct step *step, int backward)
{
    switch (step->node->op) {
    case OP_concatenation:
        concatenation_move(step, backward);
        break;
    case OP_pad:
        pad_move(step, backward);
        break;
    case OP_strided_slice:
        slice_move(step, backward);
        break;
    case OP_resize_nearest_neighbor:
        resize_move(step, backward);
        break;
    case OP_mean:
        mean_move(step, backward);
        break;
    case OP_reshape:
        memcpy(backward ? step->input_gradient[0] : step->output,
               backward ? step->output_gradient : step->input[0],
               (size_t)step_output_elements(step) * sizeof(float));
        break;
    default:
        assert(0);
    }
}

static int is_binary(enum op op)
{
    return op == OP_add || op == OP_sub || op == OP_mul;
}

void plain_forward(const struct step *step)
{
    if (is_binary(step->node->op))
        binary_forward(step);
    else
        step_move(step, 0);
}

void plain_backward(const struct step *step)
{
    if (is_binary(step->node->op))
        binary_backward(step);
    else if (step->node->op == OP_concatenation || step->input_gradient[0] != NULL)
        step_move(step, 1);
}

int plain_differentiates(enum op op)
{
    return is_binary(op) || op == OP_concatenation || op == OP_pad || op == OP_strided_slice ||
           op == OP_resize_nearest_neighbor || op == OP_mean || op == OP_reshape;
}
