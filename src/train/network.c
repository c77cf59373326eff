/* SPDX-License-Identifier: Apache-2.0 */
#include "train/network.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "train/dnnl.h"
#include "train/plain.h"
#include "train/rounding.h"
#include "train/step.h"
#include "train/workers.h"

enum { SHARD_SAMPLES = 16, BUCKET_VALUES = 1 << 16, ALIGNMENT = 64 };

/* A node of the schedule, in one worker. */
struct work {
    struct step step;
    struct dnnl_step *prepared;
    int on_dnnl;
    const struct quantization *rounded; /* the output is rounded to it; NULL: it is not */
    struct pass_band band;              /* of the activation function before that */
    uint8_t *inside;                    /* where both clipped nothing; NULL: no gradient */
    float *sum[MAX_INPUTS]; /* where to add input_gradient[i] afterwards; NULL: it is in place */
};

/* One thread's memory: every activation and gradient of a shard. */
struct worker {
    struct dnnl_thread *dnnl;
    struct work *works; /* by schedule position */
    float **values;     /* by tensor: activations of the shard; constants: in network->computed */
    float **gradients;  /* by tensor; NULL: none */
    float *parameter_gradients;
    uint64_t version; /* of the values that its reordered weights are from */
};

/* Neighboring values whose gradients are complete once the nodes from `position` on are done. */
struct bucket {
    int32_t position;
    int64_t first, n;
    atomic_int n_done; /* shards */
};

struct network {
    const struct graph *graph;
    struct arena arena;
    int training;
    int32_t shard_samples, n_heads;
    const int32_t *heads;
    int32_t n_scheduled;
    int32_t *schedule; /* node ids that the heads need, in order */
    int64_t *offset;   /* by tensor: of a constant in values; -1 */
    uint8_t *learned;  /* by tensor: its gradient matters and can be computed */
    int32_t n_parameters;
    struct parameter *parameters;
    int64_t n_values;
    float *values, *gradients;
    float *computed; /* what nodes compute with: the values, or those rounded */
    const struct rounding *rounding;
    uint64_t version, computed_version;
    int32_t n_workers;
    struct worker *workers;
    struct workers *threads;
    int32_t n_buckets, next_bucket;
    struct bucket *buckets;
    int32_t n_slots; /* shards that shard_gradients has room for */
    float *shard_gradients;
};

/* Memory that lives as long as the network, aligned for the widest vectors, and zero. */
static float *floats(struct network *network, int64_t n)
{
    char *raw = arena_alloc(&network->arena, (size_t)n * sizeof(float) + ALIGNMENT, 1);
    return (float *)(void *)(raw + (ALIGNMENT - (uintptr_t)raw % ALIGNMENT) % ALIGNMENT);
}

/* ---- the schedule ---- */

static void schedule_make(struct network *network)
{
    const struct graph *graph = network->graph;
    struct arena *arena = &network->arena;
    uint8_t *needed = ARENA_ARRAY(arena, (size_t)graph->n_tensors, uint8_t);
    int32_t *reversed = ARENA_ARRAY(arena, (size_t)graph->n_nodes + 1, int32_t);
    for (int32_t i = 0; i < network->n_heads; i++)
        needed[network->heads[i]] = 1;
    int32_t n = 0;
    for (int32_t i = graph->n_nodes - 1; i >= 0; i--) {
        const struct node *node = &graph->nodes[i];
        if (!needed[node->output])
            continue;
        reversed[n++] = i;
        for (int32_t k = 0; k < node->n_inputs; k++)
            needed[node->inputs[k]] = 1;
    }
    network->n_scheduled = n;
    network->schedule = ARENA_ARRAY(arena, (size_t)n + 1, int32_t);
    for (int32_t i = 0; i < n; i++)
        network->schedule[i] = reversed[n - 1 - i];
}

static const struct node *scheduled(const struct network *network, int32_t position)
{
    return &network->graph->nodes[network->schedule[position]];
}

