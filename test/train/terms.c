/* SPDX-License-Identifier: Apache-2.0 */
#include "test/train/terms.h"

#include <assert.h>
#include <math.h>

/* A node and who is shown its terms. */
struct visit {
    const struct graph *graph;
    const struct node *node;
    const double *x;
    const int32_t *in, *weights, *out; /* dimensions; NULL when there is no such input */
    term_visitor *visitor;
    void *context;
};

static void show(const struct visit *v, struct term term)
{
    v->visitor(v->context, &term);
}

static const struct shape *input_shape(const struct visit *v, int32_t i)
{
    return &node_input(v->graph, v->node, i)->shape;
}

static const struct shape *output_shape(const struct visit *v)
{
    return &node_output(v->graph, v->node)->shape;
}

/* Index of an element of an image, -1 outside of it. */
static int64_t pixel(const int32_t dims[4], int64_t y, int64_t x, int64_t channel)
{
    if (y < 0 || y >= dims[1] || x < 0 || x >= dims[2])
        return -1;
    return (y * dims[2] + x) * dims[3] + channel;
}

/* Index of a weight; the dimensions are filters, height, width, channels. */
static int64_t weight_at(const int32_t dims[4], int64_t filter, int64_t ky, int64_t kx, int64_t i)
{
    return ((filter * dims[1] + ky) * dims[2] + kx) * dims[3] + i;
}

/* The position that each dimension has at the element of that index. */
static void unravel(const struct shape *shape, int64_t index, int64_t at[MAX_RANK])
{
    for (int32_t i = shape->rank - 1; i >= 0; i--) {
        at[i] = index % shape->dims[i];
        index /= shape->dims[i];
    }
}

/* The index of the element at that position, -1 outside of the shape. */
static int64_t ravel(const struct shape *shape, const int64_t at[MAX_RANK])
{
    int64_t index = 0;
    for (int32_t i = 0; i < shape->rank; i++) {
        if (at[i] < 0 || at[i] >= shape->dims[i])
            return -1;
        index = index * shape->dims[i] + at[i];
    }
    return index;
}

static void show_bias(const struct visit *v, int64_t out, int64_t filter)
{
    if (node_input(v->graph, v->node, 2) != NULL)
        show(v, (struct term){out, 1, 2, filter, NO_WEIGHT});
}

/* ---- layers ---- */

static void conv_2d_pixel(const struct visit *v, int32_t oy, int32_t ox, int32_t filter)
{
    const struct attrs *a = &v->node->attrs;
    int64_t out = pixel(v->out, oy, ox, filter);
    show_bias(v, out, filter);
    for (int32_t ky = 0; ky < v->weights[1]; ky++)
        for (int32_t kx = 0; kx < v->weights[2]; kx++)
            for (int32_t i = 0; i < v->weights[3]; i++) {
                int32_t y = oy * a->stride[0] - a->pads[0] + ky * a->dilation[0];
                int32_t x = ox * a->stride[1] - a->pads[2] + kx * a->dilation[1];
                int64_t in = pixel(v->in, y, x, i);
                if (in >= 0)
                    show(v, (struct term){out, 1, 0, in, weight_at(v->weights, filter, ky, kx, i)});
            }
}

static void depthwise_conv_2d_pixel(const struct visit *v, int32_t oy, int32_t ox, int32_t channel)
{
    const struct attrs *a = &v->node->attrs;
    int32_t multiplier = v->out[3] / v->in[3];
    int64_t out = pixel(v->out, oy, ox, channel);
    show_bias(v, out, channel);
    for (int32_t ky = 0; ky < v->weights[1]; ky++)
        for (int32_t kx = 0; kx < v->weights[2]; kx++) {
            int32_t y = oy * a->stride[0] - a->pads[0] + ky * a->dilation[0];
            int32_t x = ox * a->stride[1] - a->pads[2] + kx * a->dilation[1];
            int64_t in = pixel(v->in, y, x, channel / multiplier);
            if (in >= 0)
                show(v, (struct term){out, 1, 0, in, weight_at(v->weights, 0, ky, kx, channel)});
        }
}

/* What one input pixel adds to the outputs of one filter. */
static void transpose_conv_pixel(const struct visit *v, int32_t y, int32_t x, int32_t filter)
{
    const struct attrs *a = &v->node->attrs;
    for (int32_t ky = 0; ky < v->weights[1]; ky++)
        for (int32_t kx = 0; kx < v->weights[2]; kx++)
            for (int32_t i = 0; i < v->weights[3]; i++) {
                int32_t oy = y * a->stride[0] - a->pads[0] + ky;
                int32_t ox = x * a->stride[1] - a->pads[2] + kx;
                int64_t out = pixel(v->out, oy, ox, filter);
                if (out >= 0)
                    show(v, (struct term){out, 1, 0, pixel(v->in, y, x, i),
                                          weight_at(v->weights, filter, ky, kx, i)});
            }
}

