/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/version.h"
#include "emit/emit.h"
#include "emit/tflite_emitter.h"
#include "graph/facts.h"
#include "graph/layer_name.h"

/* The array with room for one more element. */
static void *array_room(struct arena *arena, void *array, int32_t n, int32_t *size,
                        size_t element_bytes)
{
    if (n < *size)
        return array;
    *size = *size * 2 + 16;
    void *grown = arena_alloc(arena, (size_t)*size, element_bytes);
    return n == 0 ? grown : memcpy(grown, array, (size_t)n * element_bytes);
}

static int32_t tensor_add(struct emitter *emitter, const struct tflite_new_tensor *tensor)
{
    emitter->tensors = array_room(emitter->arena, emitter->tensors, emitter->model.n_tensors,
                                  &emitter->tensors_size, sizeof *emitter->tensors);
    emitter->tensors[emitter->model.n_tensors] = *tensor;
    return emitter->model.n_tensors++;
}

static int32_t type_number(enum dtype dtype)
{
    static const int32_t numbers[] = {
        [DTYPE_F32] = TFLITE_FLOAT32, [DTYPE_S8] = TFLITE_INT8, [DTYPE_S32] = TFLITE_INT32};
    return numbers[dtype];
}

static struct tflite_new_tensor describe(const struct tensor *from, const char *name)
{
    return (struct tflite_new_tensor){
        .name = name,
        .type = type_number(from->dtype),
        .rank = from->shape.rank,
        .dims = from->shape.dims,
        .data = from->data,
        .data_bytes = from->data != NULL ? tensor_bytes(from) : 0,
        .n_scales = from->quantization.n,
        .scale = from->quantization.scale,
        .zero_point = from->quantization.zero_point,
        .axis = from->quantization.axis,
    };
}

int32_t emitter_tensor(struct emitter *emitter, int32_t id, const char *name)
{
    if (emitter->ids[id] < 0) {
        struct tflite_new_tensor tensor = describe(&emitter->graph->tensors[id], name);
        emitter->ids[id] = tensor_add(emitter, &tensor);
    }
    return emitter->ids[id];
}

int32_t emitter_input(struct emitter *emitter, int32_t position)
{
    int32_t id = emitter->node->inputs[position];
    return emitter_tensor(emitter, id, emitter->graph->tensors[id].name);
}

int32_t emitter_derive(struct emitter *emitter, const struct tensor *like,
                       const struct shape *shape, const char *role)
{
    const char *name = arena_printf(emitter->arena, "%s_%s", emitter->node->name, role);
    struct tflite_new_tensor tensor = describe(like, name);
    tensor.rank = shape->rank;
    tensor.dims = arena_copy(emitter->arena, shape->dims, sizeof shape->dims);
    tensor.data = NULL;
    tensor.data_bytes = 0;
    return tensor_add(emitter, &tensor);
}

int32_t emitter_integers(struct emitter *emitter, const char *role, const int32_t *values,
                         int32_t rank, const int32_t *dims)
{
    size_t n = 1;
    for (int32_t i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    struct tflite_new_tensor tensor = {
        .name = arena_printf(emitter->arena, "%s/%s", emitter->node->name, role),
        .type = TFLITE_INT32,
        .rank = rank,
        .dims = arena_copy(emitter->arena, dims, (size_t)rank * sizeof *dims),
        .data = arena_copy(emitter->arena, values, n * sizeof *values),
        .data_bytes = n * sizeof *values,
    };
    return tensor_add(emitter, &tensor);
}

void emitter_operator(struct emitter *emitter, int32_t builtin, int32_t version,
                      struct tflite_new_operator *op)
{
    int32_t code = 0;
    while (code < emitter->model.n_codes &&
           (emitter->codes[code].builtin != builtin || emitter->codes[code].version != version))
        code++;
    if (code == emitter->model.n_codes)
        emitter->codes[emitter->model.n_codes++] = (struct tflite_new_code){builtin, version};
    op->code = code;
    emitter->operators = array_room(emitter->arena, emitter->operators, emitter->model.n_operators,
                                    &emitter->operators_size, sizeof *emitter->operators);
    emitter->operators[emitter->model.n_operators++] = *op;
}

/* The name of a node's output. Where it does not say the node's name, that follows behind a ';', as
 * the format's converter joins the names of ops that it fused. */
static const char *output_name(struct emitter *emitter)
{
    const char *output = node_output(emitter->graph, emitter->node)->name;
    const char *said = layer_name(emitter->arena, output, "", op_name(emitter->node->op));
    if (strcmp(said, emitter->node->name) == 0)
        return output;
    return arena_printf(emitter->arena, "%s;%s/" LAYER_NAME_LEAF, output, emitter->node->name);
}

static int32_t *list_emit(struct emitter *emitter, const int32_t *ids, int32_t n)
{
    int32_t *list = ARENA_ARRAY(emitter->arena, (size_t)n, int32_t);
    for (int32_t i = 0; i < n; i++)
        list[i] = emitter_tensor(emitter, ids[i], emitter->graph->tensors[ids[i]].name);
    return list;
}

static enum status nodes_emit(struct emitter *emitter)
{
    for (int32_t i = 0; i < emitter->graph->n_nodes; i++) {
        emitter->node = &emitter->graph->nodes[i];
        if (!op_runs_on_s8(emitter->node->op))
            return fail(emitter->diag, ERR_UNSUPPORTED,
                        "%s '%s': a .tflite file cannot have it; fold it into the layer before it",
                        op_name(emitter->node->op), emitter->node->name);
        int32_t output = emitter_tensor(emitter, emitter->node->output, output_name(emitter));
        TRY(emitter_node(emitter, output));
    }
    return OK;
}

enum status emit_tflite(const struct graph *graph, struct arena *arena, struct file *file,
                        struct diag *diag)
{
    struct arena scratch = {0};
    struct emitter emitter = {
        .graph = graph,
        .arena = &scratch,
        .diag = diag,
        .ids = ARENA_ARRAY(&scratch, (size_t)graph->n_tensors, int32_t),
        /* a node has at most one operator more before it and one behind it */
        .codes = ARENA_ARRAY(&scratch, (size_t)graph->n_nodes * 3, struct tflite_new_code),
    };
    memset(emitter.ids, -1, (size_t)graph->n_tensors * sizeof *emitter.ids);
    struct tflite_new_model *model = &emitter.model;
    model->name = graph->name;
    model->description = "dtmm " DTMM_VERSION;
    model->n_inputs = graph->n_inputs;
    model->inputs = list_emit(&emitter, graph->inputs, graph->n_inputs);
    enum status status = nodes_emit(&emitter);
    if (status == OK) {
        model->n_outputs = graph->n_outputs;
        model->outputs = list_emit(&emitter, graph->outputs, graph->n_outputs);
        model->tensors = emitter.tensors;
        model->operators = emitter.operators;
        model->codes = emitter.codes;
        /* The writer's memory is the caller's now. */
        file->data = (uint8_t *)(uintptr_t)tflite_write(model, arena, &file->size);
    }
    arena_free(&scratch);
    return status;
}
