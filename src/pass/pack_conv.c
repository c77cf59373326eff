/* SPDX-License-Identifier: Apache-2.0 */
/* Ops with weights: each filter's weights dense or in FWCS, biases with the input's zero point
 * folded in, and one multiplier a filter. */
#include <string.h>

#include "pass/pack_internal.h"

/* The weights of a layer, filter by filter. */
struct filters {
    const int8_t *weights;
    int32_t n;                   /* filters */
    int32_t positions;           /* kernel positions of a filter */
    int32_t channels;            /* weights at one position */
    size_t filter_step;          /* from a filter's first weight to the next filter's */
    size_t weight_step;          /* from a weight to the filter's next */
    const struct tensor *tensor; /* where they come from */
};

/* How the kept weights of a layer are stored in FWCS. */
struct fwcs {
    int32_t block;     /* channels of one unit */
    int32_t row_units; /* units of one filterlet */
    size_t mask_bytes; /* of one filter */
    size_t n_weights;  /* kept, all filters */
};

static struct filters filters_of(const struct packing *packing)
{
    const struct tensor *tensor = node_input(packing->graph, packing->node, 1);
    const int32_t *dims = tensor->shape.dims;
    struct filters filters = {.weights = tensor->data, .tensor = tensor, .positions = 1};
    if (packing->node->op == OP_depthwise_conv_2d) {
        filters.n = dims[3];
        filters.positions = dims[1] * dims[2];
        filters.channels = 1;
        filters.filter_step = 1;
        filters.weight_step = (size_t)filters.n;
        return filters;
    }
    filters.n = dims[0];
    filters.channels = dims[tensor->shape.rank - 1];
    if (tensor->shape.rank == 4)
        filters.positions = dims[1] * dims[2];
    filters.filter_step = (size_t)filters.positions * (size_t)filters.channels;
    filters.weight_step = 1;
    return filters;
}

static size_t filter_size(const struct filters *filters)
{
    return (size_t)filters->positions * (size_t)filters->channels;
}

/* What runs of filter `o` add up to. */
struct filter_sums {
    int64_t bias, weights, magnitudes;
};

static struct filter_sums filter_sums(const struct packing *packing, const struct filters *filters,
                                      int32_t o)
{
    const struct tensor *bias = node_input(packing->graph, packing->node, 2);
    struct filter_sums sums = {bias == NULL ? 0 : ((const int32_t *)bias->data)[o], 0, 0};
    const int8_t *weight = filters->weights + (size_t)o * filters->filter_step;
    for (size_t i = 0; i < filter_size(filters); i++) {
        int64_t value = weight[i * filters->weight_step];
        sums.weights += value;
        sums.magnitudes += value < 0 ? -value : value;
    }
    return sums;
}

/* No partial sum, in the reference's order (bias + w * (x - zero point)) or in ours (zero point
 * folded into the bias), exceeds this: |x - zero point| <= 255, |zero point| + |x| <= 256. */
static int64_t largest_accumulator(const struct filter_sums *sums)
{
    return (sums->bias < 0 ? -sums->bias : sums->bias) + 256 * sums->magnitudes;
}

/* The effective scale of filter `o`. Convolutions compute it in double
 * (PopulateConvolutionQuantizationParams in kernels/kernel_util.cc); fully_connected with one scale
 * for all weights multiplies the two scales in float first (GetQuantizedConvolutionMultipler,
 * there). */
static double effective_scale(const struct packing *packing, const struct filters *filters,
                              int32_t o)
{
    const struct quantization *weights = &filters->tensor->quantization;
    float input = tensor_scale(node_input(packing->graph, packing->node, 0));
    float output = tensor_scale(node_output(packing->graph, packing->node));
    if (packing->node->op == OP_fully_connected && weights->n == 1) {
        float product = input * weights->scale[0];
        return (double)product / (double)output;
    }
    float weight = weights->scale[weights->n == 1 ? 0 : o];
    return (double)input * (double)weight / (double)output;
}

/* Bias, multiplier and shift of each filter. `n_scales` is 1 when all filters share one multiplier,
 * else the number of filters. */
struct channel_arrays {
    int32_t *bias, *multiplier;
    int8_t *shift;
    int32_t n_scales;
};