static void transpose_conv_terms(const struct visit *v)
{
    for (int32_t filter = 0; filter < v->out[3]; filter++) {
        for (int32_t oy = 0; oy < v->out[1]; oy++)
            for (int32_t ox = 0; ox < v->out[2]; ox++)
                show_bias(v, pixel(v->out, oy, ox, filter), filter);
        for (int32_t y = 0; y < v->in[1]; y++)
            for (int32_t x = 0; x < v->in[2]; x++)
                transpose_conv_pixel(v, y, x, filter);
    }
}

static void fully_connected_terms(const struct visit *v)
{
    int64_t filters = v->weights[0], channels = v->weights[1];
    int64_t rows = shape_elements(input_shape(v, 0)) / channels;
    for (int64_t row = 0; row < rows; row++)
        for (int64_t filter = 0; filter < filters; filter++) {
            int64_t out = row * filters + filter;
            show_bias(v, out, filter);
            for (int64_t i = 0; i < channels; i++)
                show(v, (struct term){out, 1, 0, row * channels + i, filter * channels + i});
        }
}

/* ---- pooling ---- */

static int32_t window_count(const struct visit *v, int32_t oy, int32_t ox)
{
    const struct attrs *a = &v->node->attrs;
    int32_t count = 0;
    for (int32_t ky = 0; ky < a->window[0]; ky++)
        for (int32_t kx = 0; kx < a->window[1]; kx++)
            count += pixel(v->in, oy * a->stride[0] - a->pads[0] + ky,
                           ox * a->stride[1] - a->pads[2] + kx, 0) >= 0;
    return count;
}

static void average_pool_2d_pixel(const struct visit *v, int32_t oy, int32_t ox, int32_t channel)
{
    const struct attrs *a = &v->node->attrs;
    double factor = 1.0 / window_count(v, oy, ox);
    for (int32_t ky = 0; ky < a->window[0]; ky++)
        for (int32_t kx = 0; kx < a->window[1]; kx++) {
            int64_t in = pixel(v->in, oy * a->stride[0] - a->pads[0] + ky,
                               ox * a->stride[1] - a->pads[2] + kx, channel);
            if (in >= 0)
                show(v, (struct term){pixel(v->out, oy, ox, channel), factor, 0, in, NO_WEIGHT});
        }
}

static void max_pool_2d_pixel(const struct visit *v, int32_t oy, int32_t ox, int32_t channel)
{
    const struct attrs *a = &v->node->attrs;
    int64_t best = -1;
    for (int32_t ky = 0; ky < a->window[0]; ky++)
        for (int32_t kx = 0; kx < a->window[1]; kx++) {
            int64_t in = pixel(v->in, oy * a->stride[0] - a->pads[0] + ky,
                               ox * a->stride[1] - a->pads[2] + kx, channel);
            if (in >= 0 && (best < 0 || v->x[in] > v->x[best]))
                best = in;
        }
    show(v, (struct term){pixel(v->out, oy, ox, channel), 1, 0, best, NO_WEIGHT});
}

/* All outputs of an op that makes an image. */
static void each_pixel(const struct visit *v,
                       void pixel_terms(const struct visit *, int32_t, int32_t, int32_t))
{
    for (int32_t oy = 0; oy < v->out[1]; oy++)
        for (int32_t ox = 0; ox < v->out[2]; ox++)
            for (int32_t channel = 0; channel < v->out[3]; channel++)
                pixel_terms(v, oy, ox, channel);
}

/* ---- arithmetic ---- */

/* The element of input `i` that meets the output's element of that index: dimensions are matched
 * from the last, those of size 1 (and absent ones) meet every position. */
static int64_t broadcast(const struct visit *v, int32_t i, int64_t out)
{
    const struct shape *from = input_shape(v, i), *to = output_shape(v);
    int64_t at[MAX_RANK], at_from[MAX_RANK];
    unravel(to, out, at);
    for (int32_t d = 0; d < from->rank; d++)
        at_from[d] = from->dims[d] == 1 ? 0 : at[to->rank - from->rank + d];
    return ravel(from, at_from);
}

static void binary_terms(const struct visit *v)
{
    for (int64_t out = 0; out < shape_elements(output_shape(v)); out++) {
        int64_t a = broadcast(v, 0, out), b = broadcast(v, 1, out);
        if (v->node->op == OP_mul) {
            show(v, (struct term){out, 1, 0, a, b});
            continue;
        }
        show(v, (struct term){out, 1, 0, a, NO_WEIGHT});
        show(v, (struct term){out, v->node->op == OP_sub ? -1 : 1, 1, b, NO_WEIGHT});
    }
}

static void mean_terms(const struct visit *v)
{
    const struct shape *from = input_shape(v, 0), *to = output_shape(v);
    double factor = (double)shape_elements(to) / (double)shape_elements(from);
    for (int64_t in = 0; in < shape_elements(from); in++) {
        int64_t at[MAX_RANK];
        unravel(from, in, at);
        for (int32_t d = 0; d < from->rank; d++)
            if (v->node->attrs.axes & 1 << d)
                at[d] = 0;
        show(v, (struct term){ravel(to, at), factor, 0, in, NO_WEIGHT});
    }
}

/* ---- moving ---- */

