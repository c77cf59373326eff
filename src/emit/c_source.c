/* SPDX-License-Identifier: Apache-2.0 */
#include "base/version.h"
#include "emit/library.h"

enum { LINE_COLUMNS = 100, ROW_ELEMENTS = 20 };

/* ---- constants ---- */

static void print_element(const struct library_array *array, size_t i, struct text *text)
{
    enum field_type type = field_type_named(array->c_type);
    element_print(text, type, (const uint8_t *)array->data + i * field_type_bytes(type));
}

static void print_rows(const struct library_array *array, struct text *text)
{
    struct text element = text_start(text->arena);
    size_t column = 0, in_row = 0;
    for (size_t i = 0; i < array->n; i++) {
        element.length = 0;
        print_element(array, i, &element);
        if (in_row == ROW_ELEMENTS || column + element.length + 2 > LINE_COLUMNS)
            in_row = 0;
        if (in_row == 0)
            column = 3;
        text_printf(text, "%s%s,", in_row == 0 ? "\n    " : " ", element.data);
        column += element.length + 2;
        in_row++;
    }
    text_printf(text, "\n};\n");
}

/* In one line when it fits, otherwise in rows. */
static void print_array(const struct library_array *array, struct text *text)
{
    struct text line = text_start(text->arena);
    text_printf(&line, "static const %s %s[%zu] = {", array->c_type, array->name, array->n);
    text_append(text, line.data, line.length);
    size_t start = line.length;
    for (size_t i = 0; i < array->n && line.length <= LINE_COLUMNS; i++) {
        text_printf(&line, i == 0 ? "" : ", ");
        print_element(array, i, &line);
    }
    if (line.length + 2 > LINE_COLUMNS)
        print_rows(array, text);
    else
        text_printf(text, "%s};\n", line.data + start);
}

static const char *shape_of(const struct library *library, int32_t tensor)
{
    return shape_string(&library->graph->tensors[tensor].shape, library->arena);
}

/* What the layer is, and how much of its weights is left. */
static void print_title(const struct library *library, const struct packed_call *call,
                        struct text *text)
{
    const struct node *node = &library->graph->nodes[call->node];
    const struct packed_node *facts = &library->packed->nodes[call->node];
    struct text kept = text_start(library->arena), inputs = text_start(library->arena);
    for (int32_t k = 0; k < call->n_inputs; k++)
        text_printf(&inputs, "%s%s", k == 0 ? "" : " and ", shape_of(library, call->inputs[k]));
    if (facts->n_filterlets_kept < facts->n_filterlets)
        text_printf(&kept, ", %d of %d filterlets", (int)facts->n_filterlets_kept,
                    (int)facts->n_filterlets);
    library_comment(library, text, "%s: %s, %s -> %s%s", node->name, op_name(node->op), inputs.data,
                    shape_of(library, call->output), kept.data);
}

static void print_constants(const struct library *library, struct text *text)
{
    size_t next = 0;
    for (int32_t c = 0; c < library->packed->n_calls; c++) {
        const struct packed_call *call = &library->packed->calls[c];
        print_title(library, call, text);
        for (; next < library->n_arrays && library->arrays[next].call == c; next++)
            print_array(&library->arrays[next], text);
        text_printf(text, "static const struct dtmm_%s %s = {\n",
                    kernel_facts(call->kernel)->parameters, library->parameters[c]);
        parameters_print(text, call, library->array_names + c * MAX_ARRAYS);
        text_printf(text, "};\n\n");
    }
}

/* ---- the inference ---- */

static int works_in_place(const struct library *library, const struct packed_call *call)
{
    const struct tensor_place *output = &library->layout->tensors[call->output];
    for (int32_t k = 0; k < call->n_inputs; k++) {
        const struct tensor_place *input = &library->layout->tensors[call->inputs[k]];
        if (input->place == PLACE_ARENA && input->offset == output->offset)
            return 1;
    }
    return 0;
}

/* The first call that writes a tensor of the arena declares its pointer. */
static void print_variables(const struct library *library, struct text *text)
{
    const char *last = NULL;
    for (int32_t c = 0; c < library->packed->n_calls; c++) {
        const struct packed_call *call = &library->packed->calls[c];
        const char *variable = library->variables[call->output];
        const struct tensor_place *place = &library->layout->tensors[call->output];
        if (place->place != PLACE_ARENA || variable == last)
            continue;
        last = variable;
        enum dtype dtype = library->graph->tensors[call->output].dtype;
        text_printf(text, "    %s *const %s = ", library_c_type(dtype), variable);
        text_printf(text, dtype == DTYPE_S8 ? "base + %zu;" : "(void *)(base + %zu);",
                    place->offset);
        text_printf(text, "%s\n", works_in_place(library, call) ? " /* in place */" : "");
    }
}

