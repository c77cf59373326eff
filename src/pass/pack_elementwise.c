/* SPDX-License-Identifier: Apache-2.0 */
/* Ops without weights that compute: element-wise, pooling, mean, softmax, changes of type. */
#include <assert.h>

#include "pass/pack_internal.h"

enum { BROADCAST_DIMS = 4 };

/* How two inputs map to the output's elements. */
struct broadcast {
    int32_t dims[BROADCAST_DIMS], stride_a[BROADCAST_DIMS], stride_b[BROADCAST_DIMS];
};

/* Walks the dimensions from the innermost out and merges neighbors that both inputs repeat, or
 * both do not. Inputs of different shapes have at most four dimensions. */
static void broadcast_make(const struct packing *packing, struct broadcast *broadcast)
{
    const struct shape *a = &node_input(packing->graph, packing->node, 0)->shape;
    const struct shape *b = &node_input(packing->graph, packing->node, 1)->shape;
    const struct shape *output = &node_output(packing->graph, packing->node)->shape;
    int at = BROADCAST_DIMS, previous = -1;
    int32_t step_a = 1, step_b = 1;
    for (int i = 0; i < BROADCAST_DIMS; i++) {
        broadcast->dims[i] = 1;
        broadcast->stride_a[i] = broadcast->stride_b[i] = 0;
    }
    for (int i = MAX_RANK - 1; i >= 0; i--) {
        int32_t size = extended_dim(output, i);
        if (size == 1)
            continue;
        int has_a = extended_dim(a, i) != 1, has_b = extended_dim(b, i) != 1;
        int kind = 2 * has_a + has_b;
        if (kind != previous) {
            at--;
            assert(at >= 0);
            broadcast->stride_a[at] = has_a ? step_a : 0;
            broadcast->stride_b[at] = has_b ? step_b : 0;
            previous = kind;
        }
        broadcast->dims[at] *= size;
        step_a *= has_a ? size : 1;
        step_b *= has_b ? size : 1;
    }
}

/* Copies a broadcast into the parameters that have its three members. */
#define SET_BROADCAST(structure, broadcast)                                                        \
    do {                                                                                           \
        for (int i_ = 0; i_ < BROADCAST_DIMS; i_++) {                                              \
            (structure)->dims[i_] = (broadcast)->dims[i_];                                         \
            (structure)->stride_a[i_] = (broadcast)->stride_a[i_];                                 \
            (structure)->stride_b[i_] = (broadcast)->stride_b[i_];                                 \
        }                                                                                          \
    } while (0)

/* Constant operands are stored in flash. */
static void count_constants(const struct packing *packing)
{
    for (int i = 0; i < 2; i++) {
        const struct tensor *input = node_input(packing->graph, packing->node, i);
        if (input->data != NULL)
            packing->facts->weight_bytes += tensor_bytes(input);
    }
}

/* Ratios of the three scales of an add or sub. add_common.cc computes them in double, sub_common.cc
 * in float (and TensorFlow Lite's sub.cc in double: it may differ from Micro in the last bit). */
struct sum_ratios {
    double a, b, output;
};

static struct sum_ratios sum_ratios(enum op op, float a, float b, float output)
{
    float larger = a > b ? a : b;
    if (op == OP_add) {
        double twice = 2 * (double)larger;
        return (struct sum_ratios){(double)a / twice, (double)b / twice,
                                   twice / ((double)(1 << 20) * (double)output)};
    }
    float twice = 2 * larger;
    float ratio_a = a / twice, ratio_b = b / twice, ratio = twice / ((float)(1 << 20) * output);
    return (struct sum_ratios){(double)ratio_a, (double)ratio_b, (double)ratio};
}