static void concatenation_terms(const struct visit *v)
{
    int32_t axis = v->node->attrs.axis, before = 0;
    for (int32_t i = 0; i < v->node->n_inputs; i++) {
        const struct shape *from = input_shape(v, i);
        for (int64_t in = 0; in < shape_elements(from); in++) {
            int64_t at[MAX_RANK];
            unravel(from, in, at);
            at[axis] += before;
            show(v, (struct term){ravel(output_shape(v), at), 1, i, in, NO_WEIGHT});
        }
        before += from->dims[axis];
    }
}

static void pad_terms(const struct visit *v)
{
    const struct shape *from = input_shape(v, 0);
    for (int64_t in = 0; in < shape_elements(from); in++) {
        int64_t at[MAX_RANK];
        unravel(from, in, at);
        for (int32_t d = 0; d < from->rank; d++)
            at[d] += v->node->attrs.before[d];
        show(v, (struct term){ravel(output_shape(v), at), 1, 0, in, NO_WEIGHT});
    }
}

static void strided_slice_terms(const struct visit *v)
{
    const struct attrs *a = &v->node->attrs;
    const struct shape *to = output_shape(v);
    for (int64_t out = 0; out < shape_elements(to); out++) {
        int64_t at[MAX_RANK];
        unravel(to, out, at);
        for (int32_t d = 0; d < to->rank; d++)
            at[d] = a->begin[d] + at[d] * a->step[d];
        show(v, (struct term){out, 1, 0, ravel(input_shape(v, 0), at), NO_WEIGHT});
    }
}

static void reshape_terms(const struct visit *v)
{
    for (int64_t i = 0; i < shape_elements(output_shape(v)); i++)
        show(v, (struct term){i, 1, 0, i, NO_WEIGHT});
}

/* TFLite's rule, in float as there: which row (column) is nearest decides the last bit. */
static int32_t nearest(int32_t at, int32_t from, int32_t to, const struct attrs *a)
{
    float scale = (float)from / (float)to;
    if (a->align_corners && to > 1)
        scale = (float)(from - 1) / (float)(to - 1);
    float place = ((float)at + (a->half_pixel_centers ? 0.5F : 0.0F)) * scale;
    float whole = a->align_corners ? roundf(place) : floorf(place);
    return (int32_t)fminf(fmaxf(whole, 0), (float)(from - 1));
}

static void resize_nearest_neighbor_pixel(const struct visit *v, int32_t oy, int32_t ox,
                                          int32_t channel)
{
    int32_t y = nearest(oy, v->in[1], v->out[1], &v->node->attrs);
    int32_t x = nearest(ox, v->in[2], v->out[2], &v->node->attrs);
    show(v, (struct term){pixel(v->out, oy, ox, channel), 1, 0, pixel(v->in, y, x, channel),
                          NO_WEIGHT});
}

/* ---- */

int op_has_terms(enum op op)
{
    switch (op) {
    case OP_conv_2d:
    case OP_depthwise_conv_2d:
    case OP_transpose_conv:
    case OP_fully_connected:
    case OP_add:
    case OP_sub:
    case OP_mul:
    case OP_concatenation:
    case OP_pad:
    case OP_mean:
    case OP_average_pool_2d:
    case OP_max_pool_2d:
    case OP_reshape:
    case OP_resize_nearest_neighbor:
    case OP_strided_slice:
        return 1;
    default:
        return 0;
    }
}

static void visit_terms(const struct visit *v)
{
    switch (v->node->op) {
    case OP_conv_2d:
        each_pixel(v, conv_2d_pixel);
        break;
    case OP_depthwise_conv_2d:
        each_pixel(v, depthwise_conv_2d_pixel);
        break;
    case OP_transpose_conv:
        transpose_conv_terms(v);
        break;
    case OP_fully_connected:
        fully_connected_terms(v);
        break;
    case OP_add:
    case OP_sub:
    case OP_mul:
        binary_terms(v);
        break;
    case OP_concatenation:
        concatenation_terms(v);
        break;
    case OP_pad:
        pad_terms(v);
        break;
    case OP_mean:
        mean_terms(v);
        break;
    case OP_average_pool_2d:
        each_pixel(v, average_pool_2d_pixel);
        break;
    case OP_max_pool_2d:
        each_pixel(v, max_pool_2d_pixel);
        break;
    case OP_reshape:
        reshape_terms(v);
        break;
    case OP_resize_nearest_neighbor:
        each_pixel(v, resize_nearest_neighbor_pixel);
        break;
    case OP_strided_slice:
        strided_slice_terms(v);
        break;
    default:
        assert(0);
    }
}

void node_visit_terms(const struct graph *graph, const struct node *node, const double *x,
                      term_visitor *visitor, void *context)
{
    const struct tensor *weights = node_input(graph, node, 1);
    struct visit visit = {
        .graph = graph,
        .node = node,
        .x = x,
        .in = node_input(graph, node, 0)->shape.dims,
        .weights = weights == NULL ? NULL : weights->shape.dims,
        .out = node_output(graph, node)->shape.dims,
        .visitor = visitor,
        .context = context,
    };
    visit_terms(&visit);
}
