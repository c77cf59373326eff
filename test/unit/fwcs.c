/* SPDX-License-Identifier: Apache-2.0 */
/* doc/fwcs.md tells the truth: each of its graphs is packed and compared with the bytes printed
 * below it, and the sizes in its table follow from its formulas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "pass/fwcs_list.h"
#include "pass/pass.h"
#include "test/unit/random_graph.h"

/* Last: it defines `fail`. */
#include <cmocka.h>

static struct arena arena;
static char *manual;

static int open_manual(void **state)
{
    struct file file;
    struct diag diag = {""};
    (void)state;
    if (file_read("doc/fwcs.md", &arena, &file, &diag) != OK)
        return -1;
    manual = (char *)file.data;
    return 0;
}

static int close_manual(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* The next part between "```<kind>\n" and "```", copied; NULL when there is none. Moves *at. */
static char *next_part(char **at, const char *kind)
{
    char *start = strstr(*at, arena_printf(&arena, "```%s\n", kind));
    if (start == NULL)
        return NULL;
    start = strchr(start, '\n') + 1;
    *at = strstr(start, "```");
    assert_non_null(*at);
    return arena_printf(&arena, "%.*s", (int)(*at - start), start);
}

/* Compares the numbers of the line that starts with `name`, in `base`, with an array. */
static void compare_line(const char *part, const char *name, int base,
                         const struct packed_array *array)
{
    const char *line = strstr(part, name);
    assert_non_null(line);
    char *at = arena_printf(&arena, "%.*s", (int)strcspn(line, "\n"), line) + strlen(name);
    size_t n = 0;
    for (at += strspn(at, " |"); *at != '\0'; at += strspn(at, " |")) {
        long value = strtol(at, &at, base);
        assert_true(n < array->n);
        long actual = array->element_bytes == 4 ? ((const int32_t *)array->data)[n]
                                                : ((const uint8_t *)array->data)[n];
        if (value != actual)
            fail_msg("%s[%zu] is %ld, the manual says %ld", name, n, actual, value);
        n++;
    }
    assert_int_equal(n, array->n);
}

static const struct packed_array *array_of(const struct packed_call *call, const char *field)
{
    for (int32_t i = 0; i < call->n_arrays; i++)
        if (strcmp(call->arrays[i].field, field) == 0)
            return &call->arrays[i];
    fail_msg("no array '%s'", field);
    return NULL;
}

static void examples_are_what_pack_makes(void **state)
{
    struct diag diag = {""};
    char *at = manual, *source;
    int n = 0;
    (void)state;
    for (; (source = next_part(&at, "graph")) != NULL; n++) {
        struct graph *graph;
        struct packed *packed;
        if (graph_parse(source, strlen(source), &arena, &graph, &diag) != OK ||
            pack(graph, NULL, &arena, &packed, &diag) != OK)
            fail_msg("%s", diag.message);
        const struct packed_call *call = &packed->calls[0];
        const char *bytes = next_part(&at, "bytes");
        assert_int_equal(packed->n_calls, 1);
        assert_int_equal(call->kernel, KERNEL_conv_2d_fwcs_s8_c);
        assert_non_null(bytes);
        assert_int_equal(strtol(strstr(bytes, "block") + 5, NULL, 10),
                         call->parameters.conv_2d.block);
        compare_line(bytes, "mask", 16, array_of(call, "mask"));
        compare_line(bytes, "weights", 16, array_of(call, "weights"));
        compare_line(bytes, "bias", 10, array_of(call, "bias"));
        if (strstr(bytes, "list") != NULL) {
            struct dtmm_conv_2d listed;
            size_t n_list = fwcs_list_make(&call->parameters.conv_2d, &arena, &listed);
            assert_int_equal(listed.block, 4);
            compare_line(bytes, "list", 16,
                         &(struct packed_array){"mask", "uint8_t", listed.mask, n_list, 1});
        }
    }
    assert_int_equal(n, 3);
}

/* "| 64 filters 3 x 3 | 288 of 576 | 128 B | 704 B |" */
static void table_follows_from_the_formulas(void **state)
{
    int n = 0;
    (void)state;
    for (const char *at = manual; (at = strstr(at, "\n| 64 filters ")) != NULL; at++, n++) {
        int filters, h, w, kept, all, ours;
        char paper[16];
        assert_int_equal(sscanf(at, "\n| %d filters %d x %d | %d of %d | %d B | %15s B |", &filters,
                                &h, &w, &kept, &all, &ours, paper),
                         7);
        char *comma = strchr(paper, ',');
        if (comma != NULL)
            memmove(comma, comma + 1, strlen(comma));
        assert_int_equal(all, filters * h * w);
        assert_int_equal(ours, filters * ((h * w + 7) / 8));
        assert_int_equal(atoi(paper), 2 * kept + 2 * filters);
    }
    assert_int_equal(n, 4);
}

/* ---- random layers ---- */

enum { N_GRAPHS = 1500 };

struct met {
    int dense, filterlets, blocks;
};

/* The weights of a node as filters of `positions` filterlets of `channels`. */
struct layer {
    const int8_t *weights;
    int filters, positions, channels;
};

static struct layer layer_of(const struct graph *graph, const struct node *node)
{
    const struct tensor *weights = node_input(graph, node, 1);
    const int32_t *dims = weights->shape.dims;
    if (weights->shape.rank == 2)
        return (struct layer){weights->data, dims[0], 1, dims[1]};
    return (struct layer){weights->data, dims[0], dims[1] * dims[2], dims[3]};
}

static int is_kept(const int8_t *weights, int n)
{
    for (int i = 0; i < n; i++)
        if (weights[i] != 0)
            return 1;
    return 0;
}

static size_t size_in_blocks(const struct layer *layer, int block)
{
    int units = (layer->channels + block - 1) / block;
    size_t bytes = (size_t)layer->filters * (size_t)((layer->positions * units + 7) / 8);
    for (int row = 0; row < layer->filters * layer->positions; row++)
        for (int i = 0; i < layer->channels; i += block) {
            int n = layer->channels - i < block ? layer->channels - i : block;
            if (is_kept(layer->weights + row * layer->channels + i, n))
                bytes += (size_t)n;
        }
    return bytes;
}

static size_t smallest_size(const struct layer *layer)
{
    size_t best = size_in_blocks(layer, layer->channels);
    for (int block = 4; block <= 16 && block < layer->channels; block *= 2)
        if (size_in_blocks(layer, block) < best)
            best = size_in_blocks(layer, block);
    return best;
}

static void check_decoded(const struct layer *layer, const struct packed_call *call)
{
    const struct dtmm_conv_2d *p = &call->parameters.conv_2d;
    const struct packed_array *weights = array_of(call, "weights"), *mask = array_of(call, "mask");
    const int8_t *next = weights->data, *end = next + weights->n;
    const uint8_t *bits = mask->data;
    int units = (layer->channels + p->block - 1) / p->block;
    size_t mask_bytes = (size_t)((layer->positions * units + 7) / 8);
    assert_int_equal(mask->n, mask_bytes * (size_t)layer->filters);
    for (int o = 0; o < layer->filters; o++, bits += mask_bytes) {
        for (int j = 0; j < layer->positions * units; j++) {
            int i = j % units * p->block;
            int n = layer->channels - i < p->block ? layer->channels - i : p->block;
            const int8_t *from =
                layer->weights + (o * layer->positions + j / units) * layer->channels + i;
            assert_int_equal(bits[j / 8] >> j % 8 & 1, is_kept(from, n));
            if (!is_kept(from, n))
                continue;
            assert_true(next + n <= end);
            assert_memory_equal(next, from, (size_t)n);
            next += n;
        }
        for (int j = layer->positions * units; j < 8 * (int)mask_bytes; j++)
            assert_int_equal(bits[j / 8] >> j % 8 & 1, 0);
    }
    assert_true(next == end || (next == weights->data && weights->n == 1));
}

static void check_layer(const struct graph *graph, const struct packed_call *call, struct met *met)
{
    const struct node *node = &graph->nodes[call->node];
    if (node->op != OP_conv_2d && node->op != OP_fully_connected)
        return;
    struct layer layer = layer_of(graph, node);
    size_t dense = (size_t)(layer.filters * layer.positions * layer.channels);
    if (call->kernel == KERNEL_conv_2d_fwcs_s8_c) {
        check_decoded(&layer, call);
        assert_true(size_in_blocks(&layer, call->parameters.conv_2d.block) ==
                    smallest_size(&layer));
        assert_true(smallest_size(&layer) < dense);
        met->filterlets += call->parameters.conv_2d.block == layer.channels;
        met->blocks += call->parameters.conv_2d.block < layer.channels;
    } else if (call->kernel == KERNEL_conv_2d_s8_c) {
        assert_true(smallest_size(&layer) >= dense);
        met->dense++;
    }
}

static void random_layers_decode(void **state)
{
    struct met met = {0, 0, 0};
    (void)state;
    for (uint64_t seed = 0; seed < N_GRAPHS; seed++) {
        struct arena own = {0};
        struct graph *graph;
        struct packed *packed;
        struct diag diag = {""};
        const char *text = random_graph(seed, &own);
        if (graph_parse(text, strlen(text), &own, &graph, &diag) != OK ||
            pack(graph, NULL, &own, &packed, &diag) != OK)
            fail_msg("%s", diag.message);
        for (int32_t i = 0; i < packed->n_calls; i++)
            check_layer(graph, &packed->calls[i], &met);
        arena_free(&own);
    }
    print_message("%d layers dense, %d in filterlets, %d in blocks\n", met.dense, met.filterlets,
                  met.blocks);
    assert_true(met.dense > 100 && met.filterlets > 100 && met.blocks > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(examples_are_what_pack_makes),
                                       cmocka_unit_test(table_follows_from_the_formulas),
                                       cmocka_unit_test(random_layers_decode)};
    return cmocka_run_group_tests(tests, open_manual, close_manual);
}
