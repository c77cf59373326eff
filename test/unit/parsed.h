/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of graphs in text form share. Behind all other headers: cmocka makes fail() a macro.
 */
#ifndef DTMM_TEST_UNIT_PARSED_H
#define DTMM_TEST_UNIT_PARSED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "graph/graph.h"

#include <cmocka.h>

static struct arena arena;
static struct diag diag;

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* A graph in memory of the arena; the test fails when the text is not one. */
static struct graph *parse(const char *text)
{
    struct graph *graph = NULL;
    if (graph_parse(text, strlen(text), &arena, &graph, &diag) != OK)
        fail_msg("%s", diag.message);
    return graph;
}

#endif
