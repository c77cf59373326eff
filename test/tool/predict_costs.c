/* SPDX-License-Identifier: Apache-2.0 */
/* usage: predict_costs MODEL.tflite TARGET N_RECIPES SEED plan|build|speed
 * Random recipes for an int8 network, a line each: what the cost model predicts, against the
 * network pruned, simplified, packed and planned, and with `build` against its library linked and
 * run under QEMU. Exit code 1 where flash is off by more than 1 %, SRAM at all, instructions by
 * more than 3 %. With `speed`, how many predictions a second after so many moves. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/random.h"
#include "driver/driver.h"
#include "driver/fit.h"
#include "driver/project.h"
#include "emit/emit.h"
#include "measure/measure.h"
#include "pass/pass.h"
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

/* As a search does: one knob changes at a time. */
static void measure_speed(struct cost_model *model, const struct space *space, int n)
{
    uint8_t *candidate = calloc((size_t)space->n_knobs + 1, 1);
    struct random random = {5};
    struct prediction prediction;
    for (int round = 0; round < 4; round++) {
        double start = seconds();
        for (int i = 0; i < n; i++) {
            int k = random_range(&random, 0, space->n_knobs - 1);
            candidate[k] = (uint8_t)random_range(&random, 0, space->knobs[k].n_choices - 1);
            check((round < 2 ? cost_estimate : cost_predict)(model, candidate, SIZE_MAX,
                                                             &prediction, &diag));
        }
        printf("%s: %.0f candidates/s, %lld nodes packed\n", round < 2 ? "estimated" : "predicted",
               n / (seconds() - start), (long long)node_costs_packed(cost_model_nodes(model)));
    }
    free(candidate);
}

/* The candidate's network, pruned, simplified, packed and planned. */
static struct compiled compile(const struct space *space, const struct target *target,
                               const uint8_t *candidate, struct arena *arena)
{
    struct compile_options options = {.target = target, .sram_budget = SIZE_MAX};
    struct compiled compiled = {0};
    check(space_apply(space, candidate, arena, &compiled.graph, NULL, &diag));
    check(simplify(compiled.graph, arena, &compiled.graph, &diag));
    check(fit(&options, arena, &compiled, &diag));
    return compiled;
}

static int off(double predicted, double real, double most)
{
    return fabs(percent(predicted, real)) > most;
}

/* Predicts, compiles, perhaps builds; 1: a prediction is off. */
static int try_recipe(struct cost_model *model, const struct target *target,
                      const uint8_t *candidate, int is_built)
{
    struct arena own = {0};
    struct prediction p;
    struct run run;
    check(cost_predict(model, candidate, SIZE_MAX, &p, &diag));
    struct compiled compiled = compile(cost_model_space(model), target, candidate, &own);
    double instructions = 0;
    for (int32_t c = 0; c < compiled.packed->n_calls; c++)
        instructions += compiled.packed->calls[c].instructions;
    int is_off = p.sram_bytes != compiled.layout->arena_bytes;
    printf("flash %zu sram %zu instructions %.0f; planned sram %zu instructions %.0f (%+.3f %%)",
           p.flash_bytes, p.sram_bytes, p.instructions, compiled.layout->arena_bytes, instructions,
           percent(p.instructions, instructions));
    if (is_built) {
        build(&compiled, target, &run, &own);
        double flash = (double)run.built.flash_bytes, measured = (double)run.instructions;
        size_t sram = compiled.layout->arena_bytes + run.built.data_bytes;
        is_off |= p.sram_bytes != sram || off((double)p.flash_bytes, flash, 1) ||
                  off(p.instructions, measured, 3);
        printf("; built flash %.0f (%+.2f %%) sram %zu instructions %.0f (%+.2f %%)", flash,
               percent((double)p.flash_bytes, flash), sram, measured,
               percent(p.instructions, measured));
    }
    printf("%s\n", is_off ? " OFF" : "");
    fflush(stdout);
    arena_free(&own);
    return is_off;
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct graph *graph;
    struct space *space;
    struct cost_model *model;
    const struct target *target;
    int is_off = 0;
    if (argc < 6)
        return fprintf(stderr, "usage: see the source\n"), 2;
    check(driver_load(argv[1], &arena, &graph, &diag));
    check(target_find(argv[2], &target, &diag));
    check(simplify(graph, &arena, &graph, &diag));
    struct space_options options = space_options_initial();
    check(space_make(graph, NULL, &options, &arena, &space, &diag));
    check(cost_model_make(space, target->core, &model, &diag));
    struct random random = {(uint64_t)atoi(argv[4])};
    uint8_t *candidate = ARENA_ARRAY(&arena, (size_t)space->n_knobs + 1, uint8_t);
    if (strcmp(argv[5], "speed") == 0)
        measure_speed(model, space, atoi(argv[3]));
    else
        for (int i = 0; i < atoi(argv[3]); i++) {
            draw(space, &random, candidate);
            is_off |= try_recipe(model, target, candidate, strcmp(argv[5], "build") == 0);
        }
    cost_model_free(model);
    arena_free(&arena);
    return is_off;
}
