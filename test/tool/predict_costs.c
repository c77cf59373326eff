/* SPDX-License-Identifier: Apache-2.0 */
/* usage: predict_costs MODEL.tflite TARGET N_RECIPES SEED [build]
 * Random recipes for an int8 network: what the cost model predicts, against the network pruned,
 * simplified, packed and planned, and with `build` against its library linked and run under QEMU.
 * Prints a line each, then how fast predictions are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/random.h"
#include "driver.h"
#include "emit/emit.h"
#include "fit.h"
#include "measure/measure.h"
#include "pass/pass.h"
#include "project.h"
#include "schedule/apply.h"
#include "schedule/cost_model.h"

static struct diag diag;

static void check(enum status status)
{
    if (status == OK)
        return;
    fprintf(stderr, "%s\n", diag.message);
    exit(1);
}

static void draw(const struct space *space, struct random *random, uint8_t *candidate)
{
    /* Of some recipes most layers lose little, of others much. */
    int most = random_range(random, 1, 4);
    for (int32_t k = 0; k < space->n_knobs; k++) {
        int n = space->knobs[k].n_choices;
        candidate[k] =
            (uint8_t)(random_range(random, 0, 3) < most ? random_range(random, 0, n - 1) : 0);
    }
}

static void build(const struct compiled *compiled, const struct target *target, struct run *run,
                  struct arena *arena)
{
    char folder[] = "/tmp/predict_costs.XXXXXX";
    struct firmware firmware;
    if (mkdtemp(folder) == NULL)
        exit(2);
    check(emit_c_library(compiled->graph, compiled->packed, compiled->layout, target, "runtime",
                         folder, &diag));
    check(firmware_describe(compiled->graph, folder, target, arena, &firmware, &diag));
    size_t bytes = 0;
    for (int32_t i = 0; i < firmware.n_inputs; i++)
        bytes += firmware.input_bytes[i];
    uint8_t *input = ARENA_ARRAY(arena, bytes, uint8_t);
    struct random random = {1};
    for (size_t i = 0; i < bytes; i++)
        input[i] = (uint8_t)random_bits(&random);
    check(measure_run(&firmware, input, 1, 0, 300, arena, run, &diag));
    if (system(arena_printf(arena, "rm -rf %s", folder)) != 0)
        exit(2);
}

static double percent(double predicted, double real)
{
    return 100 * (predicted / real - 1);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* As a search does: one knob changes at a time; then all at random. */
static void measure_speed(struct cost_model *model, const struct space *space)
{
    uint8_t *candidate = calloc((size_t)space->n_knobs + 1, 1);
    struct random random = {5};
    struct prediction prediction;
    for (int round = 0; round < 4; round++) {
        int n = round < 2 ? 50000 : 100000;
        double start = seconds();
        for (int i = 0; i < n; i++) {
            int k = random_range(&random, 0, space->n_knobs - 1);
            candidate[k] = (uint8_t)random_range(&random, 0, space->knobs[k].n_choices - 1);
            check((round < 2 ? cost_estimate : cost_predict)(model, candidate, SIZE_MAX,
                                                             &prediction, &diag));
        }
        printf(round < 2 ? "estimated " : "predicted ");
        printf("%.0f candidates/s, %lld nodes packed\n", n / (seconds() - start),
               (long long)node_costs_packed(cost_model_nodes(model)));
    }
    free(candidate);
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct graph *graph;
    struct space *space;
    struct cost_model *model;
    const struct target *target;
    if (argc < 5)
        return fprintf(stderr, "usage: see the source\n"), 2;
    check(driver_load(argv[1], &arena, &graph, &diag));
    check(target_find(argv[2], &target, &diag));
    check(simplify(graph, &arena, &graph, &diag));
    struct space_options options = space_options_initial();
    check(space_make(graph, NULL, &options, &arena, &space, &diag));
    check(cost_model_make(space, target->core, &model, &diag));
    struct random random = {(uint64_t)atoi(argv[4])};
    uint8_t *candidate = ARENA_ARRAY(&arena, (size_t)space->n_knobs, uint8_t);
    for (int i = 0; i < atoi(argv[3]); i++) {
        struct arena own = {0};
        struct compile_options compile = {.target = target, .sram_budget = SIZE_MAX};
        struct compiled compiled = {0};
        struct prediction prediction;
        struct run run;
        draw(space, &random, candidate);
        check(cost_predict(model, candidate, SIZE_MAX, &prediction, &diag));
        check(space_apply(space, candidate, &own, &compiled.graph, NULL, &diag));
        check(simplify(compiled.graph, &own, &compiled.graph, &diag));
        check(fit(&compile, &own, &compiled, &diag));
        double instructions = 0;
        for (int32_t c = 0; c < compiled.packed->n_calls; c++)
            instructions += compiled.packed->calls[c].instructions;
        printf("%d: predicted flash %zu code %zu sram %zu instructions %.0f; planned sram %zu "
               "instructions %.0f (%+.3f %%)",
               i, prediction.flash_bytes, prediction.code_bytes, prediction.sram_bytes,
               prediction.instructions, compiled.layout->arena_bytes, instructions,
               percent(prediction.instructions, instructions));
        if (argc > 5) {
            build(&compiled, target, &run, &own);
            printf("; built flash %zu (%+.2f %%) sram %zu instructions %lld (%+.2f %%)",
                   run.built.flash_bytes,
                   percent((double)prediction.flash_bytes, (double)run.built.flash_bytes),
                   compiled.layout->arena_bytes + run.built.data_bytes, (long long)run.instructions,
                   percent(prediction.instructions, (double)run.instructions));
        }
        printf("\n");
        fflush(stdout);
        arena_free(&own);
    }
    measure_speed(model, space);
    cost_model_free(model);
    arena_free(&arena);
    return 0;
}