static void print_output(const struct library *library, const struct packed_call *call,
                         struct text *text)
{
    const char *pointer = library_pointer(library, call->output);
    if (call->output_offset == 0)
        text_printf(text, "%s", pointer);
    else if (library->graph->tensors[call->output].dtype == DTYPE_S8)
        text_printf(text, "%s + %zu", pointer, call->output_offset);
    else
        text_printf(text, "(int8_t *)%s + %zu", pointer, call->output_offset);
}

static void print_call(const struct library *library, int32_t c, struct text *text)
{
    const struct packed_call *call = &library->packed->calls[c];
    const struct kernel_facts *facts = kernel_facts(call->kernel);
    struct text head = text_start(library->arena), tail = text_start(library->arena);
    text_printf(&head, "    dtmm_%s_%s(&%s,", facts->name, facts->isa, library->parameters[c]);
    for (int32_t k = 0; k < call->n_inputs; k++)
        text_printf(&tail, "%s, ", library_pointer(library, call->inputs[k]));
    print_output(library, call, &tail);
    if (facts->form == FORM_scratch && call->scratch_bytes > 0)
        text_printf(&tail, ", base + %zu", library->layout->scratch_offset[c]);
    else if (facts->form == FORM_scratch)
        text_printf(&tail, ", NULL");
    int fits = head.length + tail.length + 3 <= LINE_COLUMNS;
    text_printf(text, "%s%s%s);\n", head.data, fits ? " " : "\n        ", tail.data);
}

/* An input that nobody reads must not be a warning. */
static void print_unused_inputs(const struct library *library, struct text *text)
{
    for (int32_t i = 0; i < library->graph->n_inputs; i++) {
        int is_read = 0;
        for (int32_t c = 0; c < library->packed->n_calls; c++) {
            const struct packed_call *call = &library->packed->calls[c];
            for (int32_t k = 0; k < call->n_inputs; k++)
                is_read |= library_storage(library, call->inputs[k]) == library->graph->inputs[i];
        }
        if (!is_read)
            text_printf(text, "    (void)%s;\n", library->input_names[i]);
    }
}

static void print_run_in(const struct library *library, struct text *text)
{
    const struct packed *packed = library->packed;
    library_prototype(library, arena_printf(library->arena, "%s_run_in", library->model),
                      "void *arena", text);
    text_printf(text, "\n{\n");
    text_printf(text, library->layout->arena_bytes > 0 ? "    int8_t *const base = arena;\n"
                                                       : "    (void)arena;\n");
    print_unused_inputs(library, text);
    print_variables(library, text);
    for (int32_t c = 0; c < packed->n_calls; c++) {
        int32_t node = packed->calls[c].node;
        int is_first = c == 0 || packed->calls[c - 1].node != node;
        int is_last = c + 1 == packed->n_calls || packed->calls[c + 1].node != node;
        if (is_first)
            text_printf(text, "\n    /* %s: %s -> %s */\n", library->graph->nodes[node].name,
                        shape_of(library, packed->calls[c].inputs[0]),
                        shape_of(library, packed->calls[c].output));
        print_call(library, c, text);
        if (is_last)
            text_printf(text, "    DTMM_LAYER_DONE(%d);\n", (int)node);
    }
    text_printf(text, "}\n");
}

static void print_run(const struct library *library, struct text *text)
{
    const struct graph *graph = library->graph;
    library_prototype(library, arena_printf(library->arena, "%s_run", library->model), "", text);
    text_printf(text, "\n{\n");
    if (library->layout->arena_bytes > 0)
        text_printf(text, "    static _Alignas(8) int8_t arena[%s_ARENA_BYTES];\n",
                    library->capitals);
    text_printf(text, "    %s_run_in(%s", library->model,
                library->layout->arena_bytes > 0 ? "arena" : "NULL");
    for (int32_t i = 0; i < graph->n_inputs; i++)
        text_printf(text, ", %s", library->input_names[i]);
    for (int32_t i = 0; i < graph->n_outputs; i++)
        text_printf(text, ", %s", library->output_names[i]);
    text_printf(text, ");\n}\n");
}

void library_source(const struct library *library, struct text *text)
{
    library_comment(library, text,
                    "%s: a neural network for microcontrollers. Generated by dtmm %s for %s; do "
                    "not edit.",
                    library->model, DTMM_VERSION, library->target->name);
    text_printf(text,
                "#include \"%s.h\"\n\n#include <stddef.h>\n\n#include \"../runtime/dtmm.h\"\n\n",
                library->model);
    library_comment(library, text,
                    "For profiling: define it to be told when the layer of this number is done.");
    text_printf(text, "#ifndef DTMM_LAYER_DONE\n#define DTMM_LAYER_DONE(layer)\n#endif\n\n");
    print_constants(library, text);
    print_run_in(library, text);
    text_printf(text, "\n");
    print_run(library, text);
}
