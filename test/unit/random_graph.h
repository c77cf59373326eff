/* SPDX-License-Identifier: Apache-2.0 */
/* Small int8 graphs from a seed, in the text form: every op that works on int8, filters and
 * filterlets that are zero, biases that make constants of them, residuals, pads, several outputs.
 */
#ifndef DTMM_TEST_UNIT_RANDOM_GRAPH_H
#define DTMM_TEST_UNIT_RANDOM_GRAPH_H

#include <math.h>

#include "base/random.h"
#include "base/text.h"
#include "graph/graph.h"

/* An activation 1 x h x w x c; its name is its number. */
struct value {
    int id, h, w, c;
    double scale;
    int zero_point;
};

enum { MAX_VALUES = 64 };

struct maker {
    struct text text;
    struct random random;
    struct value values[MAX_VALUES];
    int n;       /* values */
    int n_nodes; /* also numbers the constants of a node */
};

static inline int pick(struct maker *maker, int low, int high)
{
    return random_range(&maker->random, low, high);
}

static inline int one_in(struct maker *maker, int n)
{
    return pick(maker, 1, n) == 1;
}

/* An activation, earlier ones less often than the last. */
static inline struct value some_value(struct maker *maker)
{
    int back = one_in(maker, 2) ? 0 : pick(maker, 0, maker->n - 1);
    return maker->values[maker->n - 1 - back];
}

static inline int some_zero_point(struct maker *maker)
{
    static const int often[] = {-128, 0, 127};
    return one_in(maker, 2) ? often[pick(maker, 0, 2)] : pick(maker, -128, 127);
}

static inline void declare(struct maker *maker, struct value *value)
{
    value->id = maker->n;
    maker->values[maker->n++] = *value;
    text_printf(&maker->text, "tensor \"%d\" s8 1x%dx%dx%d scale %.9g zero_point %d\n", value->id,
                value->h, value->w, value->c, value->scale, value->zero_point);
}

/* The statement up to its inputs and output; attributes follow. */
static inline void start_node(struct maker *maker, const char *op, const char *inputs, int output)
{
    text_printf(&maker->text, "node %s n%d %s -> \"%d\"", op, maker->n_nodes++, inputs, output);
}

static inline void add_activation(struct maker *maker)
{
    static const char *const names[] = {"none", "relu", "relu6", "relu_n1_to_1"};
    text_printf(&maker->text, " activation %s\n", names[one_in(maker, 2) ? pick(maker, 1, 3) : 0]);
}

/* ---- layers with weights ---- */

/* n_filters filters of n_rows rows of n_columns weights, stored filter by filter; or column by
 * column when `interleaved`, with the filter as the last dimension. */
struct weights {
    int n_filters, n_rows, n_columns, interleaved;
    const char *shape;
    double scale;
};

/* Zero filters, rows and columns, chosen by `seed`, among random weights. */
static inline int weight_of(const struct maker *maker, uint64_t seed, int filter, int row,
                            int column)
{
    struct random of_filter = {seed + 1000 * (uint64_t)(filter + 1)};
    struct random of_row = {seed + 1000 * (uint64_t)(filter + 1) + 7 * (uint64_t)(row + 1)};
    struct random of_column = {seed + 1000003 * (uint64_t)(column + 1)};
    struct random of_weight = {maker->random.state + 1000 * (uint64_t)(filter + 1) +
                               37 * (uint64_t)row + (uint64_t)column};
    if (random_range(&of_filter, 0, 9) < 4 || random_range(&of_row, 0, 9) < 3 ||
        random_range(&of_column, 0, 9) < 1)
        return 0;
    return random_range(&of_weight, -127, 127);
}

static inline void write_scales(struct maker *maker, const struct weights *weights, double scale,
                                int axis, uint64_t seed)
{
    struct random random = {seed};
    if (axis < 0) {
        text_printf(&maker->text, " scale %.9g zero_point 0 =", scale);
        return;
    }
    text_printf(&maker->text, " axis %d scale", axis);
    for (int o = 0; o < weights->n_filters; o++)
        text_printf(&maker->text, " %.9g", scale * (1 + 0.1 * random_range(&random, 0, 9)));
    text_printf(&maker->text, " zero_point 0 =");
}

