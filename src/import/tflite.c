/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "import/import.h"
#include "import/tflite_importer.h"

enum { SCHEMA_VERSION = 3, CODE_CUSTOM = 32, MAX_NAMES_SHOWN = 4 };

static void text_names(struct importer *importer, struct text *text, const char *label,
                       const struct tflite_ints *list)
{
    text_printf(text, "%s", label);
    if (list->n == 0)
        text_printf(text, " none");
    for (uint32_t i = 0; i < list->n; i++) {
        const char *comma = i == 0 ? "" : ",";
        int32_t index = list->data[i];
        if (i == MAX_NAMES_SHOWN) {
            text_printf(text, ", and %u more", (unsigned)(list->n - i));
            return;
        }
        if (index == TFLITE_ABSENT)
            text_printf(text, "%s none", comma);
        else if (index < 0 || (uint32_t)index >= importer->model->subgraph.n_tensors)
            text_printf(text, "%s #%d", comma, (int)index);
        else
            text_printf(text, "%s '%s'", comma,
                        tensor_name_shorten(importer->arena,
                                            importer->model->subgraph.tensors[index].name, index));
    }
}

enum status import_fail(struct importer *importer, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *message = arena_vprintf(importer->arena, format, arguments);
    va_end(arguments);
    if (importer->op == NULL)
        return fail(importer->diag, status, "%s", message);
    struct text text = text_start(importer->arena);
    text_names(importer, &text, "inputs", &importer->op->inputs);
    text_names(importer, &text, "; output", &importer->op->outputs);
    return fail(importer->diag, status, "op %u %s (%s): %s", (unsigned)importer->operator_index,
                importer->op_name, text.data, message);
}

