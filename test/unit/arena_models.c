/* SPDX-License-Identifier: Apache-2.0 */
/* The arenas of the MLPerf Tiny networks, pinned, and compared on every core with their lower bound
 * and, where those were measured, with TensorFlow Lite Micro's. The models lie beside the
 * repository (../shared, or $DTMM_SHARED); without them the tests are skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/driver.h"

/* Last: it defines `fail`. */
#include <cmocka.h>

struct known {
    const char *model;
    size_t arena_bytes; /* with portable kernels */
    size_t least_bytes; /* likewise, where layers work in place because the budget demands it */
    size_t tflm_arena_bytes; /* the smallest of all cores measured; the caller's input included */
};

static const struct known resnet = {"pretrainedResnet_quant", 49152, 49152, 54992};
static const struct known kws = {"kws_ref_model", 16000, 8064, 22832};
static const struct known vww = {"vww_96_int8", 55296, 37016, 100720};
static const struct known ad = {"ad01_int8", 256, 256, 3024};

/* Skips the test when the model is missing. */
static struct compiled compile(const char *model, const struct target *target, size_t sram_budget,
                               struct arena *arena)
{
    const char *shared = getenv("DTMM_SHARED");
    const char *path =
        arena_printf(arena, "%s/models/%s.tflite", shared != NULL ? shared : "../shared", model);
    struct compile_options options = {.model_path = path, .target = target};
    struct compiled compiled;
    struct diag diag = {""};
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        print_message("%s is not there\n", path);
        arena_free(arena);
        skip();
    }
    fclose(file);
    options.sram_budget = sram_budget;
    if (driver_compile(&options, arena, &compiled, &diag) != OK)
        fail_msg("%s", diag.message);
    return compiled;
}

/* As the layout counts it: rounded up to the alignment of scratch memory. */
static size_t largest_scratch(const struct packed *packed)
{
    size_t largest = 0;
    for (int32_t i = 0; i < packed->n_calls; i++)
        if (packed->calls[i].scratch_bytes > largest)
            largest = packed->calls[i].scratch_bytes;
    return (largest + 7) / 8 * 8;
}

static void is_pinned(void **state)
{
    const struct known *known = *state;
    const struct target *host;
    struct arena arena = {NULL};
    struct diag diag = {""};
    assert_int_equal(target_find("host", &host, &diag), OK);
    struct compiled compiled = compile(known->model, host, host->sram_bytes, &arena);
    assert_int_equal(compiled.layout->arena_bytes, known->arena_bytes);
    compiled = compile(known->model, host, known->least_bytes, &arena);
    assert_int_equal(compiled.layout->arena_bytes, known->least_bytes);
    compiled = compile(known->model, host, 1, &arena);
    assert_int_equal(compiled.layout->arena_bytes, known->least_bytes);
    arena_free(&arena);
}

/* The cores that TensorFlow Lite Micro was measured on. */
static int is_measured(const char *core)
{
    static const char *const measured[] = {"cortex-m3", "cortex-m4", "cortex-m7", "cortex-m55"};
    for (size_t i = 0; i < sizeof measured / sizeof measured[0]; i++)
        if (strcmp(core, measured[i]) == 0)
            return 1;
    return 0;
}

static void is_small_on_every_core(void **state)
{
    const struct known *known = *state;
    int n = 0;
    for (size_t i = 0; i < n_targets(); i++) {
        const struct target *target = target_at(i);
        if (strcmp(target->name, target->core->name) != 0)
            continue;
        struct arena arena = {NULL};
        struct compiled compiled = compile(known->model, target, target->sram_bytes, &arena);
        size_t bytes = compiled.layout->arena_bytes;
        size_t bound = compiled.layout->lower_bound_bytes + largest_scratch(compiled.packed);
        print_message("%-12s %6zu bytes, bound and scratch %6zu\n", target->name, bytes, bound);
        assert_true(bytes <= bound);
        assert_true(!is_measured(target->name) || bytes < known->tflm_arena_bytes);
        arena_free(&arena);
        n++;
    }
    assert_true(n >= 9);
}

#define ON(test, known)                                                                            \
    {                                                                                              \
#test " " #known, test, NULL, NULL, (void *)(uintptr_t)&known                              \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(is_pinned, resnet),
        ON(is_pinned, kws),
        ON(is_pinned, vww),
        ON(is_pinned, ad),
        ON(is_small_on_every_core, resnet),
        ON(is_small_on_every_core, kws),
        ON(is_small_on_every_core, vww),
        ON(is_small_on_every_core, ad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
