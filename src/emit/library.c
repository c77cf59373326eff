/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/library.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

enum { LINE_COLUMNS = 100 };

const char *library_c_type(enum dtype dtype)
{
    static const char *const names[] = {
        [DTYPE_F32] = "float", [DTYPE_S8] = "int8_t", [DTYPE_S32] = "int32_t"};
    return names[dtype];
}

/* ---- names ---- */

static void take_functions(struct library *library, struct name_set *names)
{
    for (int kernel = 0; kernel < N_KERNELS; kernel++)
        identifier_take(names, kernel_function((enum kernel)kernel, library->arena));
    identifier_take(names, arena_printf(library->arena, "%s_run", library->model));
    identifier_take(names, arena_printf(library->arena, "%s_run_in", library->model));
}

static const char **name_ends(struct library *library, struct name_set *names, const int32_t *ids,
                              int32_t n, const char *single, const char *helper)
{
    const char **chosen = ARENA_ARRAY(library->arena, (size_t)n, const char *);
    for (int32_t i = 0; i < n; i++) {
        const char *tensor = library->graph->tensors[ids[i]].name;
        chosen[i] =
            identifier_take(names, n == 1 ? single : identifier_make(library->arena, tensor));
        identifier_take(
            names, arena_printf(library->arena, "%s_%s_%s", library->model, helper, chosen[i]));
    }
    return chosen;
}

static void find_producers(struct library *library)
{
    const struct graph *graph = library->graph;
    library->producers = ARENA_ARRAY(library->arena, (size_t)graph->n_tensors, int32_t);
    for (int32_t i = 0; i < graph->n_tensors; i++)
        library->producers[i] = -1;
    for (int32_t i = 0; i < graph->n_nodes; i++)
        library->producers[graph->nodes[i].output] = i;
}

static void name_variables(struct library *library, struct name_set *names)
{
    const struct graph *graph = library->graph;
    library->variables = ARENA_ARRAY(library->arena, (size_t)graph->n_tensors, const char *);
    for (int32_t c = 0; c < library->packed->n_calls; c++) {
        int32_t tensor = library->packed->calls[c].output;
        if (library->layout->tensors[tensor].place == PLACE_ARENA &&
            library->variables[tensor] == NULL)
            library->variables[tensor] =
                identifier_take(names, graph->nodes[library->producers[tensor]].name);
    }
}

/* ---- constants ---- */

/* The name of an equal array that is there, or NULL. */
static const char *find_array(const struct library *library, const struct packed_array *array)
{
    for (size_t i = 0; i < library->n_arrays; i++) {
        const struct library_array *other = &library->arrays[i];
        if (other->n == array->n && strcmp(other->c_type, array->c_type) == 0 &&
            memcmp(other->data, array->data, array->n * array->element_bytes) == 0)
            return other->name;
    }
    return NULL;
}

static const char *add_array(struct library *library, struct name_set *names, int32_t call,
                             const struct packed_array *array, const char *wanted)
{
    if (array->n == 0)
        return "NULL";
    const char *name = find_array(library, array);
    if (name != NULL)
        return name;
    name = identifier_take(names, wanted);
    library->arrays[library->n_arrays++] =
        (struct library_array){name, array->c_type, array->data, array->n, call};
    return name;
}

static void name_call(struct library *library, struct name_set *names, int32_t c)
{
    const struct packed_call *call = &library->packed->calls[c];
    const char *layer = library->graph->nodes[call->node].name;
    library->parameters[c] =
        identifier_take(names, arena_printf(library->arena, "%s_parameters", layer));
    for (int32_t i = 0; i < call->n_arrays; i++)
        library->array_names[c * MAX_ARRAYS + i] =
            add_array(library, names, c, &call->arrays[i],
                      arena_printf(library->arena, "%s_%s", layer, call->arrays[i].field));
}

/* Constants that a call reads as a tensor, such as one side of an addition. */
static void name_constant_inputs(struct library *library, struct name_set *names, int32_t c)
{
    const struct packed_call *call = &library->packed->calls[c];
    for (int32_t k = 0; k < call->n_inputs; k++) {
        int32_t id = library_storage(library, call->inputs[k]);
        const struct tensor *tensor = &library->graph->tensors[id];
        if (tensor->data == NULL || library->variables[id] != NULL)
            continue;
        struct packed_array array = {.c_type = library_c_type(tensor->dtype),
                                     .data = tensor->data,
                                     .n = (size_t)shape_elements(&tensor->shape),
                                     .element_bytes = dtype_bytes(tensor->dtype)};
        library->variables[id] =
            add_array(library, names, c, &array,
                      arena_printf(library->arena, "%s_constant",
                                   identifier_make(library->arena, tensor->name)));
    }
}