static enum status channel_arrays(struct packing *packing, const struct filters *filters,
                                  int32_t n_scales, struct channel_arrays *arrays)
{
    arrays->n_scales = n_scales;
    arrays->bias = ARENA_ARRAY(packing->arena, (size_t)filters->n, int32_t);
    arrays->multiplier = ARENA_ARRAY(packing->arena, (size_t)n_scales, int32_t);
    arrays->shift = ARENA_ARRAY(packing->arena, (size_t)n_scales, int8_t);
    /* transpose_conv skips different taps at each position, so its kernel subtracts itself. */
    int32_t folded = packing->node->op == OP_transpose_conv
                         ? 0
                         : tensor_zero_point(node_input(packing->graph, packing->node, 0));
    for (int32_t o = 0; o < filters->n; o++) {
        struct filter_sums sums = filter_sums(packing, filters, o);
        int64_t largest = largest_accumulator(&sums);
        if (largest > INT32_MAX)
            return unsupported(packing,
                               "the sums of filter %d can reach %lld and overflow 32 bits; retrain "
                               "with smaller weights or fewer input channels",
                               (int)o, (long long)largest);
        arrays->bias[o] = (int32_t)(sums.bias - folded * sums.weights);
        struct fixed_point by;
        TRY(multiplier_make(packing, "product", effective_scale(packing, filters, o), largest,
                            &by));
        if (o < n_scales) {
            arrays->multiplier[o] = by.multiplier;
            arrays->shift[o] = (int8_t)by.shift;
        }
    }
    return OK;
}

static void note_channel_arrays(const struct packing *packing, struct packed_call *call,
                                const struct channel_arrays *arrays, int32_t n_filters)
{
    struct packed_node *facts = packing->facts;
    size_t n = (size_t)n_filters, n_scales = (size_t)arrays->n_scales;
    call_array(call, (struct packed_array){"bias", "int32_t", arrays->bias, n, 4},
               &facts->bias_bytes);
    call_array(call,
               (struct packed_array){"multiplier", "int32_t", arrays->multiplier, n_scales, 4},
               &facts->quantization_bytes);
    call_array(call, (struct packed_array){"shift", "int8_t", arrays->shift, n_scales, 1},
               &facts->quantization_bytes);
}

static void note_dense(const struct packing *packing, struct packed_call *call,
                       const struct filters *filters, const int8_t *weights, int64_t positions)
{
    struct packed_node *facts = packing->facts;
    size_t n = (size_t)filters->n * filter_size(filters);
    call_array(call, (struct packed_array){"weights", "int8_t", weights, n, 1},
               &facts->weight_bytes);
    facts->macs = positions * (int64_t)n;
    facts->n_filters = facts->n_filters_kept = filters->n;
    facts->n_filterlets = facts->n_filterlets_kept = filters->n * filters->positions;
}

static const int8_t *dense_weights(const struct packing *packing, const struct filters *filters)
{
    return arena_copy(packing->arena, filters->weights, tensor_bytes(filters->tensor));
}

/* ---- FWCS ---- */

static int is_zero(const int8_t *weights, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (weights[i] != 0)
            return 0;
    return 1;
}

static int32_t unit_channels(const struct filters *filters, const struct fwcs *fwcs, int32_t unit)
{
    int32_t left = filters->channels - unit * fwcs->block;
    return left < fwcs->block ? left : fwcs->block;
}

/* Sizes of the layer in blocks of `block` channels. */
static struct fwcs fwcs_measure(const struct filters *filters, int32_t block)
{
    struct fwcs fwcs = {.block = block};
    fwcs.row_units = (filters->channels - 1) / block + 1;
    fwcs.mask_bytes = ((size_t)filters->positions * (size_t)fwcs.row_units + 7) / 8;
    size_t n_rows = (size_t)filters->n * (size_t)filters->positions;
    for (size_t row = 0; row < n_rows; row++)
        for (int32_t unit = 0; unit < fwcs.row_units; unit++) {
            const int8_t *at = filters->weights + row * (size_t)filters->channels + unit * block;
            int32_t n = unit_channels(filters, &fwcs, unit);
            if (!is_zero(at, n))
                fwcs.n_weights += (size_t)n;
        }
    return fwcs;
}

static size_t fwcs_bytes(const struct filters *filters, const struct fwcs *fwcs)
{
    return fwcs->n_weights + (size_t)filters->n * fwcs->mask_bytes;
}

