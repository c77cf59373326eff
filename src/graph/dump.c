/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "graph/facts.h"
#include "graph/graph.h"

enum { LINE_COLUMNS = 100, REPEAT_MIN = 4 };

/* Prints one statement as words; a line that would get too long goes on in an indented one. */
struct writer {
    struct text *text;
    size_t column;
};

static void word_put(struct writer *writer, const char *word, size_t length)
{
    if (writer->column == 0) {
        text_append(writer->text, word, length);
    } else if (writer->column + 1 + length <= LINE_COLUMNS) {
        text_append(writer->text, " ", 1);
        text_append(writer->text, word, length);
        length++;
    } else {
        text_append(writer->text, "\n    ", 5);
        text_append(writer->text, word, length);
        writer->column = 4;
    }
    writer->column += length;
}

static void put(struct writer *writer, const char *word)
{
    word_put(writer, word, strlen(word));
}

static void line_end(struct writer *writer)
{
    text_append(writer->text, "\n", 1);
    writer->column = 0;
}

static void put_i32(struct writer *writer, int32_t value)
{
    char word[16];
    snprintf(word, sizeof word, "%d", value);
    put(writer, word);
}

/* Quoted; whatever is not printable ASCII as \xHH. */
static void put_string(struct writer *writer, const char *string)
{
    struct text word = text_start(writer->text->arena);
    text_append(&word, "\"", 1);
    for (; *string != '\0'; string++) {
        unsigned char c = (unsigned char)*string;
        if (c == '"' || c == '\\')
            text_append(&word, "\\", 1);
        if (c >= 0x20 && c < 0x7f)
            text_append(&word, string, 1);
        else
            text_printf(&word, "\\x%02x", c);
    }
    text_append(&word, "\"", 1);
    word_put(writer, word.data, word.length);
}

/* Element `i` of an array, as its value and as bits that can be compared. */
static union attr_value element(enum dtype dtype, const void *data, int64_t i)
{
    if (dtype == DTYPE_S8)
        return (union attr_value){.i32 = ((const int8_t *)data)[i]};
    if (dtype == DTYPE_S32)
        return (union attr_value){.i32 = ((const int32_t *)data)[i]};
    return (union attr_value){.f32 = ((const float *)data)[i]};
}

/* Numbers; `count` or more equal ones in a row as value*count. */
static void put_values(struct writer *writer, enum dtype dtype, const void *data, int64_t n)
{
    for (int64_t i = 0, run; i < n; i += run) {
        union attr_value value = element(dtype, data, i);
        for (run = 1; i + run < n && element(dtype, data, i + run).bits == value.bits;)
            run++;
        if (run < REPEAT_MIN)
            run = 1;
        char word[64];
        int length = dtype == DTYPE_F32
                         ? snprintf(word, sizeof word - 24, "%.9g", (double)value.f32)
                         : snprintf(word, sizeof word - 24, "%d", value.i32);
        if (run > 1)
            length += snprintf(word + length, 24, "*%lld", (long long)run);
        word_put(writer, word, (size_t)length);
    }
}

static void put_quantization(struct writer *writer, const struct quantization *quantization)
{
    int32_t n = quantization->n;
    const int32_t *zero_point = quantization->zero_point;
    if (n > 1) {
        put(writer, "axis");
        put_i32(writer, quantization->axis);
    }
    put(writer, "scale");
    put_values(writer, DTYPE_F32, quantization->scale, n);
    put(writer, "zero_point");
    int equal = 1;
    for (int32_t i = 1; i < n; i++)
        equal = equal && zero_point[i] == zero_point[0];
    put_values(writer, DTYPE_S32, zero_point, equal ? 1 : n);
}

static void put_tensor(struct writer *writer, const struct tensor *tensor)
{
    char scratch[16 * MAX_RANK] = "scalar";
    put(writer, "tensor");
    put_string(writer, tensor->name);
    put(writer, dtype_name(tensor->dtype));
    for (int32_t i = 0, length = 0; i < tensor->shape.rank; i++)
        length += snprintf(scratch + length, 16, "%s%d", i == 0 ? "" : "x", tensor->shape.dims[i]);
    put(writer, scratch);
    if (tensor->quantization.n > 0)
        put_quantization(writer, &tensor->quantization);
    if (tensor->initializer != INITIALIZER_NONE) {
        put(writer, "init");
        put(writer, initializer_name(tensor->initializer));
    } else if (tensor->data != NULL) {
        put(writer, "=");
        put_values(writer, tensor->dtype, tensor->data, shape_elements(&tensor->shape));
    }
    line_end(writer);
}

static void put_attribute(struct writer *writer, const struct attrs *attrs,
                          const struct attr_facts *facts, int32_t count)
{
    int initial = 1;
    for (int32_t i = 0; i < count; i++)
        initial = initial && attr_get(attrs, facts, i).bits == attr_initial(facts).bits;
    if (initial)
        return;
    put(writer, facts->name);
    for (int32_t i = 0; i < count; i++) {
        union attr_value value = attr_get(attrs, facts, i);
        if (facts->type == ATTR_TYPE_activation)
            put(writer, activation_name(value.activation));
        else if (facts->type == ATTR_TYPE_f32)
            put_values(writer, DTYPE_F32, &value.f32, 1);
        else
            put_i32(writer, value.i32);
    }
}

static void put_node(struct writer *writer, const struct graph *graph, const struct node *node)
{
    put(writer, "node");
    put(writer, op_name(node->op));
    put(writer, node->name);
    for (int32_t i = 0; i < node->n_inputs; i++)
        put_string(writer, graph->tensors[node->inputs[i]].name);
    put(writer, "->");
    put_string(writer, node_output(graph, node)->name);
    int32_t rank = node_input(graph, node, 0)->shape.rank;
    for (int a = 0; a < N_ATTRS; a++) {
        const struct attr_facts *facts = attr_facts((enum attr_index)a);
        if (op_facts(node->op)->attributes & (1 << a))
            put_attribute(writer, &node->attrs, facts, attr_count(facts, rank));
    }
    line_end(writer);
}

static void put_ids(struct writer *writer, const struct graph *graph, const char *keyword,
                    const int32_t *ids, int32_t n)
{
    put(writer, keyword);
    for (int32_t i = 0; i < n; i++)
        put_string(writer, graph->tensors[ids[i]].name);
    line_end(writer);
}

void graph_dump(const struct graph *graph, struct text *text)
{
    struct writer writer = {.text = text};
    put(&writer, "graph");
    put(&writer, graph->name);
    line_end(&writer);
    for (int32_t i = 0; i < graph->n_tensors; i++)
        put_tensor(&writer, &graph->tensors[i]);
    put_ids(&writer, graph, "input", graph->inputs, graph->n_inputs);
    for (int32_t i = 0; i < graph->n_nodes; i++)
        put_node(&writer, graph, &graph->nodes[i]);
    put_ids(&writer, graph, "output", graph->outputs, graph->n_outputs);
}
