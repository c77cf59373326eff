/* SPDX-License-Identifier: Apache-2.0 */
#include "train/dnnl.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>

enum { MAX_ARGS = 12, MAX_CALLS = 4 };

/* A primitive with the memory it works on. */
struct call {
    dnnl_primitive_t primitive;
    int n_args;
    dnnl_exec_arg_t args[MAX_ARGS];
};

struct call_list {
    int n;
    struct call calls[MAX_CALLS];
};

struct dnnl_step {
    struct call_list refresh, forward, inference, backward, activate, activate_backward;
    /* batch_normalization: the batch's statistics, and where they go */
    int32_t n_channels;
    const float *mean, *variance;
    float *mean_out, *square_out;
};

/* Something to be released. */
struct handle {
    struct handle *next;
    void *item;
};

struct dnnl_thread {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    struct arena arena;
    struct handle *memories, *primitives, *scratchpads; /* scratchpads are memories too */
    size_t scratchpad_bytes;
    void *scratchpad;
};

/* The node being prepared. After an error everything does nothing, so that it is checked once. */
struct maker {
    struct dnnl_thread *thread;
    const struct step *step;
    struct dnnl_step *prepared;
    dnnl_primitive_attr_t attr;      /* scratch memory is the caller's */
    dnnl_primitive_attr_t activated; /* the same, with the node's activation behind */
    dnnl_status_t error;
};

void dnnl_thread_enter(void)
{
    omp_set_num_threads(1);
}

/* ---- handles ---- */

static void handle_keep(struct dnnl_thread *thread, struct handle **list, void *item)
{
    struct handle *handle = ARENA_NEW(&thread->arena, struct handle);
    *handle = (struct handle){*list, item};
    *list = handle;
}

enum status dnnl_thread_make(struct dnnl_thread **thread, struct diag *diag)
{
    struct dnnl_thread *made = calloc(1, sizeof *made);
    dnnl_thread_enter();
    if (made == NULL || dnnl_engine_create(&made->engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&made->stream, made->engine, dnnl_stream_default_flags) !=
            dnnl_success) {
        dnnl_thread_free(made);
        return fail(diag, ERR_TOOL, "oneDNN does not start on this machine");
    }
    *thread = made;
    return OK;
}

void dnnl_thread_free(struct dnnl_thread *thread)
{
    if (thread == NULL)
        return;
    for (struct handle *h = thread->primitives; h != NULL; h = h->next)
        dnnl_primitive_destroy(h->item);
    for (struct handle *h = thread->memories; h != NULL; h = h->next)
        dnnl_memory_destroy(h->item);
    if (thread->stream != NULL)
        dnnl_stream_destroy(thread->stream);
    if (thread->engine != NULL)
        dnnl_engine_destroy(thread->engine);
    free(thread->scratchpad);
    arena_free(&thread->arena);
    free(thread);
}

void dnnl_thread_finish(struct dnnl_thread *thread)
{
    size_t bytes = (thread->scratchpad_bytes + 63) / 64 * 64;
    free(thread->scratchpad);
    thread->scratchpad = bytes > 0 ? aligned_alloc(64, bytes) : NULL;
    if (bytes > 0 && thread->scratchpad == NULL)
        abort();
    for (struct handle *h = thread->scratchpads; h != NULL; h = h->next)
        dnnl_memory_set_data_handle(h->item, thread->scratchpad);
}

/* ---- descriptions of memory ---- */

static dnnl_memory_desc_t described(int rank, const dnnl_dims_t dims, const dnnl_dims_t strides)
{
    dnnl_memory_desc_t description;
    dnnl_memory_desc_init_by_strides(&description, rank, dims, dnnl_f32, strides);
    return description;
}

/* Elements one behind the other. */
static dnnl_memory_desc_t flat(int64_t n)
{
    return described(1, (dnnl_dims_t){n}, (dnnl_dims_t){1});
}

static dnnl_memory_desc_t image(int64_t n, int64_t h, int64_t w, int64_t c)
{
    return described(4, (dnnl_dims_t){n, c, h, w}, (dnnl_dims_t){h * w * c, 1, w * c, c});
}

static dnnl_memory_desc_t image_of(const struct step *step, const struct tensor *tensor)
{
    const int32_t *dims = tensor->shape.dims;
    return image((int64_t)step->n * dims[0], dims[1], dims[2], dims[3]);
}

static dnnl_memory_desc_t any_layout(dnnl_memory_desc_t description)
{
    dnnl_memory_desc_t any;
    dnnl_memory_desc_init_by_tag(&any, description.ndims, description.dims, dnnl_f32,
                                 dnnl_format_tag_any);
    return any;
}

static const dnnl_memory_desc_t no_memory; /* all zero, by definition of the library */

