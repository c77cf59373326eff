/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

enum { CHART_COLUMNS = 72, NAME_COLUMNS = 20 };

/* What a byte of the arena is used for during one call; a later one wins where both hold. */
enum usage { USAGE_FREE, USAGE_KEPT, USAGE_READ, USAGE_WRITTEN, USAGE_IN_PLACE, USAGE_SCRATCH };

static const char usage_marks[] = ".-=#*~";

struct chart {
    const struct graph *graph;
    const struct packed *packed;
    const struct layout *layout;
    char row[CHART_COLUMNS + 1];
    enum usage used[CHART_COLUMNS];
};

/* The column in which a byte lies. */
static size_t column_of(const struct chart *chart, size_t offset)
{
    return offset * CHART_COLUMNS / chart->layout->arena_bytes;
}

/* Every range is at least one column wide and starts with a bar when it is wider. */
static void draw_range(struct chart *chart, size_t offset, size_t bytes, enum usage usage)
{
    if (bytes == 0)
        return;
    size_t start = column_of(chart, offset), end = column_of(chart, offset + bytes);
    if (end <= start)
        end = start + 1;
    for (size_t column = start; column < end && column < CHART_COLUMNS; column++) {
        if (usage < chart->used[column])
            continue;
        chart->used[column] = usage;
        chart->row[column] = usage_marks[usage];
        if (column == start && end - start > 1)
            chart->row[column] = '|';
    }
}

static int same_memory(const struct chart *chart, int32_t a, int32_t b)
{
    const struct tensor_place *left = &chart->layout->tensors[a];
    const struct tensor_place *right = &chart->layout->tensors[b];
    return left->place == PLACE_ARENA && right->place == PLACE_ARENA &&
           left->offset == right->offset;
}

static void draw_tensor(struct chart *chart, int32_t tensor, enum usage usage)
{
    const struct tensor_place *place = &chart->layout->tensors[tensor];
    if (place->place == PLACE_ARENA)
        draw_range(chart, place->offset, tensor_bytes(&chart->graph->tensors[tensor]), usage);
}

static void draw_call(struct chart *chart, int32_t c)
{
    const struct packed_call *call = &chart->packed->calls[c];
    memset(chart->row, usage_marks[USAGE_FREE], CHART_COLUMNS);
    memset(chart->used, 0, sizeof chart->used);
    for (int32_t i = 0; i < chart->layout->n_tensors; i++) {
        const struct tensor_place *place = &chart->layout->tensors[i];
        if (place->place == PLACE_ARENA && place->first_call <= c && c <= place->last_call)
            draw_tensor(chart, i, USAGE_KEPT);
    }
    enum usage written = USAGE_WRITTEN;
    for (int32_t k = 0; k < call->n_inputs; k++) {
        draw_tensor(chart, call->inputs[k], USAGE_READ);
        if (same_memory(chart, call->inputs[k], call->output))
            written = USAGE_IN_PLACE;
    }
    draw_tensor(chart, call->output, written);
    draw_range(chart, chart->layout->scratch_offset[c], call->scratch_bytes, USAGE_SCRATCH);
}

static int is_alive(const struct chart *chart, int32_t tensor, int32_t c)
{
    const struct tensor_place *place = &chart->layout->tensors[tensor];
    return place->place == PLACE_ARENA && place->first_call <= c && c <= place->last_call;
}

static size_t bytes_of(const struct chart *chart, int32_t tensor)
{
    return tensor_bytes(&chart->graph->tensors[tensor]);
}

/* Of the tensors alive at a call that share memory (a reshape, a result in place) the largest
 * counts, the first of equals. */
static size_t live_bytes(const struct chart *chart, int32_t c)
{
    size_t sum = chart->packed->calls[c].scratch_bytes;
    for (int32_t i = 0; i < chart->layout->n_tensors; i++) {
        int counts = is_alive(chart, i, c);
        for (int32_t j = 0; j < chart->layout->n_tensors && counts; j++) {
            size_t bytes = bytes_of(chart, j);
            int is_before = bytes > bytes_of(chart, i) || (bytes == bytes_of(chart, i) && j < i);
            counts = !(is_before && same_memory(chart, i, j) && is_alive(chart, j, c));
        }
        if (counts)
            sum += bytes_of(chart, i);
    }
    return sum;
}

static const struct node *node_of_call(const struct chart *chart, int32_t c)
{
    return &chart->graph->nodes[chart->packed->calls[c].node];
}

static void print_totals(const struct chart *chart, struct text *text)
{
    const struct layout *layout = chart->layout;
    int32_t c = layout->peak_call;
    const struct node *node = node_of_call(chart, c);
    text_printf(text, "\n%-*s  %zu bytes\n", NAME_COLUMNS, "arena", layout->arena_bytes);
    text_printf(text, "%-*s  %zu bytes, %zu of them scratch, during call %d: %s '%s'\n",
                NAME_COLUMNS, "peak", live_bytes(chart, c), chart->packed->calls[c].scratch_bytes,
                (int)c, op_name(node->op), node->name);
    text_printf(text, "%-*s  %zu bytes, scratch not included\n", NAME_COLUMNS, "lower bound",
                layout->lower_bound_bytes);
}

void layout_chart(const struct graph *graph, const struct packed *packed,
                  const struct layout *layout, struct text *text)
{
    struct chart chart = {.graph = graph, .packed = packed, .layout = layout};
    if (layout->arena_bytes == 0) {
        text_printf(text, "the network needs no arena\n");
        return;
    }
    text_printf(text,
                "arena of %zu bytes, one column is about %zu; "
                "= read  # written  * in place  - kept  ~ scratch  . free\n",
                layout->arena_bytes, (layout->arena_bytes + CHART_COLUMNS - 1) / CHART_COLUMNS);
    for (int32_t c = 0; c < layout->n_calls; c++) {
        draw_call(&chart, c);
        text_printf(text, "%-*.*s  %s %9zu%s\n", NAME_COLUMNS, NAME_COLUMNS,
                    node_of_call(&chart, c)->name, chart.row, live_bytes(&chart, c),
                    c == layout->peak_call ? "  <- peak" : "");
    }
    print_totals(&chart, text);
}