/* The smallest of filterlets as units and blocks of 16, 8 and 4 channels; the coarsest of equals,
 * which runs fastest. */
static struct fwcs fwcs_choose(const struct filters *filters)
{
    static const int32_t blocks[] = {16, 8, 4};
    struct fwcs best = fwcs_measure(filters, filters->channels);
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        if (blocks[i] >= filters->channels)
            continue;
        struct fwcs candidate = fwcs_measure(filters, blocks[i]);
        if (fwcs_bytes(filters, &candidate) < fwcs_bytes(filters, &best))
            best = candidate;
    }
    return best;
}

/* Where the next kept unit goes. */
struct fwcs_writer {
    int8_t *weights;
    uint8_t *mask;
    size_t used;
};

/* Writes filter `o`; returns how many of its filterlets have a kept unit. */
static int32_t fwcs_write_filter(const struct filters *filters, const struct fwcs *fwcs, int32_t o,
                                 struct fwcs_writer *writer)
{
    int32_t kept = 0;
    uint8_t *mask = writer->mask + (size_t)o * fwcs->mask_bytes;
    for (int32_t position = 0; position < filters->positions; position++) {
        const int8_t *row = filters->weights + (size_t)o * filters->filter_step +
                            (size_t)position * (size_t)filters->channels;
        int any = 0;
        for (int32_t unit = 0; unit < fwcs->row_units; unit++) {
            int32_t n = unit_channels(filters, fwcs, unit);
            const int8_t *at = row + unit * fwcs->block;
            if (is_zero(at, n))
                continue;
            size_t bit = (size_t)position * (size_t)fwcs->row_units + (size_t)unit;
            mask[bit / 8] = (uint8_t)(mask[bit / 8] | 1U << bit % 8);
            memcpy(writer->weights + writer->used, at, (size_t)n);
            writer->used += (size_t)n;
            any = 1;
        }
        kept += any;
    }
    return kept;
}

static void fwcs_write(const struct packing *packing, const struct filters *filters,
                       const struct fwcs *fwcs, int64_t positions, struct packed_call *call)
{
    struct packed_node *facts = packing->facts;
    /* An array in C has at least one element, even when no weight is left. */
    size_t n_weights = fwcs->n_weights == 0 ? 1 : fwcs->n_weights;
    size_t n_mask = (size_t)filters->n * fwcs->mask_bytes;
    struct fwcs_writer writer = {ARENA_ARRAY(packing->arena, n_weights, int8_t),
                                 ARENA_ARRAY(packing->arena, n_mask, uint8_t), 0};
    facts->n_filters = filters->n;
    facts->n_filterlets = filters->n * filters->positions;
    for (int32_t o = 0; o < filters->n; o++) {
        int32_t kept = fwcs_write_filter(filters, fwcs, o, &writer);
        facts->n_filterlets_kept += kept;
        facts->n_filters_kept += kept != 0;
    }
    facts->macs = positions * (int64_t)fwcs->n_weights;
    struct dtmm_conv_2d *conv = &call->parameters.conv_2d;
    conv->weights = writer.weights;
    conv->mask = writer.mask;
    conv->block = fwcs->block;
    call_array(call, (struct packed_array){"weights", "int8_t", writer.weights, n_weights, 1},
               &facts->weight_bytes);
    call_array(call, (struct packed_array){"mask", "uint8_t", writer.mask, n_mask, 1},
               &facts->index_bytes);
}

/* ---- layers ---- */

/* Input and output size, kernel, stride, pads, zero points and activation: members that the
 * parameters of conv_2d and depthwise_conv_2d have in common. */