static enum parameter_role role_of(const struct node *node, int32_t input)
{
    if (node->op == OP_batch_normalization && input >= 3)
        return input == 3 ? PARAMETER_MEAN : PARAMETER_VARIANCE;
    if (node->op == OP_batch_normalization)
        return PARAMETER_OFFSET;
    if (input > 0 && (node->op == OP_conv_2d || node->op == OP_depthwise_conv_2d ||
                      node->op == OP_transpose_conv || node->op == OP_fully_connected))
        return input == 1 ? PARAMETER_WEIGHTS : PARAMETER_OFFSET;
    return PARAMETER_FIXED;
}

/* Gives every constant its place, in the order of first use. */
static void parameters_place(struct network *network)
{
    const struct graph *graph = network->graph;
    network->offset = ARENA_ARRAY(&network->arena, (size_t)graph->n_tensors, int64_t);
    network->parameters = ARENA_ARRAY(&network->arena, (size_t)graph->n_tensors, struct parameter);
    for (int32_t i = 0; i < graph->n_tensors; i++)
        network->offset[i] = -1;
    for (int32_t i = 0; i < network->n_scheduled; i++) {
        const struct node *node = scheduled(network, i);
        for (int32_t k = 0; k < node->n_inputs; k++) {
            int32_t id = node->inputs[k];
            const struct tensor *tensor = &graph->tensors[id];
            if (tensor->data == NULL || network->offset[id] >= 0)
                continue;
            int64_t n = shape_elements(&tensor->shape);
            network->offset[id] = network->n_values;
            network->parameters[network->n_parameters++] =
                (struct parameter){id, role_of(node, k), network->n_values, n};
            network->n_values += n;
        }
    }
    network->values = network->computed = floats(network, network->n_values);
    if (network->rounding != NULL)
        network->computed = floats(network, network->n_values);
    for (int32_t i = 0; i < network->n_parameters; i++) {
        const struct parameter *p = &network->parameters[i];
        memcpy(network->values + p->first, graph->tensors[p->tensor].data,
               (size_t)p->n * sizeof(float));
    }
}

/* A constant that is learned has one role: where it is used otherwise, no gradient is computed. */
static enum status check_roles(struct network *network, struct diag *diag)
{
    const struct graph *graph = network->graph;
    enum parameter_role *roles =
        ARENA_ARRAY(&network->arena, (size_t)graph->n_tensors, enum parameter_role);
    for (int32_t i = 0; i < network->n_parameters; i++)
        roles[network->parameters[i].tensor] = network->parameters[i].role;
    for (int32_t i = 0; i < network->n_scheduled; i++) {
        const struct node *node = scheduled(network, i);
        for (int32_t k = 0; k < node->n_inputs; k++)
            if (graph->tensors[node->inputs[k]].data != NULL &&
                roles[node->inputs[k]] != role_of(node, k))
                return fail(diag, ERR_UNSUPPORTED,
                            "%s '%s': the constant '%s' is something else to another node; give "
                            "each its own to train them",
                            op_name(node->op), node->name, graph->tensors[node->inputs[k]].name);
    }
    return OK;
}

/* Marks the tensors that a gradient is computed for: those that depend on something learned, and
 * that something learned. */
static void learned_mark(struct network *network)
{
    const struct graph *graph = network->graph;
    network->learned = ARENA_ARRAY(&network->arena, (size_t)graph->n_tensors, uint8_t);
    if (!network->training)
        return;
    for (int32_t i = 0; i < network->n_parameters; i++)
        network->learned[network->parameters[i].tensor] =
            network->parameters[i].role != PARAMETER_FIXED;
    for (int32_t i = 0; i < network->n_scheduled; i++) {
        const struct node *node = scheduled(network, i);
        for (int32_t k = 0; k < node->n_inputs; k++)
            network->learned[node->output] |= network->learned[node->inputs[k]];
    }
}