void library_prepare(struct library *library)
{
    const struct graph *graph = library->graph;
    struct arena *arena = library->arena;
    size_t n_calls = (size_t)library->packed->n_calls;
    struct name_set *names = identifiers_start(arena);
    library->model = graph->name;
    library->capitals = identifier_capitals(arena, graph->name);
    take_functions(library, names);
    library->input_names =
        name_ends(library, names, graph->inputs, graph->n_inputs, "input", "quantize");
    library->output_names =
        name_ends(library, names, graph->outputs, graph->n_outputs, "output", "dequantize");
    find_producers(library);
    name_variables(library, names);
    library->parameters = ARENA_ARRAY(arena, n_calls, const char *);
    library->array_names = ARENA_ARRAY(arena, n_calls * MAX_ARRAYS, const char *);
    library->arrays = ARENA_ARRAY(arena, n_calls * (MAX_ARRAYS + 2), struct library_array);
    for (int32_t c = 0; c < library->packed->n_calls; c++) {
        name_constant_inputs(library, names, c);
        name_call(library, names, c);
    }
}

/* ---- questions ---- */

int32_t library_storage(const struct library *library, int32_t tensor)
{
    int32_t producer = library->producers[tensor];
    while (producer >= 0 && library->packed->nodes[producer].n_calls == 0) {
        tensor = library->graph->nodes[producer].inputs[0];
        producer = library->producers[tensor];
    }
    return tensor;
}

const char *library_pointer(const struct library *library, int32_t tensor)
{
    const struct tensor_place *place = &library->layout->tensors[tensor];
    switch (place->place) {
    case PLACE_INPUT:
        return library->input_names[place->index];
    case PLACE_OUTPUT:
        return library->output_names[place->index];
    default: {
        const char *variable = library->variables[library_storage(library, tensor)];
        assert(variable != NULL);
        return variable;
    }
    }
}

const char *library_macro(const struct library *library, const char *parameter)
{
    return arena_printf(library->arena, "%s_%s", library->capitals,
                        identifier_capitals(library->arena, parameter));
}

void library_prototype(const struct library *library, const char *function, const char *first,
                       struct text *text)
{
    const struct graph *graph = library->graph;
    struct text one = text_start(library->arena), many = text_start(library->arena);
    text_printf(&one, "void %s(%s", function, first);
    text_printf(&many, "void %s(%s", function, first);
    const char *separator = first[0] == '\0' ? "" : ", ";
    for (int32_t i = 0; i < graph->n_inputs + graph->n_outputs; i++) {
        int is_input = i < graph->n_inputs;
        int32_t k = is_input ? i : i - graph->n_inputs;
        int32_t id = is_input ? graph->inputs[k] : graph->outputs[k];
        const char *parameter =
            arena_printf(library->arena, "%s%s *%s", is_input ? "const " : "",
                         library_c_type(graph->tensors[id].dtype),
                         is_input ? library->input_names[k] : library->output_names[k]);
        text_printf(&one, "%s%s", separator, parameter);
        text_printf(&many, "%s\n    %s", separator[0] == '\0' ? "" : ",", parameter);
        separator = ", ";
    }
    text_printf(text, "%s)", one.length < LINE_COLUMNS ? one.data : many.data);
}

void library_comment(const struct library *library, struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *words = arena_vprintf(library->arena, format, arguments);
    va_end(arguments);
    size_t column = 2;
    text_printf(text, "/*");
    while (*words != '\0') {
        size_t length = strcspn(words, " ");
        size_t closing = words[length] == '\0' ? 3 : 0;
        if (column + 1 + length + closing > LINE_COLUMNS) {
            text_printf(text, "\n *");
            column = 2;
        }
        text_printf(text, " %.*s", (int)length, words);
        column += 1 + length;
        words += length + (words[length] == ' ');
    }
    text_printf(text, " */\n");
}
