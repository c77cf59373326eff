/* SPDX-License-Identifier: Apache-2.0 */
#include "test/train/reference.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test/train/terms.h"

static int64_t sample_size(const struct reference *r, int32_t tensor)
{
    return shape_elements(&r->graph->tensors[tensor].shape);
}

int64_t reference_size(const struct reference *r, int32_t tensor)
{
    int constant = r->graph->tensors[tensor].data != NULL;
    return sample_size(r, tensor) * (constant ? 1 : r->n_samples);
}

struct reference reference_make(const struct graph *graph, int32_t n_samples, struct arena *arena)
{
    struct reference r = {.graph = graph, .n_samples = n_samples};
    r.values = ARENA_ARRAY(arena, (size_t)graph->n_tensors, double *);
    r.gradients = ARENA_ARRAY(arena, (size_t)graph->n_tensors, double *);
    for (int32_t i = 0; i < graph->n_tensors; i++) {
        assert(graph->tensors[i].dtype == DTYPE_F32);
        size_t size = (size_t)reference_size(&r, i);
        const float *data = graph->tensors[i].data;
        r.values[i] = ARENA_ARRAY(arena, size, double);
        r.gradients[i] = ARENA_ARRAY(arena, size, double);
        for (size_t k = 0; data != NULL && k < size; k++)
            r.values[i][k] = (double)data[k];
    }
    return r;
}

/* The part of `arrays` (values or gradients) that one sample has of a tensor. */
static double *of_sample(const struct reference *r, double *const *arrays, int32_t tensor,
                         int32_t sample)
{
    if (r->graph->tensors[tensor].data != NULL)
        return arrays[tensor];
    return arrays[tensor] + sample * sample_size(r, tensor);
}

/* ---- sums of terms ---- */

/* One sample of a node: values and gradients of the inputs, and of the output. */
struct sample {
    double *values[MAX_INPUTS], *gradients[MAX_INPUTS];
    double *output, *output_gradient;
};

static struct sample sample_of(const struct reference *r, const struct node *node, int32_t index)
{
    struct sample sample;
    for (int32_t i = 0; i < node->n_inputs; i++) {
        int32_t tensor = node->inputs[i];
        sample.values[i] = tensor < 0 ? NULL : of_sample(r, r->values, tensor, index);
        sample.gradients[i] = tensor < 0 ? NULL : of_sample(r, r->gradients, tensor, index);
    }
    sample.output = of_sample(r, r->values, node->output, index);
    sample.output_gradient = of_sample(r, r->gradients, node->output, index);
    return sample;
}

static void term_forward(void *context, const struct term *term)
{
    const struct sample *sample = context;
    double weight = term->weight == NO_WEIGHT ? 1 : sample->values[1][term->weight];
    sample->output[term->out] += term->factor * sample->values[term->input][term->in] * weight;
}

static void term_backward(void *context, const struct term *term)
{
    const struct sample *sample = context;
    double gradient = term->factor * sample->output_gradient[term->out];
    double *to = &sample->gradients[term->input][term->in];
    if (term->weight == NO_WEIGHT) {
        *to += gradient;
        return;
    }
    *to += gradient * sample->values[1][term->weight];
    sample->gradients[1][term->weight] += gradient * sample->values[term->input][term->in];
}

static void terms_forward(const struct reference *r, const struct node *node)
{
    memset(r->values[node->output], 0, (size_t)reference_size(r, node->output) * sizeof(double));
    for (int32_t i = 0; i < r->n_samples; i++) {
        struct sample sample = sample_of(r, node, i);
        node_visit_terms(r->graph, node, sample.values[0], term_forward, &sample);
    }
}

static void terms_backward(const struct reference *r, const struct node *node)
{
    for (int32_t i = 0; i < r->n_samples; i++) {
        struct sample sample = sample_of(r, node, i);
        node_visit_terms(r->graph, node, sample.values[0], term_backward, &sample);
    }
}

/* ---- functions of one value ---- */

static double function_value(const struct node *node, double x)
{
    switch (node->op) {
    case OP_logistic:
        return 1 / (1 + exp(-x));
    case OP_tanh:
        return tanh(x);
    case OP_relu:
        return fmax(x, 0);
    case OP_relu6:
        return fmin(fmax(x, 0), 6);
    case OP_leaky_relu:
        return x > 0 ? x : (double)node->attrs.alpha * x;
    case OP_hard_swish:
        return x * fmin(fmax(x + 3, 0), 6) / 6;
    default:
        assert(0);
        return 0;
    }
}

static double function_slope(const struct node *node, double x)
{
    double y = function_value(node, x);
    switch (node->op) {
    case OP_logistic:
        return y * (1 - y);
    case OP_tanh:
        return 1 - y * y;
    case OP_relu:
        return x > 0;
    case OP_relu6:
        return x > 0 && x < 6;
    case OP_leaky_relu:
        return x > 0 ? 1 : (double)node->attrs.alpha;
    case OP_hard_swish:
        return x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6;
    default:
        assert(0);
        return 0;
    }
}