/* ---- making calls ---- */

static void check(struct maker *m, dnnl_status_t status)
{
    if (m->error == dnnl_success)
        m->error = status;
}

/* Memory at `data`; the library's own where that is DNNL_MEMORY_ALLOCATE. */
static dnnl_memory_t memory(struct maker *m, const dnnl_memory_desc_t *description,
                            const void *data)
{
    dnnl_memory_t made = NULL;
    if (m->error == dnnl_success)
        check(m, dnnl_memory_create(&made, description, m->thread->engine, (void *)data));
    if (made != NULL)
        handle_keep(m->thread, &m->thread->memories, made);
    return made;
}

static dnnl_memory_t memory_flat(struct maker *m, int64_t n, const void *data)
{
    dnnl_memory_desc_t description = flat(n);
    return memory(m, &description, data);
}

static const dnnl_memory_desc_t *query(const_dnnl_primitive_desc_t pd, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(pd, what, 0);
}

/* The implementation of an operation; release with pd_end(). `forward` is the hint that backward
 * ones take. */
static dnnl_primitive_desc_t pd_make(struct maker *m, const void *operation, int activated,
                                     const_dnnl_primitive_desc_t forward)
{
    dnnl_primitive_desc_t pd = NULL;
    if (m->error == dnnl_success)
        check(m, dnnl_primitive_desc_create(&pd, operation, activated ? m->activated : m->attr,
                                            m->thread->engine, forward));
    return pd;
}

static void pd_end(dnnl_primitive_desc_t pd)
{
    if (pd != NULL)
        dnnl_primitive_desc_destroy(pd);
}

static void call_add(struct maker *m, struct call_list *list, const_dnnl_primitive_desc_t pd,
                     int n_args, const dnnl_exec_arg_t *args)
{
    if (m->error != dnnl_success || list == NULL)
        return;
    struct call *call = &list->calls[list->n++];
    check(m, dnnl_primitive_create(&call->primitive, pd));
    if (m->error != dnnl_success)
        return;
    handle_keep(m->thread, &m->thread->primitives, call->primitive);
    for (int i = 0; i < n_args; i++)
        if (args[i].memory != NULL)
            call->args[call->n_args++] = args[i];
    const dnnl_memory_desc_t *scratchpad = query(pd, dnnl_query_scratchpad_md);
    size_t bytes = dnnl_memory_desc_get_size(scratchpad);
    if (bytes == 0)
        return;
    dnnl_memory_t scratch = memory(m, scratchpad, DNNL_MEMORY_NONE);
    if (scratch != NULL)
        handle_keep(m->thread, &m->thread->scratchpads, scratch);
    if (bytes > m->thread->scratchpad_bytes)
        m->thread->scratchpad_bytes = bytes;
    call->args[call->n_args++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, scratch};
}

#define CALL_ADD(m, list, pd, ...)                                                                 \
    call_add(m, list, pd,                                                                          \
             (int)(sizeof((dnnl_exec_arg_t[]){__VA_ARGS__}) / sizeof(dnnl_exec_arg_t)),            \
             (dnnl_exec_arg_t[]){__VA_ARGS__})

static void reorder_add(struct maker *m, struct call_list *list, dnnl_memory_t from,
                        const dnnl_memory_desc_t *from_md, dnnl_memory_t to,
                        const dnnl_memory_desc_t *to_md)
{
    dnnl_primitive_desc_t pd = NULL;
    if (m->error == dnnl_success)
        check(m, dnnl_reorder_primitive_desc_create(&pd, from_md, m->thread->engine, to_md,
                                                    m->thread->engine, m->attr));
    CALL_ADD(m, list, pd, {DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to});
    pd_end(pd);
}

/* The memory that a primitive wants for what is at `plain`: that itself, or another, filled by
 * `list`. */
static dnnl_memory_t reordered(struct maker *m, struct call_list *list, dnnl_memory_t plain,
                               const dnnl_memory_desc_t *plain_md, const dnnl_memory_desc_t *wanted)
{
    if (m->error != dnnl_success || dnnl_memory_desc_equal(plain_md, wanted))
        return plain;
    dnnl_memory_t other = memory(m, wanted, DNNL_MEMORY_ALLOCATE);
    reorder_add(m, list, plain, plain_md, other, wanted);
    return other;
}

/* What a forward primitive remembers for the backward one. */
static dnnl_memory_t workspace_of(struct maker *m, const_dnnl_primitive_desc_t forward)
{
    if (m->error != dnnl_success)
        return NULL;
    return memory(m, query(forward, dnnl_query_workspace_md), DNNL_MEMORY_ALLOCATE);
}

/* ---- activations ---- */

struct eltwise {
    dnnl_alg_kind_t forward, backward;
    float alpha, beta;
    int from_output; /* the gradient is computed from the output, not from the input */
};

