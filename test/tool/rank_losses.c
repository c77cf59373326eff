/* SPDX-License-Identifier: Apache-2.0 */
/* usage: rank_losses MODEL.tflite DATA N EPOCHS SEED AUGMENT LR FOLDER
 * How well the loss that a schedule predicts from probes tells what is reached after training: N
 * random recipes, each pruned and trained for so many epochs in FOLDER; a line each with predicted
 * loss and int8 accuracy on validation samples, then Spearman's rank correlation of the two. Goes
 * on where it was cut off. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/random.h"
#include "data/augment.h"
#include "pass/pass.h"
#include "prune/pruner.h"
#include "schedule/probes.h"

enum { MOST = 100 };

static struct diag diag;

static void check(enum status status)
{
    if (status == OK)
        return;
    fprintf(stderr, "%s\n", diag.message);
    exit(1);
}

static struct pruner_options options_make(char **argv, const char *name, struct arena *arena)
{
    struct pruner_options options = {.live_only = 1,
                                     .unit = {UNIT_FILTERLET, 0},
                                     .n_steps = 1,
                                     .n_epochs = atoi(argv[4]),
                                     .compensate = 1,
                                     .rate = atof(argv[7]),
                                     .weight_decay = 1e-4,
                                     .distill_share = 0.5,
                                     .settings = "rank_losses",
                                     .quantizer = {.model_path = argv[1],
                                                   .data_path = argv[2],
                                                   .scale = {1, 0},
                                                   .calibration = {CALIBRATION_PERCENTILE, 99.99},
                                                   .n_calibration = 512,
                                                   .n_validation = 5000,
                                                   .validation_fraction = 0.1,
                                                   .seed = 1,
                                                   .correct_bias = 1,
                                                   .distill_share = 0.5}};
    const struct target *target;
    check(target_find("cortex-m4", &target, &diag));
    options.core = target->core;
    check(augmentation_parse(argv[6], &options.quantizer.augmentation, &diag));
    options.quantizer.out_path = arena_printf(arena, "%s/%s.tflite", argv[8], name);
    options.float_path = arena_printf(arena, "%s/%s.safetensors", argv[8], name);
    options.state_path = arena_printf(arena, "%s/%s.state", argv[8], name);
    return options;
}

/* Some recipes remove little of most layers, others much. */
static void draw(const struct space *space, struct random *random, uint8_t *candidate)
{
    int most = random_range(random, 1, 4);
    for (int32_t k = 0; k < space->n_knobs; k++) {
        int n = space->knobs[k].n_choices;
        candidate[k] =
            (uint8_t)(random_range(random, 0, 3) < most ? random_range(random, 0, n - 1) : 0);
    }
}

/* Ranks from 1 on, equal values in the middle of theirs. */
static void ranks_of(const double *values, int n, double *ranks)
{
    for (int i = 0; i < n; i++) {
        ranks[i] = 0.5;
        for (int j = 0; j < n; j++)
            ranks[i] += values[j] < values[i] ? 1 : values[j] == values[i] ? 0.5 : 0;
    }
}

static double spearman(const double *a, const double *b, int n)
{
    double ranks_a[MOST], ranks_b[MOST], ab = 0, aa = 0, bb = 0, mean = (n + 1) / 2.0;
    ranks_of(a, n, ranks_a);
    ranks_of(b, n, ranks_b);
    for (int i = 0; i < n; i++) {
        ab += (ranks_a[i] - mean) * (ranks_b[i] - mean);
        aa += (ranks_a[i] - mean) * (ranks_a[i] - mean);
        bb += (ranks_b[i] - mean) * (ranks_b[i] - mean);
    }
    return ab / sqrt(aa * bb);
}

static struct loss_table *probe(char **argv, const struct space *space, struct arena *arena)
{
    struct probes probes = probes_choose(space, arena);
    struct pruner_options options = options_make(argv, "probe", arena);
    const char **recipes = ARENA_ARRAY(arena, (size_t)probes.n + 1, const char *);
    const char *path = arena_printf(arena, "%s/probes", argv[8]);
    struct file file;
    struct diag unused;
    size_t bytes = (size_t)probes.n * sizeof *probes.losses;
    for (int32_t i = 0; i < probes.n; i++)
        recipes[i] = probe_recipe(space, &probes.list[i], arena);
    if (file_read(path, arena, &file, &unused) == OK && file.size == bytes) {
        memcpy(probes.losses, file.data, bytes);
    } else {
        check(pruner_probe(&options, probes.n, recipes, probes.losses, &diag));
        check(file_write(path, probes.losses, bytes, &diag));
    }
    for (int32_t i = 0; i < probes.n; i++)
        fprintf(stderr, "%-24s %-8s %.3f: %.5f\n",
                space->graph->nodes[space->knobs[probes.list[i].knob].node].name,
                space->knobs[probes.list[i].knob].kind == KNOB_FILTERS ? "filters" : "units",
                space->knobs[probes.list[i].knob].choices[probes.list[i].choice].share,
                probes.losses[i]);
    return loss_of_probes(space, &probes, arena);
}

/* What a recipe reaches, measured now or before. */
static double reach(char **argv, const char *name, const char *recipe)
{
    struct arena arena = {0};
    struct pruner_options options = options_make(argv, name, &arena);
    struct pruner_result result;
    struct file file;
    struct diag unused;
    const char *path = arena_printf(&arena, "%s/%s.txt", argv[8], name);
    options.recipe = recipe;
    if (file_read(path, &arena, &file, &unused) != OK) {
        check(pruner_run(&options, &arena, &result, &diag));
        const char *line = arena_printf(&arena, "%.6f\n", result.quantized.quality_int8.accuracy);
        check(file_write(path, line, strlen(line), &diag));
        check(file_read(path, &arena, &file, &diag));
    }
    double accuracy;
    if (sscanf((const char *)file.data, "%lf", &accuracy) != 1)
        exit(2);
    arena_free(&arena);
    return accuracy;
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct graph *graph;
    struct space *space;
    struct pruner_result dense;
    double losses[MOST] = {0}, accuracies[MOST] = {0};
    if (argc < 9 || atoi(argv[3]) > MOST)
        return fprintf(stderr, "usage: see the source\n"), 2;
    struct pruner_options options = options_make(argv, "dense", &arena);
    options.n_epochs = 0;
    check(folder_make(argv[8], &diag));
    check(pruner_run(&options, &arena, &dense, &diag));
    check(driver_load(options.quantizer.out_path, &arena, &graph, &diag));
    check(simplify(graph, &arena, &graph, &diag));
    struct space_options choices = space_options_initial();
    check(space_make(graph, NULL, &choices, &arena, &space, &diag));
    struct loss_table *table = probe(argv, space, &arena);
    struct random random = {(uint64_t)atoi(argv[5])};
    uint8_t *candidate = ARENA_ARRAY(&arena, (size_t)space->n_knobs + 1, uint8_t);
    int n = atoi(argv[3]);
    for (int i = 0; i < n; i++) {
        draw(space, &random, candidate);
        losses[i] = loss_of(table, space, candidate);
        accuracies[i] = reach(argv, arena_printf(&arena, "recipe%d", i),
                              recipe_print(space_recipe(space, candidate, &arena), graph, &arena));
        printf("%d,%.5f,%.2f\n", i, losses[i], 100 * accuracies[i]);
        fflush(stdout);
    }
    for (int i = 0; i < n; i++)
        losses[i] = -losses[i];
    printf("spearman %.3f\n", spearman(losses, accuracies, n));
    arena_free(&arena);
    return 0;
}
