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
#include "pass/pass.h"

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
    }
    assert_int_equal(n, 2);
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(examples_are_what_pack_makes),
                                       cmocka_unit_test(table_follows_from_the_formulas)};
    return cmocka_run_group_tests(tests, open_manual, close_manual);
}