static const struct eltwise of_activation[] = {
    [ACTIVATION_NONE] = {0},
    [ACTIVATION_RELU] = {dnnl_eltwise_relu, dnnl_eltwise_relu_use_dst_for_bwd, 0, 0, 1},
    [ACTIVATION_RELU6] = {dnnl_eltwise_clip_v2, dnnl_eltwise_clip_v2_use_dst_for_bwd, 0, 6, 1},
    [ACTIVATION_RELU_N1_TO_1] = {dnnl_eltwise_clip_v2, dnnl_eltwise_clip_v2_use_dst_for_bwd, -1, 1,
                                 1},
};

static int eltwise_of_activation(enum activation activation, struct eltwise *eltwise)
{
    *eltwise = of_activation[activation];
    return activation != ACTIVATION_NONE;
}

static int eltwise_of_op(const struct node *node, struct eltwise *eltwise)
{
    static const struct eltwise of_op[N_OPS] = {
        [OP_relu] = {dnnl_eltwise_relu, dnnl_eltwise_relu_use_dst_for_bwd, 0, 0, 1},
        [OP_relu6] = {dnnl_eltwise_clip_v2, dnnl_eltwise_clip_v2_use_dst_for_bwd, 0, 6, 1},
        [OP_leaky_relu] = {dnnl_eltwise_relu, dnnl_eltwise_relu, 0, 0, 0},
        [OP_logistic] = {dnnl_eltwise_logistic, dnnl_eltwise_logistic_use_dst_for_bwd, 0, 0, 1},
        [OP_tanh] = {dnnl_eltwise_tanh, dnnl_eltwise_tanh_use_dst_for_bwd, 0, 0, 1},
        [OP_hard_swish] = {dnnl_eltwise_hardswish, dnnl_eltwise_hardswish, 0, 0, 0},
    };
    *eltwise = of_op[node->op];
    if (node->op == OP_leaky_relu)
        eltwise->alpha = node->attrs.alpha;
    return eltwise->forward != 0;
}

/* Adds y = f(x) on `n` elements and, with gradients, dx from dy; x and y, dx and dy may coincide.
 */
static void eltwise_add(struct maker *m, const struct eltwise *eltwise, int64_t n, const float *x,
                        const float *y, const float *dx, const float *dy, struct call_list *forward,
                        struct call_list *backward)
{
    dnnl_memory_desc_t data = flat(n);
    dnnl_eltwise_desc_t operation;
    check(m, dnnl_eltwise_forward_desc_init(&operation, dnnl_forward_training, eltwise->forward,
                                            &data, eltwise->alpha, eltwise->beta));
    dnnl_primitive_desc_t pd = pd_make(m, &operation, 0, NULL);
    CALL_ADD(m, forward, pd, {DNNL_ARG_SRC, memory_flat(m, n, x)},
             {DNNL_ARG_DST, memory_flat(m, n, y)});
    if (dx != NULL) {
        check(m, dnnl_eltwise_backward_desc_init(&operation, eltwise->backward, &data, &data,
                                                 eltwise->alpha, eltwise->beta));
        dnnl_primitive_desc_t back = pd_make(m, &operation, 0, pd);
        CALL_ADD(m, backward, back,
                 {eltwise->from_output ? DNNL_ARG_DST : DNNL_ARG_SRC,
                  memory_flat(m, n, eltwise->from_output ? y : x)},
                 {DNNL_ARG_DIFF_DST, memory_flat(m, n, dy)},
                 {DNNL_ARG_DIFF_SRC, memory_flat(m, n, dx)});
        pd_end(back);
    }
    pd_end(pd);
}

/* The fused activation as calls of its own, in place; `forward` is NULL where a primitive does it.
 */
static void make_activation(struct maker *m, struct call_list *forward)
{
    const struct step *step = m->step;
    struct eltwise eltwise;
    if (eltwise_of_activation(step->node->attrs.activation, &eltwise))
        eltwise_add(m, &eltwise, step_output_elements(step), step->output, step->output,
                    step->output_gradient, step->output_gradient, forward,
                    &m->prepared->activate_backward);
}

static void make_eltwise(struct maker *m, const struct eltwise *eltwise)
{
    const struct step *step = m->step;
    eltwise_add(m, eltwise, step_output_elements(step), step->input[0], step->output,
                step->input_gradient[0], step->output_gradient, &m->prepared->forward,
                &m->prepared->backward);
}

/* ---- layers with weights ---- */