static void function_forward(const struct reference *r, const struct node *node)
{
    const double *x = r->values[node->inputs[0]];
    for (int64_t i = 0; i < reference_size(r, node->output); i++)
        r->values[node->output][i] = function_value(node, x[i]);
}

static void function_backward(const struct reference *r, const struct node *node)
{
    const double *x = r->values[node->inputs[0]], *gradient = r->gradients[node->output];
    for (int64_t i = 0; i < reference_size(r, node->output); i++)
        r->gradients[node->inputs[0]][i] += gradient[i] * function_slope(node, x[i]);
}

/* ---- softmax: rows along the last dimension ---- */

static int32_t last_dim(const struct reference *r, const struct node *node)
{
    const struct shape *shape = &r->graph->tensors[node->inputs[0]].shape;
    return shape->dims[shape->rank - 1];
}

static void softmax_forward(const struct reference *r, const struct node *node)
{
    int32_t columns = last_dim(r, node);
    const double *x = r->values[node->inputs[0]];
    double *y = r->values[node->output], beta = (double)node->attrs.beta;
    for (int64_t row = 0; row < reference_size(r, node->output); row += columns) {
        double max = -INFINITY, sum = 0;
        for (int64_t i = row; i < row + columns; i++)
            max = fmax(max, x[i]);
        for (int64_t i = row; i < row + columns; i++)
            sum += exp(beta * (x[i] - max));
        for (int64_t i = row; i < row + columns; i++)
            y[i] = exp(beta * (x[i] - max)) / sum;
    }
}

static void softmax_backward(const struct reference *r, const struct node *node)
{
    int32_t columns = last_dim(r, node);
    const double *y = r->values[node->output], *gradient = r->gradients[node->output];
    double beta = (double)node->attrs.beta;
    for (int64_t row = 0; row < reference_size(r, node->output); row += columns) {
        double sum = 0;
        for (int64_t i = row; i < row + columns; i++)
            sum += gradient[i] * y[i];
        for (int64_t i = row; i < row + columns; i++)
            r->gradients[node->inputs[0]][i] += beta * y[i] * (gradient[i] - sum);
    }
}

/* ---- batch_normalization: inputs x, gamma, beta, mean, variance ---- */

void reference_statistics(const struct reference *r, const struct node *node, double *mean,
                          double *variance)
{
    int32_t channels = last_dim(r, node);
    int64_t size = reference_size(r, node->inputs[0]);
    double count = (double)(size / channels);
    const double *x = r->values[node->inputs[0]];
    for (int32_t c = 0; c < channels; c++) {
        mean[c] = variance[c] = 0;
        for (int64_t i = c; i < size; i += channels)
            mean[c] += x[i] / count;
        for (int64_t i = c; i < size; i += channels)
            variance[c] += (x[i] - mean[c]) * (x[i] - mean[c]) / count;
    }
}

/* The mean and the reciprocal standard deviation that channels are normalized with. */
struct normalization {
    int32_t channels;
    double *mean, *scale;
};

static struct normalization normalization_make(const struct reference *r, const struct node *node,
                                               struct arena *arena)
{
    struct normalization norm = {.channels = last_dim(r, node)};
    size_t channels = (size_t)norm.channels;
    norm.mean = ARENA_ARRAY(arena, channels, double);
    norm.scale = ARENA_ARRAY(arena, channels, double);
    if (r->mode == REFERENCE_TRAINING) {
        reference_statistics(r, node, norm.mean, norm.scale);
    } else {
        memcpy(norm.mean, r->values[node->inputs[3]], channels * sizeof(double));
        memcpy(norm.scale, r->values[node->inputs[4]], channels * sizeof(double));
    }
    for (size_t c = 0; c < channels; c++)
        norm.scale[c] = 1 / sqrt(norm.scale[c] + (double)node->attrs.epsilon);
    return norm;
}

static void batch_normalization_forward(const struct reference *r, const struct node *node)
{
    struct arena arena = {0};
    struct normalization norm = normalization_make(r, node, &arena);
    const double *x = r->values[node->inputs[0]];
    const double *gamma = r->values[node->inputs[1]], *beta = r->values[node->inputs[2]];
    for (int64_t i = 0; i < reference_size(r, node->output); i++) {
        int64_t c = i % norm.channels;
        r->values[node->output][i] = gamma[c] * (x[i] - norm.mean[c]) * norm.scale[c] + beta[c];
    }
    arena_free(&arena);
}

/* With y = gamma * u + beta and u = (x - mean) * scale. Of fixed statistics, each x reaches its own
 * y alone, and mean and variance have gradients as any constant. Of the batch's, every x also
 * moves mean and variance, which takes the means of dy and of dy * u off the gradient. */