/* Ranges of values from the last to the first, each with the parameters of whole nodes. */
static void buckets_make(struct network *network)
{
    int32_t *first_use = ARENA_ARRAY(&network->arena, (size_t)network->n_parameters + 1, int32_t);
    network->buckets =
        ARENA_ARRAY(&network->arena, (size_t)network->n_scheduled + 1, struct bucket);
    for (int32_t i = network->n_scheduled - 1; i >= 0; i--)
        for (int32_t k = 0; k < scheduled(network, i)->n_inputs; k++)
            for (int32_t p = 0; p < network->n_parameters; p++)
                if (network->parameters[p].tensor == scheduled(network, i)->inputs[k])
                    first_use[p] = i;
    int64_t end = network->n_values;
    for (int32_t p = network->n_parameters - 1; p >= 0; p--) {
        const struct parameter *parameter = &network->parameters[p];
        if (p > 0 && (first_use[p - 1] == first_use[p] || end - parameter->first < BUCKET_VALUES))
            continue;
        struct bucket *bucket = &network->buckets[network->n_buckets++];
        bucket->position = first_use[p];
        bucket->first = parameter->first;
        bucket->n = end - parameter->first;
        end = parameter->first;
    }
}

/* ---- workers ---- */

static int is_fixed(const struct network *network, int32_t tensor)
{
    return network->graph->tensors[tensor].data != NULL;
}

/* Activations; gradients of what is learned. */
static void worker_allocate(struct network *network, struct worker *worker)
{
    const struct graph *graph = network->graph;
    size_t n_tensors = (size_t)graph->n_tensors;
    worker->values = ARENA_ARRAY(&network->arena, n_tensors, float *);
    worker->gradients = ARENA_ARRAY(&network->arena, n_tensors, float *);
    if (network->training)
        worker->parameter_gradients = floats(network, network->n_values);
    for (int32_t i = 0; i < graph->n_tensors; i++) {
        int64_t n = shape_elements(&graph->tensors[i].shape) * network->shard_samples;
        if (is_fixed(network, i)) {
            if (network->offset[i] < 0)
                continue;
            worker->values[i] = network->computed + network->offset[i];
            if (network->learned[i])
                worker->gradients[i] = worker->parameter_gradients + network->offset[i];
        } else {
            worker->values[i] = floats(network, n);
            if (network->learned[i])
                worker->gradients[i] = floats(network, n);
        }
    }
}

/* Where the gradients of a node's inputs go: in place for the reader that runs backward first,
 * by way of other memory, to be added, for all others. `seen` is by tensor. */
static void work_connect_gradients(struct network *network, struct worker *worker,
                                   struct work *work, uint8_t *seen)
{
    const struct node *node = work->step.node;
    for (int32_t k = 0; k < node->n_inputs; k++) {
        int32_t id = node->inputs[k];
        if (worker->gradients[id] == NULL)
            continue;
        work->step.input_gradient[k] = worker->gradients[id];
        if (seen[id]) {
            work->step.input_gradient[k] = floats(network, step_input_elements(&work->step, k));
            work->sum[k] = worker->gradients[id];
        }
        seen[id] = 1;
    }
}

static void work_round(struct network *network, struct work *work)
{
    if (network->rounding == NULL)
        return;
    const struct quantization *q = &network->rounding->scales->tensors[work->step.node->output];
    if (q->n != 1)
        return;
    work->rounded = q;
    work->band = pass_band_of(work->step.node);
    if (work->step.output_gradient != NULL)
        work->inside =
            ARENA_ARRAY(&network->arena, (size_t)step_output_elements(&work->step), uint8_t);
}