enum status pack_add_or_sub(struct packing *packing)
{
    const struct tensor *a = node_input(packing->graph, packing->node, 0);
    const struct tensor *b = node_input(packing->graph, packing->node, 1);
    const struct tensor *output = node_output(packing->graph, packing->node);
    int is_add = packing->node->op == OP_add;
    struct packed_call *call = call_add(packing, is_add ? "add_s8" : "sub_s8", 2);
    struct dtmm_add *sum = &call->parameters.add;
    struct broadcast broadcast;
    broadcast_make(packing, &broadcast);
    SET_BROADCAST(sum, &broadcast);
    struct sum_ratios ratios =
        sum_ratios(packing->node->op, tensor_scale(a), tensor_scale(b), tensor_scale(output));
    struct fixed_point by_a, by_b, by_output;
    TRY(multiplier_make(packing, "first input's ratio", ratios.a, 0, &by_a));
    TRY(multiplier_make(packing, "second input's ratio", ratios.b, 0, &by_b));
    TRY(multiplier_make(packing, "output's ratio", ratios.output, 0, &by_output));
    assert(by_a.shift <= 0 && by_b.shift <= 0 && by_output.shift <= 0);
    sum->multiplier_a = by_a.multiplier;
    sum->multiplier_b = by_b.multiplier;
    sum->multiplier_output = by_output.multiplier;
    SET_S8(packing, sum, shift_a, by_a.shift);
    SET_S8(packing, sum, shift_b, by_b.shift);
    SET_S8(packing, sum, shift_output, by_output.shift);
    SET_S8(packing, sum, zero_point_a, tensor_zero_point(a));
    SET_S8(packing, sum, zero_point_b, tensor_zero_point(b));
    SET_S8(packing, sum, output_zero_point, tensor_zero_point(output));
    activation_range(packing, &sum->output_min, &sum->output_max);
    count_constants(packing);
    return OK;
}

/* mul_common.cc */
enum status pack_mul(struct packing *packing)
{
    const struct tensor *a = node_input(packing->graph, packing->node, 0);
    const struct tensor *b = node_input(packing->graph, packing->node, 1);
    const struct tensor *output = node_output(packing->graph, packing->node);
    struct packed_call *call = call_add(packing, "mul_s8", 2);
    struct dtmm_mul *mul = &call->parameters.mul;
    struct broadcast broadcast;
    broadcast_make(packing, &broadcast);
    SET_BROADCAST(mul, &broadcast);
    double ratio = (double)tensor_scale(a) * (double)tensor_scale(b) / (double)tensor_scale(output);
    struct fixed_point by;
    TRY(multiplier_make(packing, "product", ratio, 255 * 255, &by));
    mul->multiplier = by.multiplier;
    SET_S8(packing, mul, shift, by.shift);
    SET_S8(packing, mul, zero_point_a, tensor_zero_point(a));
    SET_S8(packing, mul, zero_point_b, tensor_zero_point(b));
    SET_S8(packing, mul, output_zero_point, tensor_zero_point(output));
    activation_range(packing, &mul->output_min, &mul->output_max);
    count_constants(packing);
    return OK;
}

enum status pack_lookup(struct packing *packing)
{
    int8_t *table = ARENA_ARRAY(packing->arena, 256, int8_t);
    TRY(lookup_table(packing, table));
    struct packed_call *call = call_add(packing, "lookup_s8", 1);
    struct dtmm_lookup *lookup = &call->parameters.lookup;
    lookup->table = table;
    lookup->n = (int32_t)shape_elements(&node_output(packing->graph, packing->node)->shape);
    call_array(call, (struct packed_array){"table", "int8_t", table, 256, 1},
               &packing->facts->quantization_bytes);
    return OK;
}

/* softmax_common.cc; PreprocessSoftmaxScaling and CalculateInputRadius in quantization_util.cc. */
enum status pack_softmax(struct packing *packing)
{
    enum { DIFFERENCE_BITS = 5 };
    const struct tensor *input = node_input(packing->graph, packing->node, 0);
    double steps = (double)packing->node->attrs.beta * (double)tensor_scale(input) *
                   (double)(1 << (31 - DIFFERENCE_BITS));
    const double most = 2147483647.0;
    if (!(steps > 1.0))
        return unsupported(packing,
                           "beta %g times the input's scale %g is too small; quantize the model "
                           "anew",
                           (double)packing->node->attrs.beta, (double)tensor_scale(input));
    struct fixed_point by = fixed_point_from(steps < most ? steps : most);
    struct packed_call *call = call_add(packing, "softmax_s8", 1);
    struct dtmm_softmax *softmax = &call->parameters.softmax;
    int32_t rank = input->shape.rank;
    softmax->columns = rank == 0 ? 1 : input->shape.dims[rank - 1];
    /* The sum of the exponentials has 12 integer bits. */
    TRY(check_range(packing, "number of classes", softmax->columns, 1, 8191));
    softmax->rows = (int32_t)(shape_elements(&input->shape) / softmax->columns);
    softmax->multiplier = by.multiplier;
    softmax->shift = by.shift;
    softmax->difference_min = -input_radius(DIFFERENCE_BITS, by.shift);
    return OK;
}