#define SET_WINDOW(packing, structure)                                                             \
    do {                                                                                           \
        const struct node *node_ = (packing)->node;                                                \
        const struct tensor *input_ = node_input((packing)->graph, node_, 0);                      \
        const struct tensor *output_ = node_output((packing)->graph, node_);                       \
        const int32_t *kernel_ = node_input((packing)->graph, node_, 1)->shape.dims;               \
        TRY(check_image((packing), input_));                                                       \
        (structure)->input_channels = input_->shape.dims[3];                                       \
        SET_U16(packing, structure, input_h, input_->shape.dims[1]);                               \
        SET_U16(packing, structure, input_w, input_->shape.dims[2]);                               \
        SET_U16(packing, structure, output_h, output_->shape.dims[1]);                             \
        SET_U16(packing, structure, output_w, output_->shape.dims[2]);                             \
        SET_U8(packing, structure, kernel_h, kernel_[1]);                                          \
        SET_U8(packing, structure, kernel_w, kernel_[2]);                                          \
        SET_U8(packing, structure, stride_h, node_->attrs.stride[0]);                              \
        SET_U8(packing, structure, stride_w, node_->attrs.stride[1]);                              \
        SET_U8(packing, structure, pad_top, node_->attrs.pads[0]);                                 \
        SET_U8(packing, structure, pad_left, node_->attrs.pads[2]);                                \
        SET_S8(packing, structure, input_zero_point, tensor_zero_point(input_));                   \
        SET_S8(packing, structure, output_zero_point, tensor_zero_point(output_));                 \
        activation_range((packing), &(structure)->output_min, &(structure)->output_max);           \
    } while (0)

static int64_t image_size(const struct tensor *tensor)
{
    return (int64_t)tensor->shape.dims[1] * tensor->shape.dims[2];
}

static void set_channel_arrays(const struct packing *packing, struct packed_call *call,
                               const struct channel_arrays *arrays, int32_t n_filters)
{
    struct dtmm_conv_2d *conv = &call->parameters.conv_2d;
    conv->output_channels = n_filters;
    conv->bias = arrays->bias;
    conv->multiplier = arrays->multiplier;
    conv->shift = arrays->shift;
    note_channel_arrays(packing, call, arrays, n_filters);
}

/* Whether the layer is stored in FWCS: where that is smaller, or as a recipe asks for. */
static int takes_fwcs(const struct packing *packing, int is_smaller)
{
    const struct pack_request *request = packing->request;
    if (request == NULL || request->forms == NULL)
        return is_smaller;
    enum storage storage = request->forms[packing->node_id].storage;
    return storage == STORAGE_SMALLER ? is_smaller : storage == STORAGE_FWCS;
}

enum status pack_conv_2d(struct packing *packing)
{
    struct filters filters = filters_of(packing);
    struct fwcs fwcs = fwcs_choose(&filters);
    int dense = !takes_fwcs(packing, fwcs_bytes(&filters, &fwcs) < tensor_bytes(filters.tensor));
    struct packed_call *call = call_add(packing, dense ? "conv_2d_s8" : "conv_2d_fwcs_s8", 1);
    struct dtmm_conv_2d *conv = &call->parameters.conv_2d;
    SET_WINDOW(packing, conv);
    if (conv->input_channels != filters.channels)
        return unsupported(packing,
                           "has %d input channels, its weights %d; grouped convolution is "
                           "not supported, export it as separate layers",
                           (int)conv->input_channels, (int)filters.channels);
    SET_U8(packing, conv, dilation_h, packing->node->attrs.dilation[0]);
    SET_U8(packing, conv, dilation_w, packing->node->attrs.dilation[1]);
    struct channel_arrays arrays;
    TRY(channel_arrays(packing, &filters, filters.n, &arrays));
    int64_t positions = image_size(node_output(packing->graph, packing->node));
    if (dense) {
        conv->block = filters.channels;
        conv->weights = dense_weights(packing, &filters);
        note_dense(packing, call, &filters, conv->weights, positions);
    } else {
        fwcs_write(packing, &filters, &fwcs, positions, call);
    }
    set_channel_arrays(packing, call, &arrays, filters.n);
    return OK;
}

/* transpose_conv.cc of TensorFlow Lite Micro knows no fused activation; where a model has one, we
 * apply it as TensorFlow Lite does. */
enum status pack_transpose_conv(struct packing *packing)
{
    struct filters filters = filters_of(packing);
    struct packed_call *call = call_add(packing, "transpose_conv_s8", 1);
    struct dtmm_conv_2d *conv = &call->parameters.conv_2d;
    SET_WINDOW(packing, conv);
    conv->dilation_h = conv->dilation_w = 1;
    conv->block = filters.channels;
    struct channel_arrays arrays;
    TRY(channel_arrays(packing, &filters, filters.n, &arrays));
    conv->weights = dense_weights(packing, &filters);
    int64_t positions = image_size(node_input(packing->graph, packing->node, 0));
    note_dense(packing, call, &filters, conv->weights, positions);
    set_channel_arrays(packing, call, &arrays, filters.n);
    return OK;
}