static enum status worker_make(struct network *network, struct worker *worker, struct diag *diag)
{
    const struct graph *graph = network->graph;
    uint8_t *seen = ARENA_ARRAY(&network->arena, (size_t)graph->n_tensors, uint8_t);
    worker_allocate(network, worker);
    TRY(dnnl_thread_make(&worker->dnnl, diag));
    worker->works = ARENA_ARRAY(&network->arena, (size_t)network->n_scheduled + 1, struct work);
    for (int32_t i = 0; i < network->n_heads; i++)
        seen[network->heads[i]] = 1; /* the loss writes the first part */
    for (int32_t i = network->n_scheduled - 1; i >= 0; i--) {
        const struct node *node = scheduled(network, i);
        struct work *work = &worker->works[i];
        work->step = (struct step){.graph = graph,
                                   .node = node,
                                   .n = network->shard_samples,
                                   .output = worker->values[node->output],
                                   .output_gradient =
                                       seen[node->output] ? worker->gradients[node->output] : NULL};
        for (int32_t k = 0; k < node->n_inputs; k++)
            work->step.input[k] = worker->values[node->inputs[k]];
        if (work->step.output_gradient != NULL)
            work_connect_gradients(network, worker, work, seen);
        work_round(network, work);
        work->on_dnnl = step_on_library(graph, node);
        TRY(dnnl_step_make(worker->dnnl, &work->step, &work->prepared, diag));
    }
    dnnl_thread_finish(worker->dnnl);
    return OK;
}

/* ---- making ---- */

static enum status check_graph(const struct network *network, struct diag *diag)
{
    const struct graph *graph = network->graph;
    if (graph->n_inputs != 1)
        return fail(diag, ERR_UNSUPPORTED, "the network has %d inputs, only one is supported",
                    graph->n_inputs);
    for (int32_t i = 0; i < network->n_scheduled; i++) {
        const struct node *node = scheduled(network, i);
        if (node_output(graph, node)->dtype != DTYPE_F32 ||
            node_input(graph, node, 0)->dtype != DTYPE_F32)
            return fail(diag, ERR_UNSUPPORTED,
                        "%s '%s' works on %s; a float (f32) network is needed here",
                        op_name(node->op), node->name,
                        dtype_name(node_output(graph, node)->dtype == DTYPE_F32
                                       ? node_input(graph, node, 0)->dtype
                                       : node_output(graph, node)->dtype));
    }
    return OK;
}

static enum status network_fill(struct network *network, struct diag *diag)
{
    schedule_make(network);
    TRY(check_graph(network, diag));
    parameters_place(network);
    if (network->training)
        TRY(check_roles(network, diag));
    learned_mark(network);
    buckets_make(network);
    if (network->training)
        network->gradients = floats(network, network->n_values);
    network->workers = ARENA_ARRAY(&network->arena, (size_t)network->n_workers, struct worker);
    for (int32_t i = 0; i < network->n_workers; i++)
        TRY(worker_make(network, &network->workers[i], diag));
    network->version = 1;
    return workers_make(network->n_workers, &network->threads, diag);
}

enum status network_make(const struct graph *graph, const struct network_options *options,
                         struct network **network, struct diag *diag)
{
    struct network *made = calloc(1, sizeof *made);
    if (made == NULL)
        return fail(diag, ERR_TOOL, "out of memory");
    made->graph = graph;
    made->training = options->training;
    made->rounding = options->rounding;
    made->shard_samples = options->shard_samples > 0 ? options->shard_samples : SHARD_SAMPLES;
    made->n_workers = options->n_threads > 0 ? options->n_threads : workers_default();
    made->n_heads = options->n_heads > 0 ? options->n_heads : graph->n_outputs;
    made->heads = arena_copy(&made->arena, options->n_heads > 0 ? options->heads : graph->outputs,
                             (size_t)made->n_heads * sizeof(int32_t));
    enum status status = network_fill(made, diag);
    if (status != OK) {
        network_free(made);
        return status;
    }
    *network = made;
    return OK;
}

void network_free(struct network *network)
{
    if (network == NULL)
        return;
    workers_free(network->threads);
    for (int32_t i = 0; network->workers != NULL && i < network->n_workers; i++)
        dnnl_thread_free(network->workers[i].dnnl);
    free(network->shard_gradients);
    arena_free(&network->arena);
    free(network);
}

/* ---- running ---- */

