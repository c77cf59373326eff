/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <math.h>

#include "pass/simplify.h"

double activate(enum activation activation, double x)
{
    switch (activation) {
    case ACTIVATION_RELU:
        return fmax(x, 0);
    case ACTIVATION_RELU6:
        return fmin(fmax(x, 0), 6);
    case ACTIVATION_RELU_N1_TO_1:
        return fmin(fmax(x, -1), 1);
    default:
        return x;
    }
}

/* One channel of a node at work. */
struct evaluation {
    const struct graph *graph;
    const struct node *node;
    const double *operands[MAX_INPUTS]; /* NULL: does not matter */
    const struct shape *in, *out;
    int32_t n_positions; /* of the output */
    double *image;
};

/* ---- functions of one value ---- */

static double function_value(const struct node *node, double x)
{
    switch (node->op) {
    case OP_logistic:
        return 1 / (1 + exp(-x));
    case OP_tanh:
        return tanh(x);
    case OP_relu:
        return activate(ACTIVATION_RELU, x);
    case OP_relu6:
        return activate(ACTIVATION_RELU6, x);
    case OP_leaky_relu:
        return x > 0 ? x : (double)node->attrs.alpha * x;
    default:
        assert(node->op == OP_hard_swish);
        return x * activate(ACTIVATION_RELU6, x + 3) / 6;
    }
}

static void evaluate_function(const struct evaluation *e)
{
    for (int32_t p = 0; p < e->n_positions; p++)
        e->image[p] = function_value(e->node, e->operands[0][p]);
}

/* ---- two operands ---- */

static double operand_at(const struct evaluation *e, int32_t k, int32_t position)
{
    const struct shape *shape = &node_input(e->graph, e->node, k)->shape;
    return e->operands[k] ? e->operands[k][broadcast_position(e->out, shape, position)] : 0;
}

static void evaluate_binary(const struct evaluation *e)
{
    for (int32_t p = 0; p < e->n_positions; p++) {
        double a = operand_at(e, 0, p), b = operand_at(e, 1, p);
        e->image[p] = e->node->op == OP_add ? a + b : e->node->op == OP_sub ? a - b : a * b;
    }
}

/* ---- normalization ---- */

static void evaluate_normalization(const struct evaluation *e)
{
    double gamma = e->operands[1][0], beta = e->operands[2][0], mean = e->operands[3][0];
    double deviation = sqrt(e->operands[4][0] + (double)e->node->attrs.epsilon);
    for (int32_t p = 0; p < e->n_positions; p++) {
        double x = e->operands[0] ? e->operands[0][p] : mean;
        e->image[p] = gamma * (x - mean) / deviation + beta;
    }
}

/* ---- windows ---- */

/* A mean that is exact when all values are the same. */
struct average {
    double first, sum;
    int64_t n;
};

static void average_add(struct average *average, double x)
{
    if (average->n++ == 0)
        average->first = x;
    average->sum += x - average->first;
}

static double average_value(const struct average *average)
{
    return average->first + average->sum / (double)average->n;
}

static double pool_at(const struct evaluation *e, int32_t y, int32_t x)
{
    const struct attrs *a = &e->node->attrs;
    struct average average = {0, 0, 0};
    double largest = -INFINITY;
    for (int32_t i = 0; i < a->window[0]; i++)
        for (int32_t j = 0; j < a->window[1]; j++) {
            int32_t in_y = y * a->stride[0] - a->pads[0] + i;
            int32_t in_x = x * a->stride[1] - a->pads[2] + j;
            if (in_y < 0 || in_y >= e->in->dims[1] || in_x < 0 || in_x >= e->in->dims[2])
                continue;
            double value = e->operands[0][(int64_t)in_y * e->in->dims[2] + in_x];
            largest = fmax(largest, value);
            average_add(&average, value);
        }
    return e->node->op == OP_max_pool_2d ? largest : average_value(&average);
}

static void evaluate_pool(const struct evaluation *e)
{
    for (int32_t p = 0; p < e->n_positions; p++)
        e->image[p] = pool_at(e, p / e->out->dims[2], p % e->out->dims[2]);
}

/* Over other dimensions than the last. */
static void evaluate_mean(const struct evaluation *e, struct average *averages)
{
    int32_t n = position_count(node_input(e->graph, e->node, 0));
    for (int32_t p = 0; p < n; p++) {
        int64_t to = 0, stride = 1, rest = p;
        for (int32_t d = e->in->rank - 2; d >= 0; d--) {
            to += e->node->attrs.axes & (1 << d) ? 0 : rest % e->in->dims[d] * stride;
            stride *= e->out->dims[d];
            rest /= e->in->dims[d];
        }
        average_add(&averages[to], e->operands[0][p]);
    }
    for (int32_t p = 0; p < e->n_positions; p++)
        e->image[p] = average_value(&averages[p]);
}

/* ---- resizing ---- */

/* TensorFlow Lite's rule, in float as there. */
static int32_t nearest(const struct attrs *attrs, int32_t at, int32_t from, int32_t to)
{
    float scale = attrs->align_corners && to > 1 ? (float)(from - 1) / (float)(to - 1)
                                                 : (float)from / (float)to;
    float place = ((float)at + (attrs->half_pixel_centers ? 0.5F : 0.0F)) * scale;
    float whole = attrs->align_corners ? roundf(place) : floorf(place);
    return (int32_t)fminf(fmaxf(whole, 0), (float)(from - 1));
}

static void evaluate_resize(const struct evaluation *e)
{
    const int32_t *in = e->in->dims, *out = e->out->dims;
    for (int32_t p = 0; p < e->n_positions; p++) {
        int64_t y = nearest(&e->node->attrs, p / out[2], in[1], out[1]);
        int64_t x = nearest(&e->node->attrs, p % out[2], in[2], out[2]);
        e->image[p] = e->operands[0][y * in[2] + x];
    }
}

/* ---- */

static int evaluate_op(const struct evaluation *e, struct arena *arena)
{
    switch (e->node->op) {
    case OP_add:
    case OP_sub:
    case OP_mul:
        evaluate_binary(e);
        return 1;
    case OP_batch_normalization:
        evaluate_normalization(e);
        return 1;
    case OP_average_pool_2d:
    case OP_max_pool_2d:
        evaluate_pool(e);
        return 1;
    case OP_mean:
        evaluate_mean(e, ARENA_ARRAY(arena, (size_t)e->n_positions, struct average));
        return 1;
    case OP_resize_nearest_neighbor:
        evaluate_resize(e);
        return 1;
    case OP_logistic:
    case OP_tanh:
    case OP_relu:
    case OP_relu6:
    case OP_leaky_relu:
    case OP_hard_swish:
        evaluate_function(e);
        return 1;
    default:
        return 0;
    }
}

const double *evaluate_f32(const struct graph *graph, const struct node *node,
                           const struct known *known, int32_t channel, struct arena *arena)
{
    const struct tensor *output = node_output(graph, node);
    struct evaluation e = {.graph = graph,
                           .node = node,
                           .in = &node_input(graph, node, 0)->shape,
                           .out = &output->shape,
                           .n_positions = position_count(output)};
    e.image = ARENA_ARRAY(arena, (size_t)e.n_positions, double);
    for (int32_t k = 0; k < node->n_inputs; k++)
        e.operands[k] = operand_image(graph, node, known, k, channel);
    if (!evaluate_op(&e, arena))
        return NULL;
    for (int32_t p = 0; p < e.n_positions; p++) {
        e.image[p] = activate(node->attrs.activation, e.image[p]);
        if (!isfinite((float)e.image[p]))
            return NULL;
    }
    return e.image;
}
