/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/simplify.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "pass/fixed_point.h"
#include "pass/pack_internal.h"

/* The input position that a tap reads at an output position, or -1 outside the input. */
static int64_t tap_source(const struct layer *layer, int64_t position, int32_t tap)
{
    const struct attrs *attrs = &layer->node->attrs;
    const int32_t *in = layer->input->shape.dims, *out = layer->output->shape.dims;
    if (layer->node->op == OP_fully_connected)
        return position;
    int64_t x = position % out[2], y = position / out[2] % out[1];
    int64_t batch = position / out[2] / out[1];
    int64_t source_y = y * attrs->stride[0] - attrs->pads[0] +
                       (int64_t)(tap / layer->kernel_w) * attrs->dilation[0];
    int64_t source_x = x * attrs->stride[1] - attrs->pads[2] +
                       (int64_t)(tap % layer->kernel_w) * attrs->dilation[1];
    if (source_y < 0 || source_y >= in[1] || source_x < 0 || source_x >= in[2])
        return -1;
    return (batch * in[1] + source_y) * in[2] + source_x;
}

static void find_reach(struct layer *layer, struct arena *arena)
{
    int32_t n_taps = layer->kernel_h * layer->kernel_w;
    int32_t n_positions = position_count(layer->output);
    layer->tap_reaches = ARENA_ARRAY(arena, (size_t)n_taps, uint8_t);
    if (layer->node->op == OP_transpose_conv) {
        memset(layer->tap_reaches, 1, (size_t)n_taps);
        return;
    }
    layer->all_inside = 1;
    for (int32_t tap = 0; tap < n_taps; tap++) {
        for (int32_t p = 0; p < n_positions; p++) {
            int inside = tap_source(layer, p, tap) >= 0;
            layer->tap_reaches[tap] |= (uint8_t)inside;
            layer->all_inside &= inside;
        }
    }
}

struct layer layer_of(const struct graph *graph, const struct node *node, struct arena *arena)
{
    const struct tensor *bias = node_input(graph, node, 2);
    struct layer layer = {.graph = graph,
                          .node = node,
                          .input = node_input(graph, node, 0),
                          .weights = node_input(graph, node, 1),
                          .output = node_output(graph, node),
                          .bias = bias,
                          .kernel_h = 1,
                          .kernel_w = 1};
    const int32_t *dims = layer.weights->shape.dims;
    layer.n_outputs = channel_count(layer.output);
    if (node->op == OP_fully_connected) {
        layer.n_columns = dims[1];
    } else {
        layer.n_columns = node->op == OP_depthwise_conv_2d ? 1 : dims[3];
        layer.kernel_h = dims[1];
        layer.kernel_w = dims[2];
    }
    find_reach(&layer, arena);
    return layer;
}

size_t layer_weight_index(const struct layer *layer, int32_t o, int32_t tap, int32_t column)
{
    if (layer->node->op == OP_depthwise_conv_2d)
        return (size_t)tap * (size_t)layer->n_outputs + (size_t)o;
    size_t n_taps = (size_t)layer->kernel_h * (size_t)layer->kernel_w;
    return ((size_t)o * n_taps + (size_t)tap) * (size_t)layer->n_columns + (size_t)column;
}

double layer_bias(const struct layer *layer, int32_t o)
{
    return layer->bias ? value_get(layer->bias, (size_t)o) : 0;
}

double layer_weight(const struct layer *layer, int32_t o, int32_t tap, int32_t column)
{
    size_t index = layer_weight_index(layer, o, tap, column);
    return layer->tap_reaches[tap] ? value_get(layer->weights, index) : 0;
}

/* The input element that a column of output channel o means at an input position. */
static int64_t column_element(const struct layer *layer, int64_t source, int32_t o, int32_t column)
{
    if (layer->node->op != OP_depthwise_conv_2d)
        return source * layer->n_columns + column;
    int32_t n_inputs = channel_count(layer->input);
    return source * n_inputs + o / (layer->n_outputs / n_inputs);
}

static int column_is_zero(const struct layer *layer, int32_t o, int32_t column)
{
    for (int32_t tap = 0; tap < layer->kernel_h * layer->kernel_w; tap++)
        if (layer_weight(layer, o, tap, column) != 0)
            return 0;
    return 1;
}

/* What a column adds to output channel o at one position. Returns 0 when that is not known. */
static int column_sum(const struct layer *layer, const struct known *known, int32_t o,
                      int32_t column, int64_t position, double *sum)
{
    int32_t tensor = layer->node->inputs[0];
    double zero = value_zero(layer->input);
    *sum = 0;
    for (int32_t tap = 0; tap < layer->kernel_h * layer->kernel_w; tap++) {
        double weight = layer_weight(layer, o, tap, column);
        int64_t source = weight != 0 ? tap_source(layer, position, tap) : -1;
        double value;
        if (source < 0)
            continue;
        int64_t element = column_element(layer, source, o, column);
        if (!known_element(layer->graph, known, tensor, element, &value))
            return 0;
        *sum += weight * (value - zero);
    }
    return 1;
}

/* Whether a column reads one and the same known value wherever it meets the input. */
static int column_is_uniform(const struct layer *layer, const struct known *known, int32_t o,
                             int32_t column, double *value)
{
    int32_t n_inputs = channel_count(layer->input), tensor = layer->node->inputs[0];
    int64_t element = column_element(layer, 0, o, column);
    if (layer->node->op == OP_fully_connected && layer->n_columns != n_inputs)
        return 0;
    return known_uniform(known, tensor, (int32_t)(element % n_inputs)) &&
           known_element(layer->graph, known, tensor, element, value);
}