/* Brings what is computed with up to date with the values. On the caller's thread. */
static void values_round(struct network *network)
{
    if (network->rounding == NULL || network->computed_version == network->version)
        return;
    memcpy(network->computed, network->values, (size_t)network->n_values * sizeof(float));
    for (int32_t i = 0; i < network->n_scheduled; i++)
        round_constants(network->rounding, network->graph, scheduled(network, i), network->offset,
                        network->values, network->computed);
    network->computed_version = network->version;
}

/* The input of the graph, as int8 has it. */
static void input_round(const struct network *network, const struct worker *worker)
{
    int32_t input = network->graph->inputs[0];
    if (network->rounding != NULL && network->rounding->scales->tensors[input].n == 1)
        round_activations(
            &network->rounding->scales->tensors[input], (struct pass_band){-INFINITY, INFINITY},
            worker->values[input],
            shape_elements(&network->graph->tensors[input].shape) * network->shard_samples, NULL);
}

static void worker_enter(struct network *network, struct worker *worker)
{
    dnnl_thread_enter();
    if (worker->version == network->version)
        return;
    for (int32_t i = 0; i < network->n_scheduled; i++)
        dnnl_step_refresh(worker->dnnl, worker->works[i].prepared);
    worker->version = network->version;
}

static void work_forward(const struct worker *worker, const struct work *work, int training)
{
    if (work->on_dnnl)
        dnnl_step_forward(worker->dnnl, work->prepared, training);
    else
        plain_forward(&work->step);
    dnnl_step_activate(worker->dnnl, work->prepared);
    if (work->rounded != NULL)
        round_activations(work->rounded, work->band, work->step.output,
                          step_output_elements(&work->step), training ? work->inside : NULL);
}

/* Through what clips: rounding, and the activation function before it. */
static void clip_backward(const struct worker *worker, const struct work *work)
{
    if (work->inside != NULL)
        round_backward(work->step.output_gradient, step_output_elements(&work->step), work->inside);
    if (work->inside == NULL || isinf(work->band.low))
        dnnl_step_activate_backward(worker->dnnl, work->prepared);
}

/* A node that only clips, whose gradient clip_backward() has taken through it. */
static int is_done(const struct work *work)
{
    enum op op = work->step.node->op;
    return work->inside != NULL && (op == OP_relu || op == OP_relu6);
}

static void work_backward(const struct worker *worker, const struct work *work)
{
    if (work->step.output_gradient == NULL)
        return;
    clip_backward(worker, work);
    if (is_done(work) && work->step.input_gradient[0] != NULL)
        memcpy(work->step.input_gradient[0], work->step.output_gradient,
               (size_t)step_output_elements(&work->step) * sizeof(float));
    else if (plain_differentiates(work->step.node->op))
        plain_backward(&work->step);
    else
        dnnl_step_backward(worker->dnnl, work->prepared);
    for (int32_t k = 0; k < work->step.node->n_inputs; k++) {
        if (work->sum[k] == NULL)
            continue;
        int64_t n = step_input_elements(&work->step, k);
        float *restrict sum = work->sum[k];
        const float *restrict part = work->step.input_gradient[k];
        for (int64_t i = 0; i < n; i++)
            sum[i] += part[i];
    }
}

static int64_t tensor_elements(const struct network *network, int32_t tensor)
{
    return shape_elements(&network->graph->tensors[tensor].shape);
}

/* What network_infer() is called with. */
struct inference {
    struct network *network;
    const float *inputs;
    int32_t n;
    float *const *outputs;
};