/* The constants "w<node>" and "b<node>". */
static inline void write_weights(struct maker *maker, const struct weights *weights,
                                 double input_scale)
{
    uint64_t seed = random_bits(&maker->random), scales = random_bits(&maker->random);
    int per_channel = weights->n_filters > 1 && one_in(maker, 2), k = maker->n_nodes;
    text_printf(&maker->text, "tensor \"w%d\" s8 %s", k, weights->shape);
    write_scales(maker, weights, weights->scale, per_channel ? 3 * weights->interleaved : -1,
                 scales);
    int n_inner = weights->n_rows * weights->n_columns, n = n_inner * weights->n_filters;
    for (int i = 0; i < n; i++) {
        int o = weights->interleaved ? i % weights->n_filters : i / n_inner;
        int inner = weights->interleaved ? i / weights->n_filters : i % n_inner;
        text_printf(
            &maker->text, " %d",
            weight_of(maker, seed, o, inner / weights->n_columns, inner % weights->n_columns));
    }
    text_printf(&maker->text, "\ntensor \"b%d\" s32 %d", k, weights->n_filters);
    write_scales(maker, weights, input_scale * weights->scale, per_channel ? 0 : -1, scales);
    for (int o = 0; o < weights->n_filters; o++)
        text_printf(&maker->text, " %d", one_in(maker, 2) ? 0 : pick(maker, -20000, 20000));
    text_printf(&maker->text, "\n");
}

/* A scale of the weights that spreads sums of `terms` products over the output's range. */
static inline double weight_scale(const struct value *input, const struct value *output, int terms)
{
    return output->scale / input->scale / (60 * sqrt(terms));
}

static inline const char *layer_inputs(struct maker *maker, int input, int with_bias)
{
    int k = maker->n_nodes;
    return with_bias ? arena_printf(maker->text.arena, "\"%d\" \"w%d\" \"b%d\"", input, k, k)
                     : arena_printf(maker->text.arena, "\"%d\" \"w%d\"", input, k);
}

/* A window along one dimension. */
struct window {
    int kernel, stride, dilation, before, after, output;
};

static inline struct window some_window(struct maker *maker, int size, int largest, int dilated)
{
    struct window w = {pick(maker, 1, largest), pick(maker, 1, 2), 1, 0, 0, 0};
    if (dilated && w.stride == 1)
        w.dilation = pick(maker, 1, 2);
    int reach = (w.kernel - 1) * w.dilation + 1;
    if (one_in(maker, 2) || size < reach) {
        w.before = (reach - 1) / 2;
        w.after = reach - 1 - w.before;
    }
    w.output = (size + w.before + w.after - reach) / w.stride + 1;
    return w;
}

static inline struct value new_value(struct maker *maker, int h, int w, int c)
{
    return (struct value){-1, h, w, c, 0.01 * pick(maker, 1, 20), some_zero_point(maker)};
}

static inline void add_window(struct maker *maker, const struct window *y, const struct window *x)
{
    text_printf(&maker->text, " stride %d %d pads %d %d %d %d", y->stride, x->stride, y->before,
                y->after, x->before, x->after);
}

static inline void add_conv_2d(struct maker *maker, struct value in, int depthwise)
{
    struct window y = some_window(maker, in.h, 3, 1), x = some_window(maker, in.w, 3, 1);
    int c = depthwise ? in.c * pick(maker, 1, in.c < 5 ? 2 : 1) : pick(maker, 1, 9);
    struct value out = new_value(maker, y.output, x.output, c);
    struct weights weights = {.n_filters = c, .n_rows = y.kernel * x.kernel};
    weights.n_columns = depthwise ? 1 : in.c;
    weights.interleaved = depthwise;
    weights.scale = weight_scale(&in, &out, weights.n_rows * weights.n_columns);
    weights.shape = arena_printf(maker->text.arena, "%dx%dx%dx%d", depthwise ? 1 : c, y.kernel,
                                 x.kernel, depthwise ? c : in.c);
    write_weights(maker, &weights, in.scale);
    declare(maker, &out);
    start_node(maker, depthwise ? "depthwise_conv_2d" : "conv_2d",
               layer_inputs(maker, in.id, !one_in(maker, 4)), out.id);
    add_window(maker, &y, &x);
    text_printf(&maker->text, " dilation %d %d", y.dilation, x.dilation);
    add_activation(maker);
}

static inline void add_transpose_conv(struct maker *maker, struct value in)
{
    int kernel = pick(maker, 1, 3), stride = pick(maker, 1, 2), c = pick(maker, 1, 6);
    struct value out =
        new_value(maker, (in.h - 1) * stride + kernel, (in.w - 1) * stride + kernel, c);
    struct weights weights = {.n_filters = c, .n_rows = kernel * kernel, .n_columns = in.c};
    weights.scale = weight_scale(&in, &out, kernel * kernel * in.c);
    weights.shape = arena_printf(maker->text.arena, "%dx%dx%dx%d", c, kernel, kernel, in.c);
    write_weights(maker, &weights, in.scale);
    declare(maker, &out);
    start_node(maker, "transpose_conv", layer_inputs(maker, in.id, 1), out.id);
    text_printf(&maker->text, " stride %d %d\n", stride, stride);
}