enum status pack_depthwise_conv_2d(struct packing *packing)
{
    struct filters filters = filters_of(packing);
    struct packed_call *call = call_add(packing, "depthwise_conv_2d_s8", 1);
    struct dtmm_depthwise_conv_2d *conv = &call->parameters.depthwise_conv_2d;
    SET_WINDOW(packing, conv);
    SET_U8(packing, conv, dilation_h, packing->node->attrs.dilation[0]);
    SET_U8(packing, conv, dilation_w, packing->node->attrs.dilation[1]);
    conv->depth_multiplier = filters.n / conv->input_channels;
    struct channel_arrays arrays;
    TRY(channel_arrays(packing, &filters, filters.n, &arrays));
    conv->weights = dense_weights(packing, &filters);
    conv->bias = arrays.bias;
    conv->multiplier = arrays.multiplier;
    conv->shift = arrays.shift;
    int64_t positions = image_size(node_output(packing->graph, packing->node));
    note_dense(packing, call, &filters, conv->weights, positions);
    note_channel_arrays(packing, call, &arrays, filters.n);
    return OK;
}

/* The layer as a 1x1 convolution over an image of `rows` x 1 pixels. */
static enum status pack_fully_connected_fwcs(struct packing *packing, const struct filters *filters,
                                             const struct fwcs *fwcs, int32_t rows)
{
    struct packed_call *call = call_add(packing, "conv_2d_fwcs_s8", 1);
    struct dtmm_conv_2d *conv = &call->parameters.conv_2d;
    const struct tensor *input = node_input(packing->graph, packing->node, 0);
    const struct tensor *output = node_output(packing->graph, packing->node);
    conv->input_channels = filters->channels;
    SET_U16(packing, conv, input_h, rows);
    SET_U16(packing, conv, output_h, rows);
    conv->input_w = conv->output_w = 1;
    conv->kernel_h = conv->kernel_w = 1;
    conv->stride_h = conv->stride_w = 1;
    conv->dilation_h = conv->dilation_w = 1;
    SET_S8(packing, conv, input_zero_point, tensor_zero_point(input));
    SET_S8(packing, conv, output_zero_point, tensor_zero_point(output));
    activation_range(packing, &conv->output_min, &conv->output_max);
    struct channel_arrays arrays;
    TRY(channel_arrays(packing, filters, filters->n, &arrays));
    fwcs_write(packing, filters, fwcs, rows, call);
    set_channel_arrays(packing, call, &arrays, filters->n);
    return OK;
}

enum status pack_fully_connected(struct packing *packing)
{
    struct filters filters = filters_of(packing);
    const struct tensor *input = node_input(packing->graph, packing->node, 0);
    const struct tensor *output = node_output(packing->graph, packing->node);
    int32_t rows = (int32_t)(shape_elements(&input->shape) / filters.channels);
    int32_t n_scales = filters.tensor->quantization.n == 1 ? 1 : filters.n;
    struct fwcs fwcs = fwcs_choose(&filters);
    /* The convolution kernel has a multiplier (4 bytes) and a shift (1) for each filter. */
    size_t more_scales = 5 * (size_t)(filters.n - n_scales);
    if (rows <= UINT16_MAX && takes_fwcs(packing, fwcs_bytes(&filters, &fwcs) + more_scales <
                                                      tensor_bytes(filters.tensor)))
        return pack_fully_connected_fwcs(packing, &filters, &fwcs, rows);

    struct packed_call *call = call_add(packing, "fully_connected_s8", 1);
    struct dtmm_fully_connected *layer = &call->parameters.fully_connected;
    layer->rows = rows;
    layer->input_channels = filters.channels;
    layer->output_channels = filters.n;
    layer->per_channel = n_scales > 1;
    SET_S8(packing, layer, output_zero_point, tensor_zero_point(output));
    activation_range(packing, &layer->output_min, &layer->output_max);
    struct channel_arrays arrays;
    TRY(channel_arrays(packing, &filters, n_scales, &arrays));
    layer->weights = dense_weights(packing, &filters);
    layer->bias = arrays.bias;
    layer->multiplier = arrays.multiplier;
    layer->shift = arrays.shift;
    note_dense(packing, call, &filters, layer->weights, rows);
    note_channel_arrays(packing, call, &arrays, filters.n);
    return OK;
}
