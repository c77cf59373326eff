/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers work in place: of a kind all that are at the peak, or none, unless SRAM demands it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "schedule/fit_search.h"

#include <cmocka.h> /* last: it makes fail() a macro */

enum { LAYERS = 4, PLAIN = 1000, IN_PLACE = 600, CODE = 2000 };
static const enum kernel plain = KERNEL_depthwise_conv_2d_s8_c;
static const enum kernel in_place_kernel = KERNEL_depthwise_conv_2d_inplace_s8_c;

/* Layers of one kind, one after the other; the first `n_capable` can work in place. */
struct network {
    struct arena arena;
    int32_t n_capable;
    double instructions_in_place; /* a layer; 100 otherwise */
};

static enum status pack_and_plan(void *context, const size_t *scratch_limit,
                                 const uint8_t *in_place, struct fitted *fitted, struct diag *diag)
{
    struct network *network = context;
    struct packed *packed = ARENA_NEW(&network->arena, struct packed);
    struct layout *layout = ARENA_NEW(&network->arena, struct layout);
    (void)scratch_limit;
    (void)diag;
    packed->n_calls = layout->n_calls = LAYERS;
    packed->calls = ARENA_ARRAY(&network->arena, LAYERS, struct packed_call);
    layout->live_bytes = ARENA_ARRAY(&network->arena, LAYERS, size_t);
    for (int32_t i = 0; i < LAYERS; i++) {
        int is_in_place = in_place[i] && i < network->n_capable;
        packed->calls[i].node = i;
        packed->calls[i].kernel = is_in_place ? in_place_kernel : plain;
        packed->calls[i].instructions = is_in_place ? network->instructions_in_place : 100;
        /* each layer is smaller than the one before, so that they are at the peak in turn */
        layout->live_bytes[i] = (size_t)((is_in_place ? IN_PLACE : PLAIN) - i);
        if (layout->live_bytes[i] > layout->arena_bytes) {
            layout->arena_bytes = layout->live_bytes[i];
            layout->peak_call = i;
        }
    }
    *fitted = (struct fitted){packed, layout};
    return OK;
}

/* Both kernels have code of their own. */
static size_t code_bytes(void *context, const struct packed *packed)
{
    int has_plain = 0, has_in_place = 0;
    (void)context;
    for (int32_t i = 0; i < packed->n_calls; i++) {
        has_plain |= packed->calls[i].kernel == plain;
        has_in_place |= packed->calls[i].kernel == in_place_kernel;
    }
    return (size_t)(CODE * (has_plain + has_in_place));
}

/* How many layers work in place within a budget. */
static int32_t fit(struct network network, size_t budget)
{
    struct diag diag;
    const struct fit_problem problem = {LAYERS, budget, &network, pack_and_plan, code_bytes};
    struct fitted fitted;
    int32_t n = 0;
    assert_int_equal(fit_search(&problem, &network.arena, &fitted, &diag), OK);
    for (int32_t i = 0; i < LAYERS; i++)
        n += fitted.packed->calls[i].kernel == in_place_kernel;
    arena_free(&network.arena);
    return n;
}

static void all_or_none_within_the_budget(void **state)
{
    (void)state;
    struct network all = {.n_capable = LAYERS, .instructions_in_place = 100};
    struct network half = {.n_capable = LAYERS / 2, .instructions_in_place = 100};
    struct network slow = {.n_capable = LAYERS, .instructions_in_place = 101};
    assert_int_equal(fit(all, 5000), LAYERS); /* no code more than before */
    assert_int_equal(fit(half, 5000), 0);     /* a second kernel's code, which nothing demands */
    assert_int_equal(fit(slow, 5000), 0);     /* instructions more */
}

static void the_budget_decides(void **state)
{
    (void)state;
    struct network all = {.n_capable = LAYERS, .instructions_in_place = 101};
    struct network half = {.n_capable = LAYERS / 2, .instructions_in_place = 101};
    assert_int_equal(fit(all, 700), LAYERS);
    assert_int_equal(fit(half, 998), 2); /* two kernels' code, and slower */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_or_none_within_the_budget),
        cmocka_unit_test(the_budget_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