/* Over the last dimension, or over the whole image as one row. */
static inline void add_fully_connected(struct maker *maker, struct value in)
{
    if (one_in(maker, 2)) {
        struct value flat = in;
        flat.c = in.h * in.w * in.c;
        flat.h = flat.w = 1;
        declare(maker, &flat);
        start_node(maker, "reshape", arena_printf(maker->text.arena, "\"%d\"", in.id), flat.id);
        text_printf(&maker->text, "\n");
        in = flat;
    }
    int c = pick(maker, 1, 9);
    struct value out = new_value(maker, in.h, in.w, c);
    struct weights weights = {.n_filters = c, .n_rows = 1, .n_columns = in.c};
    weights.scale = weight_scale(&in, &out, in.c);
    weights.shape = arena_printf(maker->text.arena, "%dx%d", c, in.c);
    write_weights(maker, &weights, in.scale);
    declare(maker, &out);
    start_node(maker, "fully_connected", layer_inputs(maker, in.id, 1), out.id);
    add_activation(maker);
}

/* ---- layers without ---- */

/* A constant that broadcasts to `in`: a value a channel, or one. */
static inline int add_operand(struct maker *maker, struct value in)
{
    int n = one_in(maker, 2) ? in.c : 1, id = maker->n;
    maker->values[maker->n] = maker->values[maker->n - 1]; /* never picked for what it is */
    maker->values[maker->n++].id = maker->values[id - 1].id;
    text_printf(&maker->text, "tensor \"%d\" s8 1x1x1x%d scale 0.05 zero_point 3 =", id, n);
    for (int i = 0; i < n; i++)
        text_printf(&maker->text, " %d", one_in(maker, 3) ? 3 : pick(maker, -128, 127));
    text_printf(&maker->text, "\n");
    return id;
}

static inline void add_binary(struct maker *maker, struct value in)
{
    static const char *const ops[] = {"add", "sub", "mul"};
    const char *op = ops[pick(maker, 0, 2)];
    double scale = 0.05;
    int other = -1;
    for (int i = maker->n - 1; i >= 0 && other < 0; i--) {
        const struct value *v = &maker->values[i];
        if (v->id == in.id || v->h != in.h || v->w != in.w || v->c != in.c)
            continue;
        other = v->id;
        scale = v->scale;
    }
    if (other < 0 || one_in(maker, 4)) {
        other = add_operand(maker, in);
        scale = 0.05;
    }
    struct value out = in;
    out.zero_point = some_zero_point(maker);
    out.scale = op[0] == 'm' ? in.scale * scale * 90 : in.scale + scale;
    declare(maker, &out);
    start_node(maker, op, arena_printf(maker->text.arena, "\"%d\" \"%d\"", in.id, other), out.id);
    add_activation(maker);
}

static inline void add_pool(struct maker *maker, struct value in)
{
    struct window y = some_window(maker, in.h, 3, 0), x = some_window(maker, in.w, 3, 0);
    struct value out = in;
    out.h = y.output;
    out.w = x.output;
    declare(maker, &out);
    start_node(maker, one_in(maker, 2) ? "average_pool_2d" : "max_pool_2d",
               arena_printf(maker->text.arena, "\"%d\"", in.id), out.id);
    add_window(maker, &y, &x);
    text_printf(&maker->text, " window %d %d", y.kernel, x.kernel);
    add_activation(maker);
}

static inline void add_elementwise(struct maker *maker, struct value in)
{
    static const char *const ops[] = {"relu",     "relu6",   "leaky_relu", "hard_swish",
                                      "logistic", "softmax", "tanh",       "quantize"};
    int op = pick(maker, 0, 7);
    struct value out = new_value(maker, in.h, in.w, in.c);
    out.scale = in.scale * 0.1 * pick(maker, 1, 20);
    if (op >= 4 && op <= 6) {
        out.scale = op == 6 ? 1.0 / 128 : 1.0 / 256;
        out.zero_point = op == 6 ? 0 : -128;
    }
    declare(maker, &out);
    start_node(maker, ops[op], arena_printf(maker->text.arena, "\"%d\"", in.id), out.id);
    text_printf(&maker->text, "%s\n", op == 2 ? " alpha 0.125" : "");
}

static inline void add_mean(struct maker *maker, struct value in)
{
    int axes = pick(maker, 1, 7) << 1;
    struct value out = new_value(maker, axes & 2 ? 1 : in.h, axes & 4 ? 1 : in.w, in.c);
    if (axes & 8)
        out.c = 1;
    out.scale = in.scale;
    declare(maker, &out);
    start_node(maker, "mean", arena_printf(maker->text.arena, "\"%d\"", in.id), out.id);
    text_printf(&maker->text, " axes %d\n", axes);
}

