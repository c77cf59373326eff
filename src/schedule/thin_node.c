/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/thin_node.h"

#include <assert.h>
#include <string.h>

#include "pass/unit_choice.h"

/* The node at work on. */
struct thinning {
    const struct space *space;
    const struct node *node;
    int32_t id;
    const uint8_t *candidate, *gone;
    struct ranking_cache *cache;
    struct arena *arena;
};

static uint8_t *kept_of(const struct thinning *t, const int32_t *classes, int32_t n)
{
    uint8_t *kept = ARENA_ARRAY(t->arena, (size_t)n, uint8_t);
    for (int32_t i = 0; i < n; i++)
        kept[i] = classes[i] < 0 || !t->gone[classes[i]];
    return kept;
}

static int32_t count(const uint8_t *kept, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += kept[i];
    return sum;
}

/* Keeps of a scale per index of `axis` those whose index stays. */
static void thin_scales(const struct thinning *t, const uint8_t *kept, struct quantization *q)
{
    if (q->n <= 1)
        return;
    float *scale = ARENA_ARRAY(t->arena, (size_t)q->n, float);
    int32_t *zero_point = ARENA_ARRAY(t->arena, (size_t)q->n, int32_t), n = 0;
    for (int32_t i = 0; i < q->n; i++)
        if (kept[i]) {
            scale[n] = q->scale[i];
            zero_point[n++] = q->zero_point[i];
        }
    *q = (struct quantization){n, q->axis, scale, zero_point};
}

/* The tensor with the kept indices of its last dimension; of one index for all nothing leaves. */
static struct tensor thin_last(const struct thinning *t, const struct tensor *from,
                               const uint8_t *kept, int32_t n)
{
    struct tensor tensor = *from;
    int32_t *last = &tensor.shape.dims[tensor.shape.rank - 1];
    if (tensor.shape.rank == 0 || *last != n)
        return tensor;
    *last = count(kept, n);
    thin_scales(t, kept, &tensor.quantization);
    if (from->data == NULL)
        return tensor;
    size_t bytes = dtype_bytes(from->dtype), at = 0;
    uint8_t *data = arena_alloc(t->arena, (size_t)shape_elements(&tensor.shape), bytes);
    for (int64_t i = 0; i < shape_elements(&from->shape); i++)
        if (kept[i % n])
            memcpy(data + bytes * at++, (const uint8_t *)from->data + bytes * (size_t)i, bytes);
    tensor.data = data;
    return tensor;
}

static struct tensor thin_activation(const struct thinning *t, int32_t id)
{
    const struct groups *groups = t->space->groups;
    const struct tensor *from = &t->space->graph->tensors[id];
    if (groups->channels[id] == NULL || from->shape.rank == 0)
        return *from;
    return thin_last(t, from, kept_of(t, groups->channels[id], groups->n_channels[id]),
                     groups->n_channels[id]);
}

void ranking_cache_free(struct ranking_cache *cache)
{
    arena_free(&cache->arena);
    cache->ranking = NULL;
}

/* The ranking of the layer's units, the one at hand if it is of the same. */
static const struct unit_ranking *
ranking_of(const struct thinning *t, const struct thin_layer *layer, const struct unit *unit)
{
    struct ranking_cache *cache = t->cache;
    size_t n_filters = (size_t)t->space->groups->n_filters[t->id];
    size_t n_inputs = (size_t)t->space->groups->n_inputs[t->id];
    if (cache->ranking != NULL && cache->node == t->id && cache->unit.kind == unit->kind &&
        cache->unit.block == unit->block &&
        memcmp(cache->layer.filters, layer->filters, n_filters) == 0 &&
        memcmp(cache->layer.inputs, layer->inputs, n_inputs) == 0)
        return cache->ranking;
    ranking_cache_free(cache);
    cache->node = t->id;
    cache->unit = *unit;
    cache->layer = *layer;
    cache->layer.filters = arena_copy(&cache->arena, layer->filters, n_filters);
    cache->layer.inputs = arena_copy(&cache->arena, layer->inputs, n_inputs);
    cache->ranking = units_rank(&cache->layer, unit, &cache->arena);
    return cache->ranking;
}

/* By weight: whether its unit stays; NULL: all do. */
static const uint8_t *kept_weights(const struct thinning *t, const struct shape *shape,
                                   const uint8_t *filters, const uint8_t *inputs)
{
    int32_t knob = t->space->units_knob[t->id];
    int32_t units = knob < 0 ? 0 : t->candidate[knob];
    if (units == 0)
        return NULL;
    const struct choice *choice = &t->space->knobs[knob].choices[units];
    struct thin_layer layer = {t->node->op, shape, t->space->importance[t->id], filters, inputs};
    uint8_t *kept = ARENA_ARRAY(t->arena, (size_t)shape_elements(shape), uint8_t);
    units_take(ranking_of(t, &layer, &choice->unit), choice->share, kept);
    return kept;
}