/* Whether a column adds the same known *sum to output channel o at every position. */
static int column_is_fixed(const struct layer *layer, const struct known *known, int32_t o,
                           int32_t column, double *sum)
{
    double value;
    int is_uniform = column_is_uniform(layer, known, o, column, &value);
    *sum = 0;
    /* Zero adds nothing, whatever the op. */
    if (column_is_zero(layer, o, column) || (is_uniform && value == value_zero(layer->input)))
        return 1;
    if (layer->node->op == OP_transpose_conv || !column_sum(layer, known, o, column, 0, sum))
        return 0;
    int32_t n_positions = is_uniform && layer->all_inside ? 1 : position_count(layer->output);
    for (int32_t p = 1; p < n_positions; p++) {
        double other;
        if (!column_sum(layer, known, o, column, p, &other) || other != *sum)
            return 0;
    }
    return 1;
}

/* The real factor between the accumulator of output channel o and the output. TensorFlow Lite
 * multiplies the scales of a fully_connected layer without per-channel scales in single precision.
 */
static double layer_factor(const struct layer *layer, int32_t o)
{
    const struct quantization *weights = &layer->weights->quantization;
    float input = layer->input->quantization.scale[0];
    float scale = weights->scale[weights->n > 1 ? o : 0];
    double product = layer->node->op == OP_fully_connected && weights->n == 1
                         ? (double)(input * scale)
                         : (double)input * (double)scale;
    return product / (double)layer->output->quantization.scale[0];
}

/* The int8 output for an accumulator. Returns 0 when the arithmetic would leave 32 bits. */
static int finish_s8(const struct layer *layer, struct fixed_point factor, int64_t sum,
                     double *value)
{
    if (sum < INT32_MIN || sum > INT32_MAX || factor.shift > 30)
        return 0;
    int64_t shifted = factor.shift > 0 ? sum * (INT64_C(1) << factor.shift) : sum;
    if (shifted < INT32_MIN || shifted > INT32_MAX)
        return 0;
    struct packing packing = {.graph = layer->graph, .node = layer->node};
    int8_t low, high;
    activation_range(&packing, &low, &high);
    int64_t result = (int64_t)fixed_point_multiply((int32_t)sum, factor) +
                     layer->output->quantization.zero_point[0];
    *value = (double)(result < low ? low : result > high ? high : result);
    return 1;
}

/* The output for a sum. Returns 0 when the arithmetic would overflow. */
static int layer_finish(const struct layer *layer, int32_t o, double sum, double *value)
{
    if (layer->output->dtype == DTYPE_F32) {
        *value = activate(layer->node->attrs.activation, sum);
        return isfinite((float)sum);
    }
    double real = layer_factor(layer, o);
    return isfinite(real) && finish_s8(layer, fixed_point_from(real), (int64_t)sum, value);
}

/* Whether a bias can hold the sum. */
static int fits_bias(const struct layer *layer, double sum)
{
    return layer->output->dtype == DTYPE_F32 ? isfinite((float)sum)
                                             : sum >= INT32_MIN && sum <= INT32_MAX;
}

/* The accumulator of output channel o at one position; only for a channel that is known. */
static double layer_sum(const struct layer *layer, const struct known *known, int32_t o,
                        int64_t position)
{
    double total = layer_bias(layer, o);
    for (int32_t column = 0; column < layer->n_columns; column++) {
        double sum;
        /* Of a transposed convolution only columns that add nothing are known. */
        if (layer->node->op == OP_transpose_conv || column_is_zero(layer, o, column))
            continue;
        int is_known = column_sum(layer, known, o, column, position, &sum);
        assert(is_known);
        (void)is_known;
        total += sum;
    }
    return total;
}

/* Whether all that output channel o reads is known; *is_fixed: and adds the same everywhere. */
static int layer_is_known(const struct layer *layer, const struct known *known, int32_t o,
                          int *is_fixed)
{
    int32_t n_positions = position_count(layer->output);
    *is_fixed = 1;
    for (int32_t column = 0; column < layer->n_columns; column++) {
        double sum;
        if (column_is_fixed(layer, known, o, column, &sum))
            continue;
        *is_fixed = 0;
        if (layer->node->op == OP_transpose_conv)
            return 0;
        for (int32_t p = 0; p < n_positions; p++)
            if (!column_sum(layer, known, o, column, p, &sum))
                return 0;
    }
    return 1;
}

const double *layer_image(const struct layer *layer, const struct known *known, int32_t o,
                          struct arena *arena)
{
    int is_fixed;
    if (!layer_is_known(layer, known, o, &is_fixed))
        return NULL;
    int32_t n_positions = position_count(layer->output);
    double *image = ARENA_ARRAY(arena, (size_t)n_positions, double);
    for (int32_t p = 0; p < n_positions; p++) {
        if (p > 0 && is_fixed)
            image[p] = image[0];
        else if (!layer_finish(layer, o, layer_sum(layer, known, o, p), &image[p]))
            return NULL;
    }
    return image;
}

double layer_fold(const struct layer *layer, const struct known *known, int32_t o, uint8_t *folded)
{
    if (known_uniform(known, layer->node->output, o)) {
        memset(folded, 1, (size_t)layer->n_columns);
        return layer_sum(layer, known, o, 0);
    }
    double bias = layer_bias(layer, o);
    for (int32_t column = 0; column < layer->n_columns; column++) {
        double sum;
        int fits = column_is_fixed(layer, known, o, column, &sum) && fits_bias(layer, bias + sum);
        folded[column] = (uint8_t)fits;
        if (fits)
            bias += sum;
    }
    return bias;
}
