/* SPDX-License-Identifier: Apache-2.0 */
/* What a candidate costs: predicted, and of the network that it stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/random.h"
#include "driver/fit.h"
#include "schedule/apply.h"
#include "schedule/cost_model.h"
#include "target/latency.h"
#include "test/unit/networks.h"
#include "test/unit/schedule_network.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static struct arena arena;
static struct diag diag;

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const struct target *target_named(const char *name)
{
    const struct target *target = NULL;
    must(target_find(name, &target, &diag), &diag);
    return target;
}

static struct space *space_of(const struct graph *graph)
{
    struct space *space;
    struct space_options options = space_options_initial();
    must(space_make(graph, NULL, &options, &arena, &space, &diag), &diag);
    return space;
}

static void draw(const struct space *space, struct random *random, uint8_t *candidate)
{
    int most = random_range(random, 0, 3);
    for (int32_t k = 0; k < space->n_knobs; k++)
        candidate[k] = (uint8_t)(random_range(random, 0, 3) <= most
                                     ? random_range(random, 0, space->knobs[k].n_choices - 1)
                                     : 0);
}

/* ---- sizes ---- */

struct layout_32 {
    size_t bytes, alignment;
};

static void member_add(struct layout_32 *layout, const char *kind, size_t bytes, size_t n)
{
    size_t size = strcmp(kind, "pointer") == 0 ? 4 : bytes;
    layout->bytes = (layout->bytes + size - 1) / size * size + n * size;
    layout->alignment = size > layout->alignment ? size : layout->alignment;
}

