/* SPDX-License-Identifier: Apache-2.0 */
/* What a person, or a program, is shown of the result. */
#ifndef DTMM_REPORT_REPORT_H
#define DTMM_REPORT_REPORT_H

#include <jansson.h>

#include "base/arena.h"
#include "base/text.h"
#include "graph/graph.h"
#include "product/layout.h"
#include "product/measured.h"
#include "product/packed.h"
#include "target/target.h"

/* Everything a report tells about a compiled network. */
struct report_facts {
    const char *model_path;
    const struct graph *original; /* as imported */
    const struct graph *graph;    /* as compiled */
    const struct packed *packed;
    const struct layout *layout;
    const struct target *target;
    const struct built *built;
    double sparsity; /* asked for */
};

/* compress_report.c: the contents of OUT/report.json; the caller owns the reference. `instructions`
 * and `stack_bytes` are null until report_add_run(). */
json_t *report_json(const struct report_facts *facts);

/* Puts a run's instructions (total, and by layer when measured) and stack into a report. */
void report_add_run(json_t *report, const struct run *run);

/* Likewise for a run elsewhere than on the report's target: what was measured there is forgotten.
 */
void report_other_run(json_t *report, const struct run *run);

/* Puts in what the budgets were, what was searched and trained for them, and what became of it. */
void report_add_schedule(json_t *report, json_t *schedule);

/* Prints a report as a table of layers and totals. */
void report_print(const json_t *report, struct text *text);

/* inspect_report.c: layers of a network as imported: shapes, MACs, weights, all-zero filters and
 * filterlets, and the weight bytes that are left without those. The caller owns the reference. */
json_t *inspect_json(const struct graph *graph, const char *path);
void inspect_print(const json_t *report, struct text *text);

/* layout_chart.c: the arena as a chart: time down, address across; then the peak, the layer that
 * causes it, and the lower bound. */
void layout_chart(const struct graph *graph, const struct packed *packed,
                  const struct layout *layout, struct text *text);

/* table.c: columns of text, numbers to the right. */
struct table;

/* `columns`: one character a column, 'l' or 'r'. */
struct table *table_start(struct arena *arena, const char *columns);

/* Adds a cell; rows fill from the left. */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a rule across the table. */
void table_rule(struct table *table);

/* Prints the table, two blanks between columns. */
void table_print(const struct table *table, struct text *text);

/* "12,501,632" */
const char *thousands(struct arena *arena, int64_t number);

#endif