/* A convolution and its transpose, by the same interface. */
static const struct {
    dnnl_alg_kind_t algorithm;
    __typeof__(dnnl_dilated_convolution_forward_desc_init) *forward;
    __typeof__(dnnl_dilated_convolution_backward_data_desc_init) *backward_data;
    __typeof__(dnnl_dilated_convolution_backward_weights_desc_init) *backward_weights;
} convolutions[] = {{dnnl_convolution_direct, dnnl_dilated_convolution_forward_desc_init,
                     dnnl_dilated_convolution_backward_data_desc_init,
                     dnnl_dilated_convolution_backward_weights_desc_init},
                    {dnnl_deconvolution_direct, dnnl_dilated_deconvolution_forward_desc_init,
                     dnnl_dilated_deconvolution_backward_data_desc_init,
                     dnnl_dilated_deconvolution_backward_weights_desc_init}};

/* Descriptions of a layer with weights, and its operations. */
struct weighted {
    dnnl_memory_desc_t input, output, weights, bias;
    union {
        dnnl_convolution_desc_t convolution;
        dnnl_inner_product_desc_t inner_product;
    } forward, backward_data, backward_weights;
};

/* The weights as a primitive wants them. */
static dnnl_memory_t weights_of(struct maker *m, const struct weighted *layer,
                                const_dnnl_primitive_desc_t pd)
{
    if (m->error != dnnl_success)
        return NULL;
    return reordered(m, &m->prepared->refresh, memory(m, &layer->weights, m->step->input[1]),
                     &layer->weights, query(pd, dnnl_query_weights_md));
}

static void weighted_forward(struct maker *m, const struct weighted *layer,
                             const_dnnl_primitive_desc_t pd)
{
    const struct step *step = m->step;
    CALL_ADD(
        m, &m->prepared->forward, pd, {DNNL_ARG_SRC, memory(m, &layer->input, step->input[0])},
        {DNNL_ARG_WEIGHTS, weights_of(m, layer, pd)},
        {DNNL_ARG_BIAS, step->node->n_inputs > 2 ? memory(m, &layer->bias, step->input[2]) : NULL},
        {DNNL_ARG_DST, memory(m, &layer->output, step->output)});
}

static void weighted_backward_data(struct maker *m, const struct weighted *layer,
                                   const_dnnl_primitive_desc_t forward)
{
    const struct step *step = m->step;
    dnnl_primitive_desc_t pd = pd_make(m, &layer->backward_data, 0, forward);
    CALL_ADD(m, &m->prepared->backward, pd,
             {DNNL_ARG_DIFF_DST, memory(m, &layer->output, step->output_gradient)},
             {DNNL_ARG_WEIGHTS, weights_of(m, layer, pd)},
             {DNNL_ARG_DIFF_SRC, memory(m, &layer->input, step->input_gradient[0])});
    pd_end(pd);
}

static void weighted_backward_weights(struct maker *m, const struct weighted *layer,
                                      const_dnnl_primitive_desc_t forward)
{
    const struct step *step = m->step;
    struct call_list *backward = &m->prepared->backward;
    dnnl_primitive_desc_t pd = pd_make(m, &layer->backward_weights, 0, forward);
    if (m->error != dnnl_success)
        return;
    const dnnl_memory_desc_t *wanted = query(pd, dnnl_query_diff_weights_md);
    dnnl_memory_t plain = memory(m, &layer->weights, step->input_gradient[1]);
    dnnl_memory_t gradient = dnnl_memory_desc_equal(wanted, &layer->weights)
                                 ? plain
                                 : memory(m, wanted, DNNL_MEMORY_ALLOCATE);
    CALL_ADD(m, backward, pd, {DNNL_ARG_SRC, memory(m, &layer->input, step->input[0])},
             {DNNL_ARG_DIFF_DST, memory(m, &layer->output, step->output_gradient)},
             {DNNL_ARG_DIFF_WEIGHTS, gradient},
             {DNNL_ARG_DIFF_BIAS,
              step->node->n_inputs > 2 ? memory(m, &layer->bias, step->input_gradient[2]) : NULL});
    if (gradient != plain)
        reorder_add(m, backward, gradient, wanted, plain, &layer->weights);
    pd_end(pd);
}

static void make_weighted(struct maker *m, const struct weighted *layer)
{
    const struct step *step = m->step;
    dnnl_primitive_desc_t forward = pd_make(m, &layer->forward, 1, NULL);
    weighted_forward(m, layer, forward);
    if (step->input_gradient[1] != NULL)
        weighted_backward_weights(m, layer, forward);
    if (step->input_gradient[0] != NULL)
        weighted_backward_data(m, layer, forward);
    pd_end(forward);
    make_activation(m, NULL);
}

/* OHWI, O being the output's channels of a transposed convolution too; 1HWO of a depthwise one,
 * with as many groups as the input has channels. */
