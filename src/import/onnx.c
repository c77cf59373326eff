/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <string.h>

#include "graph/name_set.h"
#include "import/import.h"
#include "import/onnx_importer.h"
#include "import/onnx_quantized.h"

enum { MIN_OPSET = 9, MAX_OPSET = 18, MAX_NAME = 100, MAX_LIST = 64 };

enum status onnx_fail(struct onnx_importer *importer, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *message = arena_vprintf(importer->arena, format, arguments);
    va_end(arguments);
    if (importer->step == NULL)
        return fail(importer->diag, status, "%s", message);
    return fail(importer->diag, status, "node %d %s '%s': %s", (int)importer->step_index,
                onnx_name(importer->arena, importer->step->op_type), importer->node_name, message);
}

const char *onnx_name(struct arena *arena, const char *name)
{
    size_t length = strnlen(name, MAX_NAME);
    char *copy = arena_copy(arena, name, length + 1);
    copy[length] = '\0';
    for (char *c = copy; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~' || strchr("\"'\\", *c) != NULL)
            *c = '_';
    return copy;
}

/* ---- values of the file ---- */

/* Adds a value with a new name. */
static enum status value_define(struct onnx_importer *importer, const char *name, int32_t *index)
{
    if (*name == '\0')
        return onnx_fail(importer, ERR_INPUT, "a value has no name; the file is damaged");
    if (name_set_find(importer->names, name) >= 0)
        return onnx_fail(importer, ERR_INPUT, "two values are named '%s'; the file is damaged",
                         onnx_name(importer->arena, name));
    *index = importer->n_values++;
    importer->values[*index] = (struct value){.name = name, .id = -1, .maker = -1};
    name_set_add(importer->names, name, *index);
    return OK;
}

static enum status initializers_import(struct onnx_importer *importer)
{
    for (size_t i = 0; i < importer->model->n_initializers; i++) {
        const struct onnx_tensor *tensor = &importer->model->initializers[i];
        int32_t index;
        TRY(value_define(importer, tensor->name, &index));
        struct value *value = &importer->values[index];
        enum status status = constant_read(importer, tensor, &value->constant);
        if (status != OK) {
            diag_prefix(importer->diag, arena_printf(importer->arena, "initializer '%s'",
                                                     onnx_name(importer->arena, tensor->name)));
            return status;
        }
        value->shape = value->constant->shape;
        value->ready = 1;
    }
    return OK;
}

static enum status input_check(struct onnx_importer *importer, const struct onnx_value_info *info)
{
    const char *name = onnx_name(importer->arena, info->name);
    if (info->type == ONNX_UINT8 || info->type == ONNX_INT8)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "input '%s' holds 8-bit integers; export with float inputs that a "
                         "QuantizeLinear node converts",
                         name);
    if (info->type != ONNX_FLOAT && info->type != ONNX_FLOAT16 && info->type != ONNX_DOUBLE)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "input '%s' is not a tensor of floats; export a network that has float "
                         "inputs",
                         name);
    if (!info->has_shape)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "input '%s' has no shape; export with a fixed input shape", name);
    if (info->n_dims < 1 || info->n_dims > MAX_RANK)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "input '%s' has %zu dimensions, 1 to %d are supported", name, info->n_dims,
                         MAX_RANK);
    return OK;
}

/* A symbolic batch (the first dimension) is 1. */
static enum status input_shape(struct onnx_importer *importer, const struct onnx_value_info *info,
                               struct shape *shape)
{
    TRY(input_check(importer, info));
    int64_t dims[MAX_RANK];
    for (size_t i = 0; i < info->n_dims; i++) {
        dims[i] = i == 0 && info->n_dims > 1 && info->dims[i] < 1 ? 1 : info->dims[i];
        if (dims[i] < 1)
            return onnx_fail(importer, ERR_UNSUPPORTED,
                             "dimension %zu ('%s') of input '%s' is not fixed; export with a fixed "
                             "input shape (only the batch may stay open)",
                             i, onnx_name(importer->arena, info->dim_symbols[i]),
                             onnx_name(importer->arena, info->name));
    }
    return shape_make(importer, dims, (int32_t)info->n_dims, shape);
}

