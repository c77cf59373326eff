/* SPDX-License-Identifier: Apache-2.0 */
/* Names in a TensorFlow Lite file are paths of scopes, several joined by ';' when the converter
 * fused their ops: "model/activation_1/Relu;model/conv2d_1/BiasAdd;model/conv2d/Conv2D". The last
 * component is the kind of the op, the one before it the layer that an engineer gave a name. */
#include "graph/layer_name.h"

#include <ctype.h>
#include <string.h>

#include "graph/graph.h"

enum { MAX_SCAN = 4096, MAX_NAME = 100 };

/* A piece of a longer string. */
struct span {
    const char *text;
    size_t length;
};

static struct span span_of(const char *text)
{
    return (struct span){text, strnlen(text, MAX_SCAN)};
}

static int span_equal(struct span span, const char *text)
{
    return span.length == strlen(text) && memcmp(span.text, text, span.length) == 0;
}

/* Cuts off and returns what stands before the first `separator`, or all. */
static struct span span_next(struct span *rest, char separator)
{
    const char *end = rest->length > 0 ? memchr(rest->text, separator, rest->length) : NULL;
    struct span head = {rest->text, end != NULL ? (size_t)(end - rest->text) : rest->length};
    size_t taken = head.length + (end != NULL);
    rest->text += taken;
    rest->length -= taken;
    return head;
}

/* Without ":0" or "_12" at the end. */
static struct span span_without_number(struct span span)
{
    size_t length = span.length;
    while (length > 0 && isdigit((unsigned char)span.text[length - 1]))
        length--;
    if (length > 0 && length < span.length &&
        (span.text[length - 1] == '_' || span.text[length - 1] == ':'))
        return (struct span){span.text, length - 1};
    return span;
}

/* The last component of a path and the one before it (empty when there is none). */
static void path_split(struct span path, struct span *parent, struct span *leaf)
{
    *parent = *leaf = (struct span){path.text, 0};
    while (path.length > 0) {
        struct span component = span_next(&path, '/');
        if (component.length == 0)
            continue;
        *parent = *leaf;
        *leaf = component;
    }
}

/* The parent of the first path in `name` whose last component is `wanted`; empty when none. */
static struct span layer_of_leaf(const char *name, const char *wanted)
{
    struct span rest = span_of(name);
    while (rest.length > 0) {
        struct span parent, leaf;
        path_split(span_next(&rest, ';'), &parent, &leaf);
        if (parent.length > 0 && span_equal(span_without_number(leaf), wanted))
            return parent;
    }
    return (struct span){name, 0};
}

/* Whether a last component says what kind of op it is rather than naming the layer. */
static int is_op_kind(struct span leaf)
{
    static const char *const kinds[] = {"add",          "sub",       "mul",
                                        "concat",       "depthwise", "separable_conv2d",
                                        "pad",          "mean",      "conv2d_transpose",
                                        "strided_slice"};
    if (isupper((unsigned char)leaf.text[0]))
        return 1;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (span_equal(span_without_number(leaf), kinds[i]))
            return 1;
    return 0;
}

/* Names that converters give to outputs, which say nothing: "Identity", "Identity_int8",
 * "StatefulPartitionedCall:0". */
static int is_generic(struct span span)
{
    static const char *const generic[] = {"Identity", "StatefulPartitionedCall", "PartitionedCall",
                                          "serving_default", "output"};
    for (size_t i = 0; i < sizeof generic / sizeof *generic; i++) {
        size_t length = strlen(generic[i]);
        if (span.length >= length && memcmp(span.text, generic[i], length) == 0 &&
            (span.length == length || span.text[length] == '_' || span.text[length] == ':'))
            return 1;
    }
    return span.length == 0;
}

static struct span layer_of_first_path(const char *name)
{
    struct span rest = span_of(name), parent, leaf;
    path_split(span_next(&rest, ';'), &parent, &leaf);
    if (parent.length > 0 && is_op_kind(leaf))
        leaf = parent;
    return is_generic(leaf) ? (struct span){name, 0} : leaf;
}

const char *layer_name(struct arena *arena, const char *output, const char *weights,
                       const char *fallback)
{
    struct span layer = {output, 0};
    /* The layer with weights names the node, not the activation or normalization fused to it. */
    static const char *const leaves[] = {LAYER_NAME_LEAF, "BiasAdd",   "Conv2D",
                                         "MatMul",        "depthwise", "add"};
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves && layer.length == 0; i++)
        layer = layer_of_leaf(output, leaves[i]);
    if (layer.length == 0)
        layer = layer_of_first_path(output);
    if (layer.length == 0 && strchr(weights, '/') != NULL)
        layer = layer_of_first_path(weights);
    if (layer.length == 0)
        layer = span_of(fallback);
    size_t length = layer.length < MAX_NAME ? layer.length : MAX_NAME;
    char *name = arena_copy(arena, layer.text, length + 1);
    name[length] = '\0';
    return identifier_make(arena, name);
}

const char *tensor_name_shorten(struct arena *arena, const char *name, int32_t index)
{
    struct span rest = span_of(name);
    struct span head = span_next(&rest, ';');
    if (head.length == 0)
        return arena_printf(arena, "tensor_%d", (int)index);
    size_t length = head.length < MAX_NAME ? head.length : MAX_NAME;
    char *copy = arena_copy(arena, head.text, length + 1);
    copy[length] = '\0';
    for (char *c = copy; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~' || strchr("\"'\\", *c) != NULL)
            *c = '_';
    return copy;
}