static void parameters_have_their_32_bit_sizes(void **state)
{
    (void)state;
    for (int i = 0; i < N_KERNELS; i++) {
        struct layout_32 layout = {0, 1};
        const char *type = kernel_facts((enum kernel)i)->parameters;
#define FIELD(structure, kind, c_type, name)                                                       \
    if (strcmp(type, #structure) == 0)                                                             \
        member_add(&layout, #kind, sizeof(c_type),                                                 \
                   strcmp(#kind, "list") == 0                                                      \
                       ? sizeof(((struct dtmm_##structure *)0)->name) / sizeof(c_type)             \
                       : 1);
#include "emit/parameters.inc"
#undef FIELD
        assert_int_equal(parameter_bytes((enum kernel)i), (layout.bytes + layout.alignment - 1) /
                                                              layout.alignment * layout.alignment);
    }
}

static void shared_code_counts_once(void **state)
{
    (void)state;
    struct core_code code = core_code_load(target_named("cortex-m4")->core);
    uint8_t one[N_KERNELS] = {0}, two[N_KERNELS] = {0};
    one[KERNEL_conv_2d_s8_armv7em] = two[KERNEL_conv_2d_s8_armv7em] = 1;
    two[KERNEL_conv_2d_fwcs_s8_armv7em] = 1;
    assert_true(core_code_bytes(&code, one) > 4000);
    assert_in_range(core_code_bytes(&code, two), core_code_bytes(&code, one),
                    core_code_bytes(&code, one) + 64);
}

static void latency_is_clock_times_instructions(void **state)
{
    (void)state;
    const struct target *target = target_named("stm32f446");
    double seconds = latency_seconds(target, 1e6);
    assert_true(seconds > 1e6 / 180e6 && seconds < 2e6 / 180e6);
    double back = latency_instructions(target, seconds);
    assert_true(back > 1e6 - 1 && back < 1e6 + 1);
}

/* ---- against the network itself ---- */

static void check_candidate(const struct space *space, struct cost_model *model,
                            const struct target *target, const uint8_t *candidate, size_t budget)
{
    struct arena own = {0};
    struct compile_options compile = {.target = target, .sram_budget = budget};
    struct compiled compiled = {0};
    struct prediction exact, estimate;
    double instructions = 0;
    must(cost_predict(model, candidate, budget, &exact, &diag), &diag);
    must(cost_estimate(model, candidate, budget, &estimate, &diag), &diag);
    must(space_apply(space, candidate, &own, &compiled.graph, NULL, &diag), &diag);
    must(simplify(compiled.graph, &own, &compiled.graph, &diag), &diag);
    must(fit(&compile, &own, &compiled, &diag), &diag);
    for (int32_t c = 0; c < compiled.packed->n_calls; c++)
        instructions += compiled.packed->calls[c].instructions;
    assert_int_equal(exact.sram_bytes, compiled.layout->arena_bytes);
    assert_true(exact.instructions > instructions * (1 - 1e-9) &&
                exact.instructions < instructions * (1 + 1e-9));

    arena_free(&own);
}

static void check_network(const char *text, const char *target_name, int n)
{
    const struct target *target = target_named(target_name);
    struct space *space = space_of(int8_network(text, &arena));
    struct cost_model *model;
    struct random random = {11};
    struct prediction dense;
    uint8_t *candidate = ARENA_ARRAY(&arena, (size_t)space->n_knobs + 1, uint8_t);
    must(cost_model_make(space, target->core, &model, &diag), &diag);
    must(cost_predict(model, candidate, SIZE_MAX, &dense, &diag), &diag);
    for (int i = 0; i < n; i++) {
        size_t budgets[] = {SIZE_MAX, dense.sram_bytes * 3 / 4, dense.sram_bytes / 3};
        check_candidate(space, model, target, candidate, budgets[i % 3]);
        draw(space, &random, candidate);
    }
    cost_model_free(model);
}

static void predictions_are_exact(void **state)
{
    (void)state;
    struct file file;
    must(file_read("zoo/resnet8.txt", &arena, &file, &diag), &diag);
    check_network((const char *)file.data, "cortex-m4", 12);
    check_network(mobilenet_v1(&arena), "cortex-m55", 12);
    check_network(mobilenet_v2(&arena), "cortex-m0plus", 12);
    check_network(squeezenet(&arena), "cortex-m3", 12);
    check_network(u_net(&arena), "rv32imc", 12);
}

/* ---- recipes ---- */

static void check_masks(const struct space *space, const uint8_t *candidate)
{
    struct graph *applied;
    struct masks *masks, *chosen;
    struct scores *scores;
    struct recipe *recipe, *read;
    uint8_t *back = ARENA_ARRAY(&arena, (size_t)space->n_knobs + 1, uint8_t);
    recipe = space_recipe(space, candidate, &arena);
    must(recipe_parse(recipe_print(recipe, space->graph, &arena), space->graph, &arena, &read,
                      &diag),
         &diag);
    must(space_candidate(space, read, back, &diag), &diag);
    assert_memory_equal(back, candidate, (size_t)space->n_knobs);
    must(space_apply(space, candidate, &arena, &applied, &masks, &diag), &diag);
    must(score(space->graph, read, NULL, &arena, &scores, &diag), &diag);
    must(choose_masks(space->graph, scores, read, space->groups, &arena, &chosen, &diag), &diag);
    for (int32_t n = 0; n < space->graph->n_nodes; n++) {
        if (masks->kept[n] == NULL)
            continue;
        const struct shape *shape = &node_input(space->graph, &space->graph->nodes[n], 1)->shape;
        assert_memory_equal(masks->kept[n], chosen->kept[n], (size_t)shape_elements(shape));
    }
}

static void recipes_make_the_masks_that_are_priced(void **state)
{
    (void)state;
    struct random random = {4};
    const char *texts[] = {mobilenet_v1(&arena), squeezenet(&arena), u_net(&arena)};
    for (int i = 0; i < 3; i++) {
        struct space *space = space_of(int8_network(texts[i], &arena));
        uint8_t *candidate = ARENA_ARRAY(&arena, (size_t)space->n_knobs + 1, uint8_t);
        for (int k = 0; k < 8; k++) {
            check_masks(space, candidate);
            draw(space, &random, candidate);
        }
    }
}

static void recipes_that_rank_are_refused(void **state)
{
    (void)state;
    struct space *space = space_of(int8_network(mobilenet_v1(&arena), &arena));
    struct unit filterlet = {UNIT_FILTERLET, 0};
    uint8_t *candidate = ARENA_ARRAY(&arena, (size_t)space->n_knobs + 1, uint8_t);
    const struct recipe *recipe = recipe_uniform(space->graph, filterlet, 0.5, &arena);
    assert_int_equal(space_candidate(space, recipe, candidate, &diag), ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(parameters_have_their_32_bit_sizes, tear_down),
        cmocka_unit_test_teardown(shared_code_counts_once, tear_down),
        cmocka_unit_test_teardown(latency_is_clock_times_instructions, tear_down),
        cmocka_unit_test_teardown(predictions_are_exact, tear_down),
        cmocka_unit_test_teardown(recipes_make_the_masks_that_are_priced, tear_down),
        cmocka_unit_test_teardown(recipes_that_rank_are_refused, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