static dnnl_memory_desc_t kernel_weights(const struct tensor *weights, int depthwise,
                                         int64_t groups)
{
    const int32_t *d = weights->shape.dims;
    int64_t o = d[0], h = d[1], w = d[2], i = d[3];
    if (depthwise)
        return described(5, (dnnl_dims_t){groups, i / groups, 1, h, w},
                         (dnnl_dims_t){i / groups, 1, 1, w * i, i});
    return described(4, (dnnl_dims_t){o, i, h, w}, (dnnl_dims_t){h * w * i, 1, w * i, i});
}

static void make_convolution(struct maker *m)
{
    const struct step *step = m->step;
    const struct node *node = step->node;
    const struct attrs *attrs = &node->attrs;
    int transposed = node->op == OP_transpose_conv, depthwise = node->op == OP_depthwise_conv_2d;
    dnnl_alg_kind_t algorithm = convolutions[transposed].algorithm;
    struct weighted layer = {
        .input = image_of(step, node_input(step->graph, node, 0)),
        .output = image_of(step, node_output(step->graph, node)),
        .weights = kernel_weights(node_input(step->graph, node, 1), depthwise,
                                  node_input(step->graph, node, 0)->shape.dims[3]),
        .bias = no_memory,
    };
    if (node->n_inputs > 2)
        layer.bias = flat(node_input(step->graph, node, 2)->shape.dims[0]);
    dnnl_memory_desc_t any = any_layout(layer.weights);
    dnnl_dims_t stride = {attrs->stride[0], attrs->stride[1]};
    dnnl_dims_t before = {attrs->pads[0], attrs->pads[2]};
    dnnl_dims_t after = {attrs->pads[1], attrs->pads[3]};
    dnnl_dims_t dilation = {0, 0};
    if (!transposed) {
        dilation[0] = attrs->dilation[0] - 1;
        dilation[1] = attrs->dilation[1] - 1;
    }
    check(m, convolutions[transposed].forward(&layer.forward.convolution, dnnl_forward_training,
                                              algorithm, &layer.input, &any, &layer.bias,
                                              &layer.output, stride, dilation, before, after));
    check(m, convolutions[transposed].backward_data(&layer.backward_data.convolution, algorithm,
                                                    &layer.input, &any, &layer.output, stride,
                                                    dilation, before, after));
    check(m, convolutions[transposed].backward_weights(
                 &layer.backward_weights.convolution, algorithm, &layer.input, &any, &layer.bias,
                 &layer.output, stride, dilation, before, after));
    make_weighted(m, &layer);
}

static void make_fully_connected(struct maker *m)
{
    const struct step *step = m->step;
    const struct node *node = step->node;
    const int32_t *d = node_input(step->graph, node, 1)->shape.dims;
    int64_t o = d[0], i = d[1], rows = step_input_elements(step, 0) / i;
    struct weighted layer = {
        .input = described(2, (dnnl_dims_t){rows, i}, (dnnl_dims_t){i, 1}),
        .output = described(2, (dnnl_dims_t){rows, o}, (dnnl_dims_t){o, 1}),
        .weights = described(2, (dnnl_dims_t){o, i}, (dnnl_dims_t){i, 1}),
        .bias = node->n_inputs > 2 ? flat(o) : no_memory,
    };
    dnnl_memory_desc_t any = any_layout(layer.weights);
    check(m,
          dnnl_inner_product_forward_desc_init(&layer.forward.inner_product, dnnl_forward_training,
                                               &layer.input, &any, &layer.bias, &layer.output));
    check(m, dnnl_inner_product_backward_data_desc_init(&layer.backward_data.inner_product,
                                                        &layer.input, &any, &layer.output));
    check(m, dnnl_inner_product_backward_weights_desc_init(&layer.backward_weights.inner_product,
                                                           &layer.input, &any, &layer.bias,
                                                           &layer.output));
    make_weighted(m, &layer);
}

/* ---- batch normalization ---- */

/* What the two directions of a batch normalization share. */
struct normalized {
    dnnl_memory_desc_t data, channels;
    dnnl_memory_t x, y, gamma, beta;
    unsigned flags;
};

static void normalized_inference(struct maker *m, const struct normalized *layer)
{
    const struct step *step = m->step;
    dnnl_batch_normalization_desc_t operation;
    check(m, dnnl_batch_normalization_forward_desc_init(&operation, dnnl_forward_inference,
                                                        &layer->data, step->node->attrs.epsilon,
                                                        layer->flags | dnnl_use_global_stats));
    dnnl_primitive_desc_t pd = pd_make(m, &operation, 0, NULL);
    CALL_ADD(m, &m->prepared->inference, pd, {DNNL_ARG_SRC, layer->x}, {DNNL_ARG_DST, layer->y},
             {DNNL_ARG_SCALE, layer->gamma}, {DNNL_ARG_SHIFT, layer->beta},
             {DNNL_ARG_MEAN, memory(m, &layer->channels, step->input[3])},
             {DNNL_ARG_VARIANCE, memory(m, &layer->channels, step->input[4])});
    pd_end(pd);
}