/* Inputs of the file that are not initializers. */
static enum status inputs_define(struct onnx_importer *importer, int32_t *indices, int32_t *n)
{
    for (size_t i = 0; i < importer->model->n_inputs; i++) {
        const struct onnx_value_info *info = &importer->model->inputs[i];
        int32_t index = name_set_find(importer->names, info->name);
        if (index >= 0 && importer->values[index].constant != NULL)
            continue;
        TRY(value_define(importer, info->name, &index));
        TRY(input_shape(importer, info, &importer->values[index].shape));
        importer->values[index].ready = 1;
        indices[(*n)++] = index;
    }
    if (*n > MAX_LIST)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the network has more than %d inputs; export with fewer", MAX_LIST);
    if (*n == 0)
        return onnx_fail(importer, ERR_INPUT, "the network has no inputs; export one that has");
    return OK;
}

static void inputs_add(struct onnx_importer *importer, const int32_t *indices, int32_t n)
{
    int32_t *ids = ARENA_ARRAY(importer->arena, (size_t)n, int32_t);
    for (int32_t i = 0; i < n; i++) {
        struct value *value = &importer->values[indices[i]];
        int32_t order[MAX_RANK], n_order;
        input_order(importer, indices[i], order, &n_order);
        struct tensor tensor = {
            .name = onnx_name(importer->arena, value->name),
            .dtype = DTYPE_F32,
            .shape = shape_ordered(&value->shape, order, n_order),
        };
        value->layout = layout_of_order(&value->shape, order, n_order);
        value->id = ids[i] = graph_add_tensor(&importer->builder, &tensor);
    }
    graph_set_inputs(&importer->builder, ids, n);
}

/* ---- outputs ---- */

static enum status outputs_find(struct onnx_importer *importer, int32_t *indices)
{
    if (importer->model->n_outputs == 0)
        return onnx_fail(importer, ERR_INPUT, "the network has no outputs; export one that has");
    for (size_t i = 0; i < importer->model->n_outputs; i++) {
        const char *name = importer->model->outputs[i].name;
        indices[i] = name_set_find(importer->names, name);
        if (indices[i] < 0)
            return onnx_fail(importer, ERR_INPUT,
                             "no node produces the output '%s'; the file is damaged",
                             onnx_name(importer->arena, name));
    }
    return OK;
}

static int tensor_is_made(const struct graph *graph, int32_t id)
{
    for (int32_t i = graph->n_nodes - 1; i >= 0; i--)
        if (graph->nodes[i].output == id)
            return 1;
    return 0;
}

/* The tensor of an output: channels last where memory is so. */
static enum status output_add(struct onnx_importer *importer, const struct value *value,
                              int32_t *id)
{
    const char *name = onnx_name(importer->arena, value->name);
    if (value->constant != NULL)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the output '%s' is constant; leave it out of the export", name);
    struct shape shape;
    for (int32_t d = 0; d < value->shape.rank; d++)
        if (!layout_ascends(&value->layout, d))
            return onnx_fail(importer, ERR_UNSUPPORTED,
                             "the output '%s' is flattened from channels first, but images are "
                             "channels last here; end the network before the Flatten or Reshape",
                             name);
    if (!layout_shape(&value->layout, &value->shape, &shape))
        return fail_transposed(importer, value);
    *id = value_shaped(importer, value, &shape);
    if (tensor_is_made(importer->builder.graph, *id))
        return OK;
    return onnx_fail(importer, ERR_UNSUPPORTED,
                     "the output '%s' is an input of the network; leave it out of the export",
                     name);
}

static enum status outputs_add(struct onnx_importer *importer, const int32_t *indices)
{
    size_t n = importer->model->n_outputs;
    int32_t *ids = ARENA_ARRAY(importer->arena, n, int32_t);
    importer->step = NULL;
    for (size_t i = 0; i < n; i++) {
        importer->node_name = "output";
        TRY(output_add(importer, &importer->values[indices[i]], &ids[i]));
    }
    graph_set_outputs(&importer->builder, ids, (int32_t)n);
    return OK;
}

/* ---- nodes ---- */

/* PyTorch repeats the name of a list in that of its elements: "/blocks/blocks.0/Conv" is
 * "blocks.0/Conv". */
static const char *scopes_shorten(struct arena *arena, const char *name)
{
    char *result = arena_alloc(arena, strlen(name) + 1, 1), *end = result;
    while (*name != '\0') {
        size_t length = strcspn(name, "/") + 1; /* with the separator or the NUL */
        const char *next = name + length;
        int last = name[length - 1] == '\0';
        if (last || length == 1 || strncmp(name, next, length - 1) != 0 || next[length - 1] != '.')
            end = (char *)memcpy(end, name, length - (size_t)last) + length - (size_t)last;
        name = last ? next - 1 : next;
    }
    return result;
}