static void infer_shard(void *context, int32_t index, int32_t shard)
{
    const struct inference *inference = context;
    struct network *network = inference->network;
    struct worker *worker = &network->workers[index];
    int32_t input = network->graph->inputs[0], first = shard * network->shard_samples;
    int32_t n = inference->n - first;
    if (n > network->shard_samples)
        n = network->shard_samples;
    int64_t elements = tensor_elements(network, input);
    worker_enter(network, worker);
    memcpy(worker->values[input], inference->inputs + first * elements,
           (size_t)(n * elements) * sizeof(float));
    input_round(network, worker);
    for (int32_t i = 0; i < network->n_scheduled; i++)
        work_forward(worker, &worker->works[i], 0);
    for (int32_t i = 0; inference->outputs != NULL && i < network->n_heads; i++) {
        int64_t head = tensor_elements(network, network->heads[i]);
        if (inference->outputs[i] != NULL)
            memcpy(inference->outputs[i] + first * head, worker->values[network->heads[i]],
                   (size_t)(n * head) * sizeof(float));
    }
}

void network_infer_shard(struct network *network, int32_t worker, const float *inputs, int32_t n)
{
    struct inference inference = {network, inputs, n, NULL};
    assert(n <= network->shard_samples && worker < network->n_workers);
    infer_shard(&inference, worker, 0);
}

const float *network_head(const struct network *network, int32_t worker, int32_t i)
{
    return network->workers[worker].values[network->heads[i]];
}

static int32_t n_shards_of(const struct network *network, int32_t n)
{
    return n / network->shard_samples + (n % network->shard_samples != 0);
}

void network_infer(struct network *network, const float *inputs, int32_t n, float *const *outputs)
{
    struct inference inference = {network, inputs, n, outputs};
    values_round(network);
    workers_run(network->threads, infer_shard, &inference, n_shards_of(network, n));
}

void network_observe(struct network *network, const float *inputs, int32_t n,
                     network_observer *observer, void *context)
{
    struct inference inference = {network, inputs, n, NULL};
    const struct worker *worker = &network->workers[0];
    int32_t input = network->graph->inputs[0];
    values_round(network);
    for (int32_t shard = 0; shard < n_shards_of(network, n); shard++) {
        int32_t left = n - shard * network->shard_samples;
        int32_t samples = left < network->shard_samples ? left : network->shard_samples;
        infer_shard(&inference, 0, shard);
        observer(context, input, worker->values[input], samples);
        for (int32_t i = 0; i < network->n_scheduled; i++) {
            int32_t tensor = scheduled(network, i)->output;
            observer(context, tensor, worker->values[tensor], samples);
        }
    }
}

/* ---- training ---- */

struct training {
    struct network *network;
    const struct network_batch *batch;
};

/* Sums up, shard by shard, the buckets that all shards have finished. On the caller's thread. */
static void buckets_reduce(const struct training *training)
{
    struct network *network = training->network;
    const struct network_batch *batch = training->batch;
    while (network->next_bucket < network->n_buckets) {
        struct bucket *bucket = &network->buckets[network->next_bucket];
        if (atomic_load(&bucket->n_done) < batch->n_shards)
            return;
        float *restrict sum = network->gradients + bucket->first;
        memcpy(sum, network->shard_gradients + bucket->first, (size_t)bucket->n * sizeof *sum);
        for (int32_t shard = 1; shard < batch->n_shards; shard++) {
            const float *restrict part =
                network->shard_gradients + shard * network->n_values + bucket->first;
            for (int64_t i = 0; i < bucket->n; i++)
                sum[i] += part[i];
        }
        if (batch->ready != NULL)
            batch->ready(batch->context, bucket->first, bucket->n);
        network->next_bucket++;
    }
}

static void backward_shard(const struct training *training, int32_t index, int32_t shard)
{
    struct network *network = training->network;
    const struct worker *worker = &network->workers[index];
    int32_t bucket = 0;
    for (int32_t i = network->n_scheduled - 1; i >= 0; i--) {
        work_backward(worker, &worker->works[i]);
        for (; bucket < network->n_buckets && network->buckets[bucket].position == i; bucket++) {
            struct bucket *done = &network->buckets[bucket];
            memcpy(network->shard_gradients + shard * network->n_values + done->first,
                   worker->parameter_gradients + done->first, (size_t)done->n * sizeof(float));
            atomic_fetch_add(&done->n_done, 1);
        }
        if (index == 0)
            buckets_reduce(training);
    }
}