static void normalized_training(struct maker *m, const struct normalized *layer)
{
    const struct step *step = m->step;
    const dnnl_memory_desc_t *data = &layer->data, *channels = &layer->channels;
    float epsilon = step->node->attrs.epsilon;
    dnnl_batch_normalization_desc_t operation;
    check(m, dnnl_batch_normalization_forward_desc_init(&operation, dnnl_forward_training, data,
                                                        epsilon, layer->flags));
    dnnl_primitive_desc_t forward = pd_make(m, &operation, 0, NULL);
    struct dnnl_step *prepared = m->prepared;
    prepared->n_channels = (int32_t)channels->dims[0];
    prepared->mean = ARENA_ARRAY(&m->thread->arena, (size_t)channels->dims[0], float);
    prepared->variance = ARENA_ARRAY(&m->thread->arena, (size_t)channels->dims[0], float);
    prepared->mean_out = step->input_gradient[3];
    prepared->square_out = step->input_gradient[4];
    dnnl_memory_t mean = memory(m, channels, prepared->mean);
    dnnl_memory_t variance = memory(m, channels, prepared->variance);
    dnnl_memory_t workspace = layer->flags & dnnl_fuse_norm_relu ? workspace_of(m, forward) : NULL;
    CALL_ADD(m, &m->prepared->forward, forward, {DNNL_ARG_SRC, layer->x}, {DNNL_ARG_DST, layer->y},
             {DNNL_ARG_SCALE, layer->gamma}, {DNNL_ARG_SHIFT, layer->beta}, {DNNL_ARG_MEAN, mean},
             {DNNL_ARG_VARIANCE, variance}, {DNNL_ARG_WORKSPACE, workspace});
    const float *dx = step->input_gradient[0];
    check(m, dnnl_batch_normalization_backward_desc_init(&operation, dnnl_backward, data, data,
                                                         epsilon, layer->flags));
    dnnl_primitive_desc_t backward = pd_make(m, &operation, 0, forward);
    CALL_ADD(m, &m->prepared->backward, backward, {DNNL_ARG_SRC, layer->x}, {DNNL_ARG_MEAN, mean},
             {DNNL_ARG_VARIANCE, variance}, {DNNL_ARG_SCALE, layer->gamma},
             {DNNL_ARG_SHIFT, layer->beta}, {DNNL_ARG_WORKSPACE, workspace},
             {DNNL_ARG_DIFF_DST, memory(m, data, step->output_gradient)},
             {DNNL_ARG_DIFF_SRC, memory(m, data, dx != NULL ? dx : DNNL_MEMORY_ALLOCATE)},
             {DNNL_ARG_DIFF_SCALE, memory(m, channels, step->input_gradient[1])},
             {DNNL_ARG_DIFF_SHIFT, memory(m, channels, step->input_gradient[2])});
    pd_end(backward);
    pd_end(forward);
}

static void make_batch_normalization(struct maker *m)
{
    const struct step *step = m->step;
    int32_t c = node_input(step->graph, step->node, 1)->shape.dims[0];
    struct normalized layer = {.data =
                                   image(step->n, step_input_elements(step, 0) / step->n / c, 1, c),
                               .channels = flat(c),
                               .flags = dnnl_use_scale | dnnl_use_shift};
    layer.x = memory(m, &layer.data, step->input[0]);
    layer.y = memory(m, &layer.data, step->output);
    layer.gamma = memory(m, &layer.channels, step->input[1]);
    layer.beta = memory(m, &layer.channels, step->input[2]);
    if (step->node->attrs.activation == ACTIVATION_RELU)
        layer.flags |= dnnl_fuse_norm_relu;
    else
        make_activation(m, &m->prepared->activate);
    normalized_inference(m, &layer);
    if (step->output_gradient != NULL) /* batch statistics are of use to training only */
        normalized_training(m, &layer);
}

/* ---- pools, softmax, sums and products ---- */