static void channel_backward(const struct reference *r, const struct node *node,
                             const struct normalization *norm, int64_t c)
{
    int64_t size = reference_size(r, node->output);
    double count = (double)(size / norm->channels);
    const double *x = r->values[node->inputs[0]], *dy = r->gradients[node->output];
    double gamma = r->values[node->inputs[1]][c], scale = norm->scale[c];
    double sum = 0, sum_u = 0;
    for (int64_t i = c; i < size; i += norm->channels) {
        sum += dy[i];
        sum_u += dy[i] * (x[i] - norm->mean[c]) * scale;
    }
    r->gradients[node->inputs[1]][c] += sum_u;
    r->gradients[node->inputs[2]][c] += sum;
    int training = r->mode == REFERENCE_TRAINING;
    if (!training) {
        r->gradients[node->inputs[3]][c] -= gamma * scale * sum;
        r->gradients[node->inputs[4]][c] -= gamma * scale * scale * sum_u / 2;
    }
    for (int64_t i = c; i < size; i += norm->channels) {
        double u = (x[i] - norm->mean[c]) * scale;
        double through_statistics = training ? (sum + u * sum_u) / count : 0;
        r->gradients[node->inputs[0]][i] += gamma * scale * (dy[i] - through_statistics);
    }
}

static void batch_normalization_backward(const struct reference *r, const struct node *node)
{
    struct arena arena = {0};
    struct normalization norm = normalization_make(r, node, &arena);
    for (int64_t c = 0; c < norm.channels; c++)
        channel_backward(r, node, &norm, c);
    arena_free(&arena);
}

/* ---- fused activations ---- */

static void activation_bounds(enum activation activation, double *low, double *high)
{
    *low = activation == ACTIVATION_NONE           ? -INFINITY
           : activation == ACTIVATION_RELU_N1_TO_1 ? -1
                                                   : 0;
    *high = activation == ACTIVATION_RELU6          ? 6
            : activation == ACTIVATION_RELU_N1_TO_1 ? 1
                                                    : INFINITY;
}

static void activation_forward(const struct reference *r, const struct node *node)
{
    double low, high, *y = r->values[node->output];
    activation_bounds(node->attrs.activation, &low, &high);
    for (int64_t i = 0; i < reference_size(r, node->output); i++)
        y[i] = fmin(fmax(y[i], low), high);
}

/* Turns the gradient of what the activation made into that of what it read. */
static void activation_backward(const struct reference *r, const struct node *node)
{
    double low, high;
    const double *y = r->values[node->output];
    activation_bounds(node->attrs.activation, &low, &high);
    for (int64_t i = 0; i < reference_size(r, node->output); i++)
        if (y[i] <= low || y[i] >= high)
            r->gradients[node->output][i] = 0;
}

/* ---- the graph ---- */

static void node_forward(const struct reference *r, const struct node *node)
{
    assert(node->op != OP_quantize && node->op != OP_dequantize);
    if (op_has_terms(node->op))
        terms_forward(r, node);
    else if (node->op == OP_softmax)
        softmax_forward(r, node);
    else if (node->op == OP_batch_normalization)
        batch_normalization_forward(r, node);
    else
        function_forward(r, node);
    activation_forward(r, node);
}

static void node_backward(const struct reference *r, const struct node *node)
{
    if (op_has_terms(node->op))
        terms_backward(r, node);
    else if (node->op == OP_softmax)
        softmax_backward(r, node);
    else if (node->op == OP_batch_normalization)
        batch_normalization_backward(r, node);
    else
        function_backward(r, node);
}

void reference_forward(struct reference *r, enum reference_mode mode)
{
    r->mode = mode;
    for (int32_t i = 0; i < r->graph->n_nodes; i++)
        node_forward(r, &r->graph->nodes[i]);
}

void reference_backward(struct reference *r, const double *const *output_gradients)
{
    const struct graph *graph = r->graph;
    for (int32_t i = 0; i < graph->n_tensors; i++)
        memset(r->gradients[i], 0, (size_t)reference_size(r, i) * sizeof(double));
    for (int32_t i = 0; i < graph->n_outputs; i++)
        for (int64_t k = 0; k < reference_size(r, graph->outputs[i]); k++)
            r->gradients[graph->outputs[i]][k] += output_gradients[i][k];
    for (int32_t i = graph->n_nodes - 1; i >= 0; i--) {
        const struct node *node = &graph->nodes[i];
        /* The gradient of a tensor stays that of the tensor: the one of what its activation read
         * is needed only here. */
        size_t bytes = (size_t)reference_size(r, node->output) * sizeof(double);
        struct arena arena = {0};
        double *gradient = arena_copy(&arena, r->gradients[node->output], bytes);
        activation_backward(r, node);
        node_backward(r, node);
        memcpy(r->gradients[node->output], gradient, bytes);
        arena_free(&arena);
    }
}