static const char *step_name(const struct onnx_importer *importer, const struct step *step)
{
    const char *name = step->node->name;
    if (*name == '\0' && step->n_outputs > 0 && step->outputs[0] >= 0)
        name = importer->values[step->outputs[0]].name;
    if (*name == '\0')
        name = step->op_type;
    name = scopes_shorten(importer->arena, onnx_name(importer->arena, name));
    return identifier_make(importer->arena, name);
}

static enum status inputs_ready(struct onnx_importer *importer)
{
    const struct step *step = importer->step;
    for (int32_t i = 0; i < step->n_inputs; i++)
        if (step->inputs[i] >= 0 && !importer->values[step->inputs[i]].ready)
            return onnx_fail(importer, ERR_INPUT,
                             "nothing before it produces '%s': a dangling or cyclic reference; the "
                             "file is damaged",
                             onnx_name(importer->arena, importer->values[step->inputs[i]].name));
    return OK;
}

static enum status steps_import(struct onnx_importer *importer)
{
    for (int32_t i = 0; i < importer->n_steps; i++) {
        const struct step *step = &importer->steps[i];
        if (!step->live)
            continue;
        int folded;
        importer->step = step;
        importer->step_index = i;
        importer->node_name = step_name(importer, step);
        TRY(inputs_ready(importer));
        TRY(step_fold(importer, &folded));
        if (!folded)
            TRY(step_import(importer));
        TRY(constants_check(importer));
    }
    return OK;
}

static enum status model_check(struct onnx_importer *importer)
{
    const struct onnx_model *model = importer->model;
    if (model->opset < MIN_OPSET || model->opset > MAX_OPSET)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the file has opset %lld, %d to %d are supported; export again with "
                         "opset_version=13",
                         (long long)model->opset, MIN_OPSET, MAX_OPSET);
    if (model->n_functions > 0)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the file defines functions; export without local functions "
                         "(export_modules_as_functions=False)");
    if (model->n_sparse_initializers > 0)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the file has sparse initializers; export with dense ones");
    if (model->n_outputs > MAX_LIST)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the network has more than %d outputs; export with fewer", MAX_LIST);
    if (model->n_nodes == 0)
        return onnx_fail(importer, ERR_INPUT, "the network has no nodes; export one that has");
    return OK;
}

/* As many values as there can be. */
static size_t values_count(const struct onnx_model *model)
{
    size_t n = model->n_initializers + model->n_inputs;
    for (size_t i = 0; i < model->n_nodes; i++)
        n += model->nodes[i].n_outputs;
    return n;
}

static enum status model_import(struct onnx_importer *importer)
{
    const struct onnx_model *model = importer->model;
    int32_t *inputs = ARENA_ARRAY(importer->arena, model->n_inputs, int32_t), n_inputs = 0;
    int32_t *outputs = ARENA_ARRAY(importer->arena, model->n_outputs, int32_t);
    TRY(model_check(importer));
    TRY(initializers_import(importer));
    TRY(inputs_define(importer, inputs, &n_inputs));
    TRY(steps_resolve(importer));
    TRY(outputs_find(importer, outputs));
    steps_mark(importer, outputs, model->n_outputs);
    steps_match(importer);
    steps_mark(importer, outputs, model->n_outputs);
    inputs_add(importer, inputs, n_inputs);
    TRY(steps_import(importer));
    return outputs_add(importer, outputs);
}

enum status import_onnx(const void *data, size_t size, const char *name, struct arena *arena,
                        struct graph **graph, struct diag *diag)
{
    struct onnx_model model;
    const char *wrong = onnx_read(data, size, arena, &model);
    if (wrong != NULL)
        return fail(diag, ERR_INPUT, "%s", wrong);
    struct onnx_importer importer = {
        .model = &model,
        .arena = arena,
        .diag = diag,
        .builder = graph_start(arena, name),
        .opset = (int32_t)model.opset,
        .names = name_set_start(arena),
        .values = ARENA_ARRAY(arena, values_count(&model), struct value),
        .steps = ARENA_ARRAY(arena, model.n_nodes, struct step),
    };
    TRY(model_import(&importer));
    *graph = importer.builder.graph;
    TRY(graph_quantized(&importer, graph));
    return graph_verify(*graph, diag);
}