static void make_pool(struct maker *m)
{
    const struct step *step = m->step;
    const struct attrs *attrs = &step->node->attrs;
    int largest = step->node->op == OP_max_pool_2d;
    dnnl_alg_kind_t algorithm = largest ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding;
    dnnl_memory_desc_t input = image_of(step, node_input(step->graph, step->node, 0));
    dnnl_memory_desc_t output = image_of(step, node_output(step->graph, step->node));
    dnnl_dims_t stride = {attrs->stride[0], attrs->stride[1]};
    dnnl_dims_t window = {attrs->window[0], attrs->window[1]};
    dnnl_dims_t before = {attrs->pads[0], attrs->pads[2]};
    dnnl_dims_t after = {attrs->pads[1], attrs->pads[3]};
    dnnl_pooling_desc_t operation;
    check(m, dnnl_pooling_forward_desc_init(&operation, dnnl_forward_training, algorithm, &input,
                                            &output, stride, window, before, after));
    dnnl_primitive_desc_t forward = pd_make(m, &operation, 0, NULL);
    dnnl_memory_t workspace = largest ? workspace_of(m, forward) : NULL;
    CALL_ADD(m, &m->prepared->forward, forward, {DNNL_ARG_SRC, memory(m, &input, step->input[0])},
             {DNNL_ARG_DST, memory(m, &output, step->output)}, {DNNL_ARG_WORKSPACE, workspace});
    if (step->input_gradient[0] != NULL) {
        check(m, dnnl_pooling_backward_desc_init(&operation, algorithm, &input, &output, stride,
                                                 window, before, after));
        dnnl_primitive_desc_t backward = pd_make(m, &operation, 0, forward);
        CALL_ADD(m, &m->prepared->backward, backward,
                 {DNNL_ARG_DIFF_DST, memory(m, &output, step->output_gradient)},
                 {DNNL_ARG_WORKSPACE, workspace},
                 {DNNL_ARG_DIFF_SRC, memory(m, &input, step->input_gradient[0])});
        pd_end(backward);
    }
    pd_end(forward);
    make_activation(m, &m->prepared->activate);
}

/* Over the last dimension; the factor `beta` is a step of its own before. */
static void make_softmax(struct maker *m)
{
    const struct step *step = m->step;
    const struct shape *shape = &node_input(step->graph, step->node, 0)->shape;
    int64_t n = step_input_elements(step, 0), c = shape->dims[shape->rank - 1];
    const float *logits = step->input[0];
    struct call_list after = {0};
    float beta = step->node->attrs.beta;
    if (beta != 1) {
        struct eltwise factor = {dnnl_eltwise_linear, dnnl_eltwise_linear, beta, 0, 0};
        eltwise_add(m, &factor, n, logits, step->output, step->input_gradient[0],
                    step->input_gradient[0], &m->prepared->forward, &after);
        logits = step->output;
    }
    dnnl_memory_desc_t data = described(2, (dnnl_dims_t){n / c, c}, (dnnl_dims_t){c, 1});
    dnnl_softmax_desc_t operation;
    check(m, dnnl_softmax_forward_desc_init(&operation, dnnl_forward_training, &data, 1));
    dnnl_primitive_desc_t forward = pd_make(m, &operation, 0, NULL);
    dnnl_memory_t y = memory(m, &data, step->output);
    CALL_ADD(m, &m->prepared->forward, forward, {DNNL_ARG_SRC, memory(m, &data, logits)},
             {DNNL_ARG_DST, y});
    if (step->input_gradient[0] != NULL) {
        check(m, dnnl_softmax_backward_desc_init(&operation, &data, &data, 1));
        dnnl_primitive_desc_t backward = pd_make(m, &operation, 0, forward);
        CALL_ADD(m, &m->prepared->backward, backward, {DNNL_ARG_DST, y},
                 {DNNL_ARG_DIFF_DST, memory(m, &data, step->output_gradient)},
                 {DNNL_ARG_DIFF_SRC, memory(m, &data, step->input_gradient[0])});
        for (int i = 0; i < after.n; i++)
            m->prepared->backward.calls[m->prepared->backward.n++] = after.calls[i];
        pd_end(backward);
    }
    pd_end(forward);
}

/* An operand as the output's dimensions (or 1), the batch in front. */
static dnnl_memory_desc_t operand(const struct step *step, const struct tensor *tensor, int rank)
{
    dnnl_dims_t dims, strides;
    dims[0] = tensor->data != NULL ? 1 : step->n;
    for (int i = 0; i < rank; i++) {
        int own = i - (rank - tensor->shape.rank);
        dims[i + 1] = own < 0 ? 1 : tensor->shape.dims[own];
    }
    int64_t stride = 1;
    for (int i = rank; i >= 0; stride *= dims[i], i--)
        strides[i] = stride;
    return described(rank + 1, dims, strides);
}