static const char *lower_case(struct arena *arena, const char *text)
{
    char *copy = arena_string(arena, text);
    for (char *c = copy; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

static const char *operator_name(struct arena *arena, const struct tflite_code *code)
{
    if (code->builtin == CODE_CUSTOM)
        return arena_printf(arena, "custom '%s'", tensor_name_shorten(arena, code->custom_name, 0));
    if (code->name[0] == '\0')
        return arena_printf(arena, "number %d", (int)code->builtin);
    return lower_case(arena, code->name);
}

static const char *tensor_file_name(const struct importer *importer, const struct tflite_ints *list,
                                    uint32_t position)
{
    const struct tflite_subgraph *subgraph = &importer->model->subgraph;
    if (position >= list->n || list->data[position] < 0 ||
        (uint32_t)list->data[position] >= subgraph->n_tensors)
        return "";
    return subgraph->tensors[list->data[position]].name;
}

static const char *node_name_choose(const struct importer *importer)
{
    const struct tflite_ints *inputs = &importer->op->inputs;
    int has_weights = inputs->n >= 2 && inputs->data[1] >= 0 &&
                      (uint32_t)inputs->data[1] < importer->model->subgraph.n_tensors &&
                      tensor_is_constant(importer, inputs->data[1]);
    return layer_name(importer->arena, tensor_file_name(importer, &importer->op->outputs, 0),
                      has_weights ? tensor_file_name(importer, inputs, 1) : "", importer->op_name);
}

static enum status operators_import(struct importer *importer)
{
    const struct tflite_model *model = importer->model;
    for (uint32_t i = 0; i < model->subgraph.n_operators; i++) {
        const struct tflite_operator *op = &model->subgraph.operators[i];
        importer->operator_index = i;
        importer->op = op;
        importer->op_name = "of unknown kind";
        if (op->code_index >= model->n_codes)
            return import_fail(importer, ERR_INPUT,
                               "it refers to operator code %u, but the file has %u; the file is "
                               "damaged",
                               (unsigned)op->code_index, (unsigned)model->n_codes);
        const struct tflite_code *code = &model->codes[op->code_index];
        importer->op_name = operator_name(importer->arena, code);
        importer->node_name = node_name_choose(importer);
        TRY(operator_import(importer, code));
    }
    importer->op = NULL;
    return OK;
}

/* Checks the list of the network's inputs or outputs. */
static enum status list_check(struct importer *importer, const char *what,
                              const struct tflite_ints *list)
{
    if (list->n == 0)
        return import_fail(importer, ERR_INPUT, "the network has no %ss; export one that has",
                           what);
    for (uint32_t i = 0; i < list->n; i++) {
        int32_t index = list->data[i];
        if (index < 0 || (uint32_t)index >= importer->model->subgraph.n_tensors)
            return import_fail(importer, ERR_INPUT,
                               "%s %u of the network is tensor %d, but the model has %u; the file "
                               "is damaged",
                               what, (unsigned)i, (int)index,
                               (unsigned)importer->model->subgraph.n_tensors);
        if (tensor_is_constant(importer, index))
            return import_fail(importer, ERR_UNSUPPORTED,
                               "%s %u of the network is the constant '%s'; leave it out of the "
                               "export",
                               what, (unsigned)i,
                               tensor_name_shorten(importer->arena,
                                                   importer->model->subgraph.tensors[index].name,
                                                   index));
    }
    return OK;
}

static enum status inputs_import(struct importer *importer)
{
    const struct tflite_ints *list = &importer->model->subgraph.inputs;
    TRY(list_check(importer, "input", list));
    int32_t *ids = ARENA_ARRAY(importer->arena, list->n, int32_t);
    for (uint32_t i = 0; i < list->n; i++) {
        struct tensor tensor;
        enum status status = tensor_read(importer, list->data[i], &tensor);
        if (status != OK) {
            diag_prefix(importer->diag, "input of the network");
            return status;
        }
        if (importer->ids[list->data[i]] >= 0)
            return import_fail(importer, ERR_INPUT,
                               "tensor '%s' is an input of the network twice; the file is damaged",
                               tensor.name);
        ids[i] = importer->ids[list->data[i]] = graph_add_tensor(&importer->builder, &tensor);
    }
    graph_set_inputs(&importer->builder, ids, (int32_t)list->n);
    return OK;
}

static enum status outputs_import(struct importer *importer)
{
    const struct tflite_ints *list = &importer->model->subgraph.outputs;
    TRY(list_check(importer, "output", list));
    int32_t *ids = ARENA_ARRAY(importer->arena, list->n, int32_t);
    for (uint32_t i = 0; i < list->n; i++) {
        ids[i] = importer->ids[list->data[i]];
        if (ids[i] < 0)
            return import_fail(
                importer, ERR_INPUT,
                "no op produces output %u of the network, tensor '%s'; the file is "
                "damaged",
                (unsigned)i,
                tensor_name_shorten(importer->arena,
                                    importer->model->subgraph.tensors[list->data[i]].name,
                                    list->data[i]));
    }
    graph_set_outputs(&importer->builder, ids, (int32_t)list->n);
    return OK;
}

static enum status model_check(struct importer *importer)
{
    const struct tflite_model *model = importer->model;
    if (model->version != SCHEMA_VERSION)
        return import_fail(importer, ERR_UNSUPPORTED,
                           "the file has schema version %u, version %d is supported; convert the "
                           "network again with a current TensorFlow Lite converter",
                           (unsigned)model->version, SCHEMA_VERSION);
    if (model->n_subgraphs != 1)
        return import_fail(importer, ERR_UNSUPPORTED,
                           "the file has %u subgraphs, one is supported; export a single "
                           "signature without control flow",
                           (unsigned)model->n_subgraphs);
    if (model->subgraph.n_operators == 0)
        return import_fail(importer, ERR_INPUT, "the network has no ops; export one that has");
    return tensors_check(importer);
}

enum status import_tflite(const void *data, size_t size, const char *name, struct arena *arena,
                          struct graph **graph, struct diag *diag)
{
    struct tflite_model model;
    const char *wrong = tflite_read(data, size, arena, &model);
    if (wrong != NULL)
        return fail(diag, ERR_INPUT, "%s", wrong);
    struct importer importer = {
        .model = &model,
        .arena = arena,
        .diag = diag,
        .builder = graph_start(arena, name),
        .ids = ARENA_ARRAY(arena, model.subgraph.n_tensors, int32_t),
    };
    for (uint32_t i = 0; i < model.subgraph.n_tensors; i++)
        importer.ids[i] = -1;
    TRY(model_check(&importer));
    TRY(inputs_import(&importer));
    TRY(operators_import(&importer));
    TRY(outputs_import(&importer));
    *graph = importer.builder.graph;
    return graph_verify(*graph, diag);
}