/* pad, strided_slice, resize_nearest_neighbor, concatenation */
static inline void add_move(struct maker *maker, struct value in)
{
    int kind = pick(maker, 0, 3), a = pick(maker, 0, 2), b = pick(maker, 0, 1);
    int c = pick(maker, 0, 2), axis = pick(maker, 1, 3), other = in.id;
    struct value out = in;
    if (kind == 0) {
        out.h += a, out.w += b, out.c += 2 * c;
    } else if (kind == 1) {
        out.h = (in.h + 1) / 2;
        out.c = in.c - (in.c > c ? c : 0);
    } else if (kind == 2) {
        out.h = pick(maker, 1, 7), out.w = pick(maker, 1, 7);
    } else {
        for (int i = 0; i < maker->n; i++) {
            const struct value *v = &maker->values[i];
            if (v->h == in.h && v->w == in.w && v->c == in.c && v->scale == in.scale &&
                v->zero_point == in.zero_point)
                other = v->id;
        }
        *(axis == 1 ? &out.h : axis == 2 ? &out.w : &out.c) *= 2;
    }
    static const char *const ops[] = {"pad", "strided_slice", "resize_nearest_neighbor",
                                      "concatenation"};
    declare(maker, &out);
    start_node(maker, ops[kind],
               kind == 3 ? arena_printf(maker->text.arena, "\"%d\" \"%d\"", in.id, other)
                         : arena_printf(maker->text.arena, "\"%d\"", in.id),
               out.id);
    if (kind == 0)
        text_printf(&maker->text, " before 0 %d 0 %d after 0 0 %d %d", a, c, b, c);
    if (kind == 1)
        text_printf(&maker->text, " begin 0 0 0 %d step 1 2 1 1", in.c - out.c);
    if (kind == 3)
        text_printf(&maker->text, " axis %d", axis);
    text_printf(&maker->text, "\n");
}

static inline void add_some_node(struct maker *maker)
{
    struct value in = some_value(maker);
    int large = in.h * in.w * in.c > 600;
    switch (large ? 8 : pick(maker, 0, 11)) {
    case 0:
    case 1:
    case 2:
        add_conv_2d(maker, in, 0);
        break;
    case 3:
    case 4:
        add_conv_2d(maker, in, 1);
        break;
    case 5:
        add_fully_connected(maker, in);
        break;
    case 6:
    case 7:
        add_binary(maker, in);
        break;
    case 8:
        add_pool(maker, in);
        break;
    case 9:
        add_elementwise(maker, in);
        break;
    case 10:
        add_move(maker, in);
        break;
    default:
        if (one_in(maker, 2))
            add_mean(maker, in);
        else
            add_transpose_conv(maker, in);
    }
}

/* One or two inputs of a random size; a single one may be float. Returns how many. */
static inline int add_inputs(struct maker *maker)
{
    int n = pick(maker, 1, 2);
    struct value first = new_value(maker, pick(maker, 1, 7), pick(maker, 1, 7), 1);
    first.c = pick(maker, 1, 6);
    for (int i = 0; i < n; i++)
        declare(maker, &first);
    if (n == 2 || !one_in(maker, 4)) {
        text_printf(&maker->text, "input \"0\"%s\n", n == 2 ? " \"1\"" : "");
        return n;
    }
    text_printf(&maker->text, "tensor \"in\" f32 1x%dx%dx%d\ninput \"in\"\n", first.h, first.w,
                first.c);
    start_node(maker, "quantize", "\"in\"", 0);
    text_printf(&maker->text, "\n");
    return n;
}

/* The last activation, and at times the one before it; a single one may become float. */
static inline void add_outputs(struct maker *maker, int before)
{
    const struct value *last = &maker->values[maker->n - 1];
    if (before >= 0 && one_in(maker, 3)) {
        text_printf(&maker->text, "output \"%d\" \"%d\"\n", last->id, before);
    } else if (one_in(maker, 4)) {
        text_printf(&maker->text,
                    "tensor \"out\" f32 1x%dx%dx%d\n"
                    "node dequantize real \"%d\" -> \"out\"\noutput \"out\"\n",
                    last->h, last->w, last->c, last->id);
    } else {
        text_printf(&maker->text, "output \"%d\"\n", last->id);
    }
}

/* The text of the graph of `seed`: 4 to 16 nodes. */
static inline const char *random_graph(uint64_t seed, struct arena *arena)
{
    struct maker maker = {.text = text_start(arena), .random = {seed}};
    text_printf(&maker.text, "graph random\n");
    int n_inputs = add_inputs(&maker), n = pick(&maker, 3, 12);
    while (maker.n_nodes < n)
        add_some_node(&maker);
    struct value last = maker.values[maker.n - 1];
    add_conv_2d(&maker, last, 0);
    add_outputs(&maker, last.id >= n_inputs ? last.id : -1);
    return maker.text.data;
}

#endif