static void make_binary(struct maker *m)
{
    const struct step *step = m->step;
    const struct node *node = step->node;
    const struct tensor *output = node_output(step->graph, node);
    int whole = step_whole_input(step->graph, node), rank = output->shape.rank;
    dnnl_alg_kind_t algorithm = node->op == OP_mul   ? dnnl_binary_mul
                                : node->op == OP_sub ? dnnl_binary_sub
                                                     : dnnl_binary_add;
    dnnl_memory_desc_t result = operand(step, output, rank);
    dnnl_memory_desc_t other = operand(step, node_input(step->graph, node, 1 - whole), rank);
    if (step_input_elements(step, 1 - whole) == step_output_elements(step))
        result = other = flat(step_output_elements(step));
    dnnl_binary_desc_t operation;
    check(m, dnnl_binary_desc_init(&operation, algorithm, &result, &other, &result));
    dnnl_primitive_desc_t pd = pd_make(m, &operation, 1, NULL);
    CALL_ADD(m, &m->prepared->forward, pd, {DNNL_ARG_SRC_0, memory(m, &result, step->input[whole])},
             {DNNL_ARG_SRC_1, memory(m, &other, step->input[1 - whole])},
             {DNNL_ARG_DST, memory(m, &result, step->output)});
    pd_end(pd);
    make_activation(m, NULL);
}

/* ---- steps ---- */

static void make(struct maker *m)
{
    const struct node *node = m->step->node;
    struct eltwise eltwise;
    if (eltwise_of_op(node, &eltwise))
        make_eltwise(m, &eltwise);
    else if (!step_on_library(m->step->graph, node))
        make_activation(m, &m->prepared->activate);
    else if (node->op == OP_fully_connected)
        make_fully_connected(m);
    else if (node->op == OP_batch_normalization)
        make_batch_normalization(m);
    else if (node->op == OP_average_pool_2d || node->op == OP_max_pool_2d)
        make_pool(m);
    else if (node->op == OP_softmax)
        make_softmax(m);
    else if (node->op == OP_add || node->op == OP_sub || node->op == OP_mul)
        make_binary(m);
    else
        make_convolution(m);
}

static void attributes_make(struct maker *m)
{
    struct eltwise eltwise;
    dnnl_post_ops_t post_ops = NULL;
    check(m, dnnl_primitive_attr_create(&m->attr));
    check(m, dnnl_primitive_attr_set_scratchpad_mode(m->attr, dnnl_scratchpad_mode_user));
    check(m, dnnl_primitive_attr_clone(&m->activated, m->attr));
    if (!eltwise_of_activation(m->step->node->attrs.activation, &eltwise))
        return;
    check(m, dnnl_post_ops_create(&post_ops));
    check(m,
          dnnl_post_ops_append_eltwise(post_ops, 1, eltwise.forward, eltwise.alpha, eltwise.beta));
    check(m, dnnl_primitive_attr_set_post_ops(m->activated, post_ops));
    if (post_ops != NULL)
        dnnl_post_ops_destroy(post_ops);
}

enum status dnnl_step_make(struct dnnl_thread *thread, const struct step *step,
                           struct dnnl_step **prepared, struct diag *diag)
{
    struct maker maker = {.thread = thread,
                          .step = step,
                          .prepared = ARENA_NEW(&thread->arena, struct dnnl_step),
                          .error = dnnl_success};
    attributes_make(&maker);
    make(&maker);
    if (maker.activated != NULL)
        dnnl_primitive_attr_destroy(maker.activated);
    if (maker.attr != NULL)
        dnnl_primitive_attr_destroy(maker.attr);
    *prepared = maker.prepared;
    if (maker.error == dnnl_success)
        return OK;
    return fail(diag, maker.error == dnnl_out_of_memory ? ERR_TOOL : ERR_UNSUPPORTED,
                "%s '%s': oneDNN cannot compute it (status %d)", op_name(step->node->op),
                step->node->name, (int)maker.error);
}

static void calls_run(const struct dnnl_thread *thread, const struct call_list *list)
{
    for (int i = 0; i < list->n; i++) {
        const struct call *call = &list->calls[i];
        if (dnnl_primitive_execute(call->primitive, thread->stream, call->n_args, call->args) !=
            dnnl_success)
            abort();
    }
}

void dnnl_step_refresh(const struct dnnl_thread *thread, const struct dnnl_step *step)
{
    calls_run(thread, &step->refresh);
}

void dnnl_step_forward(const struct dnnl_thread *thread, const struct dnnl_step *step, int training)
{
    calls_run(thread, !training && step->inference.n > 0 ? &step->inference : &step->forward);
}

void dnnl_step_backward(const struct dnnl_thread *thread, const struct dnnl_step *step)
{
    calls_run(thread, &step->backward);
    for (int32_t i = 0; i < step->n_channels; i++) {
        step->mean_out[i] = step->mean[i];
        step->square_out[i] = step->variance[i] + step->mean[i] * step->mean[i];
    }
}

void dnnl_step_activate(const struct dnnl_thread *thread, const struct dnnl_step *step)
{
    calls_run(thread, &step->activate);
}

void dnnl_step_activate_backward(const struct dnnl_thread *thread, const struct dnnl_step *step)
{
    calls_run(thread, &step->activate_backward);
}
