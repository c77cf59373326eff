/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "graph/facts.h"
#include "graph/graph.h"
#include "graph/name_set.h"

/* C11 and C++17: a name may become an identifier in a header that both languages read. Keywords
 * that start with '_' cannot arise. */
static const char *const keywords[] = {
    "alignas",      "alignof",  "and",           "and_eq",
    "asm",          "auto",     "bitand",        "bitor",
    "bool",         "break",    "case",          "catch",
    "char",         "char16_t", "char32_t",      "class",
    "compl",        "const",    "const_cast",    "constexpr",
    "continue",     "decltype", "default",       "delete",
    "do",           "double",   "dynamic_cast",  "else",
    "enum",         "explicit", "export",        "extern",
    "false",        "float",    "for",           "friend",
    "goto",         "if",       "inline",        "int",
    "long",         "mutable",  "namespace",     "new",
    "noexcept",     "not",      "not_eq",        "nullptr",
    "operator",     "or",       "or_eq",         "private",
    "protected",    "public",   "register",      "reinterpret_cast",
    "restrict",     "return",   "short",         "signed",
    "sizeof",       "static",   "static_assert", "static_cast",
    "struct",       "switch",   "template",      "this",
    "thread_local", "throw",    "true",          "try",
    "typedef",      "typeid",   "typename",      "union",
    "unsigned",     "using",    "virtual",       "void",
    "volatile",     "wchar_t",  "while",         "xor",
    "xor_eq",
};

static int keyword_is(const char *name)
{
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        if (strcmp(keywords[i], name) == 0)
            return 1;
    return 0;
}

static char lower_case(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int identifier_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

char *identifier_make(struct arena *arena, const char *text)
{
    /* Room for a leading 'n', a trailing '_' and the NUL. */
    char *result = arena_alloc(arena, strlen(text) + 3, 1);
    size_t n = 0;
    int foreign = 0;
    for (; *text != '\0'; text++) {
        char c = lower_case(*text);
        if (!identifier_character(c)) {
            foreign = 1;
            continue;
        }
        if (foreign && n > 0 && result[n - 1] != '_' && c != '_')
            result[n++] = '_';
        foreign = 0;
        if (n == 0 && c == '_')
            continue;
        if (n == 0 && c >= '0' && c <= '9')
            result[n++] = 'n';
        result[n++] = c;
    }
    result[n] = '\0';
    if (n == 0)
        return arena_string(arena, "unnamed");
    if (keyword_is(result))
        result[n++] = '_';
    result[n] = '\0';
    return result;
}

int identifier_is(const char *name)
{
    if (*name < 'a' || *name > 'z')
        return 0;
    for (const char *c = name; *c != '\0'; c++)
        if (!identifier_character(*c))
            return 0;
    return !keyword_is(name);
}

struct graph_builder graph_start(struct arena *arena, const char *name)
{
    struct graph_builder builder = {
        .arena = arena,
        .graph = ARENA_NEW(arena, struct graph),
        .tensors_size = 16,
        .nodes_size = 16,
        .tensor_names = name_set_start(arena),
        .node_names = name_set_start(arena),
    };
    builder.graph->name = identifier_make(arena, name);
    builder.graph->tensors = ARENA_ARRAY(arena, 16, struct tensor);
    builder.graph->nodes = ARENA_ARRAY(arena, 16, struct node);
    return builder;
}

/* Doubles an array of `*size` elements, the first `n` of which are in use. */
static void *array_grow(struct arena *arena, const void *old, int32_t n, int32_t *size,
                        size_t element_bytes)
{
    assert(*size <= INT32_MAX / 2);
    *size *= 2;
    void *grown = arena_alloc(arena, (size_t)*size, element_bytes);
    return memcpy(grown, old, (size_t)n * element_bytes);
}

int32_t graph_add_tensor(struct graph_builder *builder, const struct tensor *tensor)
{
    struct graph *graph = builder->graph;
    struct arena *arena = builder->arena;
    if (graph->n_tensors == builder->tensors_size)
        graph->tensors = array_grow(arena, graph->tensors, graph->n_tensors, &builder->tensors_size,
                                    sizeof *graph->tensors);
    int32_t id = graph->n_tensors++;
    struct tensor *added = &graph->tensors[id];
    *added = *tensor;
    added->name = arena_string(
        arena, name_set_unique(builder->tensor_names, tensor->name ? tensor->name : ""));
    name_set_add(builder->tensor_names, added->name, id);
    if (tensor->quantization.n > 0) {
        size_t n = (size_t)tensor->quantization.n;
        added->quantization.scale = arena_copy(arena, tensor->quantization.scale, n * 4);
        added->quantization.zero_point = arena_copy(arena, tensor->quantization.zero_point, n * 4);
    }
    return id;
}

int32_t graph_add_node(struct graph_builder *builder, const struct node *node)
{
    struct graph *graph = builder->graph;
    if (graph->n_nodes == builder->nodes_size)
        graph->nodes = array_grow(builder->arena, graph->nodes, graph->n_nodes,
                                  &builder->nodes_size, sizeof *graph->nodes);
    int32_t id = graph->n_nodes++;
    struct node *added = &graph->nodes[id];
    *added = *node;
    added->name = name_set_unique(builder->node_names,
                                  identifier_make(builder->arena, node->name ? node->name : ""));
    name_set_add(builder->node_names, added->name, id);
    return id;
}

void graph_set_inputs(struct graph_builder *builder, const int32_t *ids, int32_t n)
{
    builder->graph->n_inputs = n;
    builder->graph->inputs = arena_copy(builder->arena, ids, (size_t)n * sizeof *ids);
}

void graph_set_outputs(struct graph_builder *builder, const int32_t *ids, int32_t n)
{
    builder->graph->n_outputs = n;
    builder->graph->outputs = arena_copy(builder->arena, ids, (size_t)n * sizeof *ids);
}