enum status pack_pool_2d(struct packing *packing)
{
    const struct node *node = packing->node;
    const struct tensor *input = node_input(packing->graph, node, 0);
    const struct tensor *output = node_output(packing->graph, node);
    const char *kernel = node->op == OP_max_pool_2d ? "max_pool_2d_s8" : "average_pool_2d_s8";
    struct packed_call *call = call_add(packing, kernel, 1);
    struct dtmm_pool_2d *pool = &call->parameters.pool_2d;
    TRY(check_image(packing, input));
    pool->channels = input->shape.dims[3];
    SET_U16(packing, pool, input_h, input->shape.dims[1]);
    SET_U16(packing, pool, input_w, input->shape.dims[2]);
    SET_U16(packing, pool, output_h, output->shape.dims[1]);
    SET_U16(packing, pool, output_w, output->shape.dims[2]);
    SET_U16(packing, pool, window_h, node->attrs.window[0]);
    SET_U16(packing, pool, window_w, node->attrs.window[1]);
    SET_U8(packing, pool, stride_h, node->attrs.stride[0]);
    SET_U8(packing, pool, stride_w, node->attrs.stride[1]);
    SET_U16(packing, pool, pad_top, node->attrs.pads[0]);
    SET_U16(packing, pool, pad_left, node->attrs.pads[2]);
    activation_range(packing, &pool->output_min, &pool->output_max);
    return OK;
}

/* The division by the count folded into the multiplier: QuantizedMeanOrSum in
 * kernels/internal/reference/reduce.h, which loses no precision: the multiplier is shifted left as
 * far as it goes before the division. (Older versions divided after requantizing.) */
static struct fixed_point mean_multiplier(struct fixed_point by, int64_t count)
{
    int32_t shift = 0;
    while (shift < 62 && count >> (shift + 1) != 0)
        shift++;
    if (shift > 32)
        shift = 32;
    if (shift > 31 + by.shift)
        shift = 31 + by.shift;
    by.multiplier = (int32_t)((by.multiplier * (INT64_C(1) << shift)) / count);
    by.shift -= shift;
    return by;
}

enum status pack_mean(struct packing *packing)
{
    const struct tensor *input = node_input(packing->graph, packing->node, 0);
    const struct tensor *output = node_output(packing->graph, packing->node);
    struct packed_call *call = call_add(packing, "mean_s8", 1);
    struct dtmm_mean *mean = &call->parameters.mean;
    int64_t count = 1;
    mean->axes = packing->node->attrs.axes << (MAX_RANK - input->shape.rank);
    for (int i = 0; i < MAX_RANK; i++) {
        mean->dims[i] = extended_dim(&input->shape, i);
        if (mean->axes >> i & 1)
            count *= mean->dims[i];
    }
    int64_t largest = 255 * count;
    if (count >= 1 << 23)
        return unsupported(packing,
                           "averages %lld elements, sums can overflow 32 bits; average in "
                           "two steps",
                           (long long)count);
    double ratio = (double)tensor_scale(input) / (double)tensor_scale(output);
    struct fixed_point by;
    TRY(multiplier_make(packing, "ratio", ratio, 0, &by));
    by = mean_multiplier(by, count);
    if (by.shift > 0 && largest > INT32_MAX >> by.shift)
        return unsupported(packing,
                           "the input's scale is %g times the output's, too large for "
                           "32-bit arithmetic; quantize the model anew",
                           ratio);
    mean->count = (int32_t)count;
    mean->multiplier = by.multiplier;
    SET_S8(packing, mean, shift, by.shift);
    SET_S8(packing, mean, input_zero_point, tensor_zero_point(input));
    SET_S8(packing, mean, output_zero_point, tensor_zero_point(output));
    return OK;
}

/* quantize and dequantize: between float and s8, or from s8 to s8 with other parameters. */
enum status pack_quantize(struct packing *packing)
{
    const struct tensor *input = node_input(packing->graph, packing->node, 0);
    const struct tensor *output = node_output(packing->graph, packing->node);
    if (input->dtype == DTYPE_S8 && output->dtype == DTYPE_S8)
        return pack_lookup(packing);
    int to_s8 = input->dtype == DTYPE_F32 && output->dtype == DTYPE_S8;
    if (!to_s8 && !(input->dtype == DTYPE_S8 && output->dtype == DTYPE_F32))
        return unsupported(packing, "from %s to %s is not supported, only between f32 and s8",
                           dtype_name(input->dtype), dtype_name(output->dtype));
    const struct tensor *quantized = to_s8 ? output : input;
    struct packed_call *call =
        call_add(packing, to_s8 ? "quantize_f32_s8" : "dequantize_s8_f32", 1);
    struct dtmm_quantize *quantize = &call->parameters.quantize;
    quantize->n = (int32_t)shape_elements(&input->shape);
    quantize->scale = tensor_scale(quantized);
    SET_S8(packing, quantize, zero_point, tensor_zero_point(quantized));
    return OK;
}