/* Takes the weights of the columns out of a row; zeros for those that are not kept. */
static void take_row(const int8_t *from, const uint8_t *kept, const int32_t *columns, int32_t n,
                     int8_t *to)
{
    for (int32_t i = 0; i < n && kept == NULL; i++)
        to[i] = from[columns[i]];
    for (int32_t i = 0; i < n && kept != NULL; i++)
        to[i] = (int8_t)(from[columns[i]] * kept[columns[i]]);
}

static int32_t *columns_list(const struct thinning *t, const uint8_t *stays, int32_t n,
                             int32_t *n_columns)
{
    int32_t *columns = ARENA_ARRAY(t->arena, (size_t)n, int32_t);
    *n_columns = 0;
    for (int32_t i = 0; i < n; i++)
        if (stays[i])
            columns[(*n_columns)++] = i;
    return columns;
}

/* The weights with zeros for absent units, without absent filters and input channels. */
static struct tensor thin_weights(const struct thinning *t, const uint8_t *filters,
                                  const uint8_t *inputs)
{
    const struct tensor *from = node_input(t->space->graph, t->node, 1);
    struct tensor tensor = *from;
    int is_depthwise = t->node->op == OP_depthwise_conv_2d;
    int64_t n = shape_elements(&from->shape);
    int64_t filter_size = is_depthwise ? n : n / from->shape.dims[0];
    int32_t channels = from->shape.dims[from->shape.rank - 1], n_columns;
    const int32_t *columns = columns_list(t, is_depthwise ? filters : inputs, channels, &n_columns);
    tensor.shape.dims[tensor.shape.rank - 1] = n_columns;
    if (!is_depthwise)
        tensor.shape.dims[0] = count(filters, filter_count(t->node->op, &from->shape));
    const uint8_t *kept = kept_weights(t, &from->shape, filters, inputs);
    int8_t *data = ARENA_ARRAY(t->arena, (size_t)shape_elements(&tensor.shape), int8_t), *to = data;
    for (int64_t row = 0; row < n; row += channels) {
        if (!is_depthwise && !filters[row / filter_size])
            continue;
        take_row((const int8_t *)from->data + row, kept == NULL ? NULL : kept + row, columns,
                 n_columns, to);
        to += n_columns;
    }
    thin_scales(t, filters, &tensor.quantization);
    tensor.data = data;
    return tensor;
}

static void thin_layer_inputs(const struct thinning *t, struct tensor *tensors)
{
    const struct groups *groups = t->space->groups;
    int32_t n_filters = groups->n_filters[t->id];
    const uint8_t *filters = kept_of(t, groups->of[t->id], n_filters);
    const uint8_t *inputs = kept_of(t, groups->inputs[t->id], groups->n_inputs[t->id]);
    tensors[1] = thin_weights(t, filters, inputs);
    if (node_input(t->space->graph, t->node, 2) != NULL)
        tensors[2] = thin_last(t, node_input(t->space->graph, t->node, 2), filters, n_filters);
}

/* A constant operand is as wide as the output, or the same for all channels. */
static struct tensor thin_operand(const struct thinning *t, int32_t id)
{
    const struct groups *groups = t->space->groups;
    int32_t output = t->node->output;
    return thin_last(t, &t->space->graph->tensors[id],
                     kept_of(t, groups->channels[output], groups->n_channels[output]),
                     groups->n_channels[output]);
}

struct graph *thin_node(const struct space *space, int32_t node, const uint8_t *candidate,
                        const uint8_t *gone, struct ranking_cache *cache, struct arena *arena)
{
    const struct graph *from = space->graph;
    struct thinning t = {space, &from->nodes[node], node, candidate, gone, cache, arena};
    int32_t n = t.node->n_inputs;
    struct graph *graph = ARENA_NEW(arena, struct graph);
    *graph = (struct graph){.name = from->name, .n_tensors = n + 1, .n_nodes = 1, .n_outputs = 1};
    graph->tensors = ARENA_ARRAY(arena, (size_t)n + 1, struct tensor);
    graph->nodes = arena_copy(arena, t.node, sizeof *t.node);
    graph->inputs = ARENA_ARRAY(arena, (size_t)n, int32_t);
    graph->outputs = arena_copy(arena, &n, sizeof n);
    graph->nodes->output = n;
    for (int32_t i = 0; i < n; i++) {
        int32_t id = t.node->inputs[i];
        graph->nodes->inputs[i] = id < 0 ? -1 : i;
        if (id < 0)
            continue;
        if (from->tensors[id].data == NULL) {
            graph->tensors[i] = thin_activation(&t, id);
            graph->inputs[graph->n_inputs++] = i;
        } else if (!op_is_layer(t.node->op)) {
            graph->tensors[i] = thin_operand(&t, id);
        }
    }
    if (op_is_layer(t.node->op))
        thin_layer_inputs(&t, graph->tensors);
    graph->tensors[n] = thin_activation(&t, t.node->output);
    return graph;
}
