/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "graph/weights.h"
#include "import/import.h"
#include "pass/pass.h"
#include "report/report.h"

const char *const DUMPABLE_PASSES[] = {"import", "score", "prune", "simplify",
                                       "pack",   "plan",  NULL};

/* ---- what the observer sees ---- */

struct progress {
    struct observer observer;
    struct timespec start;
};

static void begin(struct progress *progress)
{
    clock_gettime(CLOCK_MONOTONIC, &progress->start);
}

/* Ends a pass: its line, and whether its result is to be dumped. */
static int done(const struct progress *progress, const char *pass, const char *result)
{
    if (progress->observer.verbose) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        double seconds = (double)(now.tv_sec - progress->start.tv_sec) +
                         (double)(now.tv_nsec - progress->start.tv_nsec) * 1e-9;
        fprintf(stderr, "%-10s %s (%.3f s)\n", pass, result, seconds);
    }
    return progress->observer.dump != NULL && strcmp(progress->observer.dump, pass) == 0;
}

static const char *graph_summary(const struct graph *graph, struct arena *scratch)
{
    int64_t macs = 0, weights = 0, live = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        struct weight_counts counts = weight_counts(graph, &graph->nodes[i]);
        macs += counts.macs;
        weights += counts.n_weights;
        live += counts.n_weights_live;
    }
    return arena_printf(scratch,
                        "%d layers, %s MACs, %s weights, %s in filterlets that are not zero",
                        graph->n_nodes, thousands(scratch, macs), thousands(scratch, weights),
                        thousands(scratch, live));
}

static void graph_done(const struct progress *progress, const char *pass, const struct graph *graph)
{
    struct arena scratch = {0};
    if (done(progress, pass, graph_summary(graph, &scratch))) {
        struct text text = text_start(&scratch);
        graph_dump(graph, &text);
        fwrite(text.data, 1, text.length, stdout);
    }
    arena_free(&scratch);
}

static void score_done(const struct progress *progress, const struct graph *graph,
                       const struct scores *scores)
{
    if (!done(progress, "score", "filterlets ranked by their normalized L2 norm"))
        return;
    for (int32_t i = 0; i < scores->n_nodes; i++) {
        const struct node_scores *node = &scores->nodes[i];
        if (node->filterlet == NULL)
            continue;
        printf("%s", graph->nodes[i].name);
        for (int32_t j = 0; j < node->n_filters * node->n_positions; j++)
            printf(" %.6g", (double)node->filterlet[j]);
        printf("\n");
    }
}

static void print_call(const struct graph *graph, const struct packed_call *call)
{
    const struct kernel_facts *facts = kernel_facts(call->kernel);
    printf("%s: dtmm_%s_%s", graph->nodes[call->node].name, facts->name, facts->isa);
    for (int32_t i = 0; i < call->n_arrays; i++)
        printf(" %s %zu", call->arrays[i].field, call->arrays[i].n * call->arrays[i].element_bytes);
    printf(" scratch %zu\n", call->scratch_bytes);
}

static void pack_done(const struct progress *progress, const struct graph *graph,
                      const struct packed *packed)
{
    struct arena scratch = {0};
    size_t weights = 0, index = 0;
    for (int32_t i = 0; i < packed->n_nodes; i++) {
        weights += packed->nodes[i].weight_bytes;
        index += packed->nodes[i].index_bytes;
    }
    const char *summary =
        arena_printf(&scratch, "%d calls, weights %s B, index %s B", packed->n_calls,
                     thousands(&scratch, (int64_t)weights), thousands(&scratch, (int64_t)index));
    if (done(progress, "pack", summary))
        for (int32_t i = 0; i < packed->n_calls; i++)
            print_call(graph, &packed->calls[i]);
    arena_free(&scratch);
}

static void plan_done(const struct progress *progress, const struct compiled *compiled)
{
    struct arena scratch = {0};
    const char *summary = arena_printf(&scratch, "arena %s B",
                                       thousands(&scratch, (int64_t)compiled->layout->arena_bytes));
    if (done(progress, "plan", summary)) {
        struct text text = text_start(&scratch);
        layout_chart(compiled->graph, compiled->packed, compiled->layout, &text);
        fwrite(text.data, 1, text.length, stdout);
    }
    arena_free(&scratch);
}

/* ---- the pipeline ---- */

static int is_text(const struct file *file)
{
    size_t length = file->size < 4096 ? file->size : 4096;
    return memchr(file->data, '\0', length) == NULL &&
           (strncmp((const char *)file->data, "graph ", 6) == 0 ||
            strstr((const char *)file->data, "\ngraph ") != NULL);
}

static const char *stem(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    char *name = arena_string(arena, slash != NULL ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot != NULL && dot != name)
        *dot = '\0';
    return name;
}

enum status driver_load(const char *path, struct arena *arena, struct graph **graph,
                        struct diag *diag)
{
    struct file file;
    TRY(file_read(path, arena, &file, diag));
    enum status status;
    if (file.size == 0)
        status = fail(diag, ERR_INPUT, "the file is empty");
    else if (is_text(&file))
        status = graph_parse((const char *)file.data, file.size, arena, graph, diag);
    else
        status = import_tflite(file.data, file.size, stem(path, arena), arena, graph, diag);
    if (status != OK)
        diag_prefix(diag, path);
    return status;
}

static enum status verified(const struct graph *graph, const char *pass, struct diag *diag)
{
    enum status status = graph_verify(graph, diag);
    if (status != OK)
        diag_prefix(diag, pass);
    return status;
}

static enum status run_passes(const struct compile_options *options, struct progress *progress,
                              struct arena *arena, struct compiled *compiled, struct diag *diag)
{
    struct graph *graph = compiled->original;
    struct scores *scores;
    if (options->sparsity > 0) {
        begin(progress);
        TRY(score(graph, arena, &scores, diag));
        score_done(progress, graph, scores);
        begin(progress);
        TRY(prune(graph, scores, options->sparsity, arena, &graph, diag));
        TRY(verified(graph, "prune", diag));
        graph_done(progress, "prune", graph);
    }
    begin(progress);
    TRY(simplify(graph, arena, &graph, diag));
    TRY(verified(graph, "simplify", diag));
    graph_done(progress, "simplify", graph);
    begin(progress);
    TRY(pack(graph, options->target->core->isa, arena, &compiled->packed, diag));
    pack_done(progress, graph, compiled->packed);
    compiled->graph = graph;
    begin(progress);
    TRY(plan(graph, compiled->packed, arena, &compiled->layout, diag));
    plan_done(progress, compiled);
    return OK;
}

enum status driver_compile(const struct compile_options *options, struct arena *arena,
                           struct compiled *compiled, struct diag *diag)
{
    struct progress progress = {.observer = options->observer};
    begin(&progress);
    TRY(driver_load(options->model_path, arena, &compiled->original, diag));
    graph_done(&progress, "import", compiled->original);
    enum status status = run_passes(options, &progress, arena, compiled, diag);
    if (status != OK)
        diag_prefix(diag, options->model_path);
    return status;
}
