/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/apply.h"

#include "graph/draft.h"
#include "pass/unit_choice.h"

static uint8_t *kept_of(const int32_t *classes, int32_t n, const uint8_t *gone, struct arena *arena)
{
    uint8_t *kept = ARENA_ARRAY(arena, (size_t)n + 1, uint8_t);
    for (int32_t i = 0; i < n; i++)
        kept[i] = classes[i] < 0 || !gone[classes[i]];
    return kept;
}

static uint8_t *layer_mask(const struct space *space, int32_t node, const uint8_t *candidate,
                           const uint8_t *gone, struct arena *arena, struct arena *scratch)
{
    const struct groups *groups = space->groups;
    const struct shape *shape = &node_input(space->graph, &space->graph->nodes[node], 1)->shape;
    int32_t knob = space->units_knob[node];
    struct choice all = {{UNIT_FILTER, 0}, 0, 0};
    const struct choice *choice =
        knob < 0 || candidate[knob] == 0 ? &all : &space->knobs[knob].choices[candidate[knob]];
    struct thin_layer layer = {
        space->graph->nodes[node].op, shape, space->importance[node],
        kept_of(groups->of[node], groups->n_filters[node], gone, scratch),
        kept_of(groups->inputs[node], groups->n_inputs[node], gone, scratch)};
    uint8_t *kept = ARENA_ARRAY(arena, (size_t)shape_elements(shape), uint8_t);
    units_choose(&layer, &choice->unit, choice->share, kept);
    return kept;
}

static void layer_clear(struct draft *draft, const struct space *space, int32_t node,
                        const uint8_t *kept, const uint8_t *gone)
{
    struct node *layer = &draft->graph.nodes[node];
    struct tensor weights = draft->graph.tensors[layer->inputs[1]];
    int8_t *values = arena_copy(draft->arena, weights.data, tensor_bytes(&weights));
    for (int64_t i = 0; i < shape_elements(&weights.shape); i++)
        if (!kept[i])
            values[i] = 0;
    weights.data = values;
    layer->inputs[1] = draft_add_tensor(draft, &weights);
    if (node_input(&draft->graph, layer, 2) == NULL)
        return;
    struct tensor bias = draft->graph.tensors[layer->inputs[2]];
    int32_t *biases = arena_copy(draft->arena, bias.data, tensor_bytes(&bias));
    for (int32_t o = 0; o < space->groups->n_filters[node]; o++)
        if (space->groups->of[node][o] >= 0 && gone[space->groups->of[node][o]])
            biases[o] = 0;
    bias.data = biases;
    layer->inputs[2] = draft_add_tensor(draft, &bias);
}

enum status space_apply(const struct space *space, const uint8_t *candidate, struct arena *arena,
                        struct graph **graph, struct masks **masks, struct diag *diag)
{
    struct arena scratch = {0};
    struct draft draft = draft_start(space->graph, &scratch);
    uint8_t *gone = ARENA_ARRAY(&scratch, (size_t)space->groups->n_groups + 1, uint8_t);
    struct masks *made = ARENA_NEW(arena, struct masks);
    made->n_nodes = space->graph->n_nodes;
    made->kept = ARENA_ARRAY(arena, (size_t)made->n_nodes + 1, uint8_t *);
    space_gone(space, candidate, gone);
    for (int32_t n = 0; n < made->n_nodes; n++)
        if (space->importance[n] != NULL) {
            made->kept[n] = layer_mask(space, n, candidate, gone, arena, &scratch);
            layer_clear(&draft, space, n, made->kept[n], gone);
        }
    enum status status = draft_finish(&draft, arena, graph, diag);
    arena_free(&scratch);
    if (masks != NULL)
        *masks = made;
    return status;
}