static void train_shard(void *context, int32_t index, int32_t shard)
{
    const struct training *training = context;
    struct network *network = training->network;
    const struct network_batch *batch = training->batch;
    struct worker *worker = &network->workers[index];
    const float *values[MAX_INPUTS];
    float *gradients[MAX_INPUTS];
    worker_enter(network, worker);
    batch->fill(batch->context, index, shard, worker->values[network->graph->inputs[0]]);
    input_round(network, worker);
    for (int32_t i = 0; i < network->n_scheduled; i++)
        work_forward(worker, &worker->works[i], 1);
    for (int32_t i = 0; i < network->n_heads; i++) {
        values[i] = worker->values[network->heads[i]];
        gradients[i] = worker->gradients[network->heads[i]];
    }
    batch->loss(batch->context, index, shard, values, gradients);
    backward_shard(training, index, shard);
}

enum status network_step(struct network *network, const struct network_batch *batch,
                         struct diag *diag)
{
    struct training training = {network, batch};
    assert(network->training && network->n_heads <= MAX_INPUTS);
    if (batch->n_shards > network->n_slots) {
        size_t n = (size_t)batch->n_shards * (size_t)network->n_values + 1;
        free(network->shard_gradients);
        network->shard_gradients = calloc(n, sizeof(float));
        network->n_slots = network->shard_gradients != NULL ? batch->n_shards : 0;
        if (network->shard_gradients == NULL)
            return fail(diag, ERR_TOOL, "out of memory for gradients; use a smaller batch");
    }
    for (int32_t i = 0; i < network->n_buckets; i++)
        atomic_store(&network->buckets[i].n_done, 0);
    network->next_bucket = 0;
    network->version++;
    values_round(network);
    workers_run(network->threads, train_shard, &training, batch->n_shards);
    buckets_reduce(&training);
    assert(network->next_bucket == network->n_buckets);
    network->version++; /* the caller is about to change the values */
    return OK;
}

int32_t network_not_finite(const struct network *network)
{
    for (int32_t i = 0; i < network->n_scheduled; i++) {
        int32_t tensor = scheduled(network, i)->output;
        int64_t n = tensor_elements(network, tensor) * network->shard_samples;
        for (int32_t w = 0; w < network->n_workers; w++)
            for (int64_t k = 0; k < n; k++)
                if (!isfinite(network->workers[w].values[tensor][k]))
                    return network->schedule[i];
    }
    return -1;
}

/* ---- values ---- */

float *network_values(struct network *network, int32_t tensor)
{
    network->version++;
    return network->offset[tensor] < 0 ? NULL : network->values + network->offset[tensor];
}

int network_learns(const struct network *network, int32_t tensor)
{
    return network->learned[tensor];
}

void network_changed(struct network *network)
{
    network->version++;
}

struct parameters network_parameters(struct network *network)
{
    return (struct parameters){network->n_parameters, network->parameters, network->n_values,
                               network->values, network->gradients};
}

struct graph *network_graph(const struct network *network, struct arena *arena)
{
    const struct graph *graph = network->graph;
    struct graph *copy = arena_copy(arena, graph, sizeof *graph);
    copy->tensors =
        arena_copy(arena, graph->tensors, (size_t)graph->n_tensors * sizeof *graph->tensors);
    for (int32_t i = 0; i < network->n_parameters; i++) {
        const struct parameter *parameter = &network->parameters[i];
        struct tensor *tensor = &copy->tensors[parameter->tensor];
        tensor->data = arena_copy(arena, network->values + parameter->first,
                                  (size_t)parameter->n * sizeof(float));
        tensor->initializer = INITIALIZER_NONE;
    }
    return copy;
}

int32_t network_shard_samples(const struct network *network)
{
    return network->shard_samples;
}

int32_t network_n_workers(const struct network *network)
{
    return network->n_workers;
}
