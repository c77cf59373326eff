/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel checker on a device: every kernel of one instruction set (ISA_<isa> is defined)
 * against its reference, on random layers with poisoned surroundings, and the time of each call.
 * Reads job.bin, writes result.bin; test/tool/check_kernels.c is the other end. */
#include "../../board/common/harness.h"
#include "runtime/armv6m/rules.h"
#include "runtime/armv7em/rules.h"
#include "runtime/armv7m/rules.h"
#include "runtime/c/rules.h"
#include "runtime/mve/rules.h"
#include "runtime/rv32/rules.h"
#include "test/kernels/device.h"
#include "test/kernels/layers.h"

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_EXIT_EXTENDED = 0x20,
    OPEN_READ_BINARY = 1,
    OPEN_WRITE_BINARY = 5,
    APPLICATION_EXIT = 0x20026
};

typedef void kernel_function(const void *parameters, const void *const inputs[2], void *output,
                             void *scratch);

struct kernel {
    const char *reference_name;
    kernel_function *run, *reference;
    int (*accepts)(const void *parameters);
    int32_t (*scratch_bytes)(const void *parameters);
};

/* ---- the lists ---- */

#define NOTHING(...)
#define EVERYTHING(...) __VA_ARGS__
#ifdef ISA_c
#define TESTED_c EVERYTHING
#else
#define TESTED_c NOTHING
#endif
#ifdef ISA_mve
#define TESTED_mve EVERYTHING
#else
#define TESTED_mve NOTHING
#endif
#ifdef ISA_armv7em
#define TESTED_armv7em EVERYTHING
#else
#define TESTED_armv7em NOTHING
#endif
#ifdef ISA_armv7m
#define TESTED_armv7m EVERYTHING
#else
#define TESTED_armv7m NOTHING
#endif
#ifdef ISA_armv6m
#define TESTED_armv6m EVERYTHING
#else
#define TESTED_armv6m NOTHING
#endif
#ifdef ISA_rv32
#define TESTED_rv32 EVERYTHING
#else
#define TESTED_rv32 NOTHING
#endif

#define RUN_unary (parameters, inputs[0], output)
#define RUN_scratch (parameters, inputs[0], output, scratch)
#define RUN_binary (parameters, inputs[0], inputs[1], output)
#define SCRATCH_unary(function, p) 0
#define SCRATCH_binary(function, p) 0
#define SCRATCH_scratch(function, p) function(p)
#define DEFINE(name, isa, type, form, reference)                                                   \
    static void run_##name##_##isa(const void *parameters, const void *const inputs[2],            \
                                   void *output, void *scratch)                                    \
    {                                                                                              \
        (void)scratch;                                                                             \
        dtmm_##name##_##isa RUN_##form;                                                            \
    }                                                                                              \
    static void reference_of_##name##_##isa(const void *parameters, const void *const inputs[2],   \
                                            void *output, void *scratch)                           \
    {                                                                                              \
        (void)scratch;                                                                             \
        dtmm_##reference##_c RUN_##form;                                                           \
    }                                                                                              \
    static int accepts_##name##_##isa(const void *p)                                               \
    {                                                                                              \
        return dtmm_##name##_##isa##_accepts(p);                                                   \
    }                                                                                              \
    static int32_t scratch_of_##name##_##isa(const void *p)                                        \
    {                                                                                              \
        (void)p;                                                                                   \
        return SCRATCH_##form(dtmm_##name##_##isa##_scratch_bytes, p);                             \
    }
#define KERNEL(name, isa, type, form, reference)                                                   \
    TESTED_##isa(DEFINE(name, isa, type, form, reference))
#include "runtime/kernels.inc"
#undef KERNEL

static const struct kernel kernels[] = {
#define KERNEL(name, isa, type, form, reference)                                                   \
    TESTED_##isa({#reference, run_##name##_##isa, reference_of_##name##_##isa,                     \
                  accepts_##name##_##isa, scratch_of_##name##_##isa}, )
#include "runtime/kernels.inc"
#undef KERNEL
    {0}};
enum { N_KERNELS = sizeof(kernels) / sizeof(kernels[0]) - 1 };

static const struct {
    const char *name;
    layer_maker *make;
} families[] = {
#define FAMILY(name, make, naive) {#name, make},
#include "test/kernels/families.inc"
#undef FAMILY
};

static int is_equal(const char *a, const char *b)
{
    while (*a == *b && *a != '\0') {
        a++;
        b++;
    }
    return *a == *b;
}

static layer_maker *maker_of(const struct kernel *kernel)
{
    for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (is_equal(families[i].name, kernel->reference_name))
            return families[i].make;
    return 0;
}

/* ---- files ---- */

static intptr_t result_file;
static struct check_record current = {.outcome = CHECK_STARTING};

static void write_record(void)
{
    uintptr_t argument[3] = {(uintptr_t)result_file, (uintptr_t)&current, sizeof current};
    board_semihosting(SYS_WRITE, argument);
}

_Noreturn void harness_exit(uint32_t code)
{
    if (code != 0) {
        current.outcome = CHECK_FAULT;
        current.ticks = code;
        write_record();
    }
    board_semihosting(SYS_CLOSE, &result_file);
    uint32_t argument[2] = {APPLICATION_EXIT, code};
    for (;;)
        board_semihosting(SYS_EXIT_EXTENDED, argument);
}

static intptr_t open_file(const char *name, uint32_t length, uint32_t mode)
{
    uintptr_t argument[3] = {(uintptr_t)name, mode, length};
    intptr_t file = board_semihosting(SYS_OPEN, argument);
    if (file < 0)
        harness_exit(HARNESS_FILE);
    return file;
}

static struct check_job read_job(void)
{
    struct check_job job;
    intptr_t file = open_file("job.bin", 7, OPEN_READ_BINARY);
    uintptr_t argument[3] = {(uintptr_t)file, (uintptr_t)&job, sizeof job};
    if (board_semihosting(SYS_READ, argument) != 0)
        harness_exit(HARNESS_FILE);
    return job;
}

/* ---- one layer ---- */

enum { FILL = 0x5c };

static void fill(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = FILL;
}

static void nothing(const void *parameters, const void *const inputs[2], void *output,
                    void *scratch)
{
    (void)parameters, (void)inputs, (void)output, (void)scratch;
}

/* Ticks of one call through a pointer, without those of an empty function. */
__attribute__((noinline)) static struct board_time time_call(kernel_function *run,
                                                             const struct layer *layer,
                                                             const void *const inputs[2],
                                                             void *output, void *scratch)
{
    struct board_time start = board_time();
    run(&layer->parameters, inputs, output, scratch);
    struct board_time end = board_time();
    return (struct board_time){end.ticks - start.ticks, end.wraps - start.wraps};
}

/* Runs the kernel where `shared` >= 0 is the input that the output overlaps, and compares. */
static int compare(const struct kernel *kernel, const struct layer *layer, enum guard_edge edge,
                   int shared)
{
    struct guard guard = {.edge = edge};
    size_t bytes = layer->output_bytes;
    if (shared >= 0 && layer->input_bytes[shared] > bytes)
        bytes = layer->input_bytes[shared];
    size_t scratch_bytes = (size_t)kernel->scratch_bytes(&layer->parameters);
    if (scratch_bytes < layer->scratch_bytes)
        scratch_bytes = layer->scratch_bytes;
    uint8_t *expected = guard_alloc(&guard, layer->output_bytes, 8);
    uint8_t *output = guard_alloc(&guard, bytes, sizeof(float));
    void *scratch = guard_alloc(&guard, scratch_bytes, 8);
    fill(expected, layer->output_bytes);
    fill(output, bytes);
    kernel->reference(&layer->parameters, layer->inputs, expected, scratch);
    const void *inputs[2] = {layer->inputs[0], layer->inputs[1]};
    if (shared >= 0) {
        for (size_t i = 0; i < layer->input_bytes[shared]; i++)
            output[i] = ((const uint8_t *)layer->inputs[shared])[i];
        inputs[shared] = output;
    }
    struct board_time empty = time_call(nothing, layer, inputs, output, scratch);
    struct board_time spent = time_call(kernel->run, layer, inputs, output, scratch);
    current.ticks = spent.ticks - empty.ticks;
    current.wraps = (int32_t)spent.wraps - (int32_t)empty.wraps;
    int is_right = guard_intact(&guard);
    for (size_t i = 0; i < layer->output_bytes; i++)
        is_right &= output[i] == expected[i];
    guard_free(&guard);
    return is_right;
}

/* Makes the layer of `state`, and unless the kernel declines it checks it both ways. */
static void check_layer(const struct kernel *kernel, layer_maker *make, uint64_t state)
{
    current.state = state;
    for (int edge = GUARD_START; edge >= GUARD_END; edge--) {
        struct guard guard = {.edge = (enum guard_edge)edge};
        struct layer layer = {0};
        struct random random = {state};
        make(&random, &guard, &layer);
        guard_seal(&guard);
        current.outcome = CHECK_DECLINED;
        if (kernel->accepts(&layer.parameters)) {
            current.outcome = CHECK_EQUAL;
            for (int shared = 1; shared >= -1; shared--)
                if ((shared < 0 || (layer.in_place >> shared & 1)) &&
                    !compare(kernel, &layer, (enum guard_edge)edge, shared))
                    current.outcome = CHECK_DIFFERENT;
        }
        int is_intact = guard_intact(&guard);
        guard_free(&guard);
        if (!is_intact)
            current.outcome = CHECK_DIFFERENT;
        if (current.outcome != CHECK_EQUAL)
            return;
    }
}

/* Tries layers until enough are accepted; the maker's layers depend on the seed alone. */
static void check_kernel(const struct check_job *job, uint32_t index)
{
    layer_maker *make = maker_of(&kernels[index]);
    struct random random = {job->seed};
    uint32_t n_checked = 0;
    current.kernel = index;
    if (make == 0)
        harness_exit(HARNESS_FILE);
    for (uint32_t i = 0; i < job->most_tries && n_checked < job->n_layers; i++) {
        check_layer(&kernels[index], make, random_bits(&random));
        if (current.outcome == CHECK_DECLINED)
            continue;
        n_checked++;
        write_record();
    }
}

_Noreturn void harness_main(void)
{
    result_file = open_file("result.bin", 10, OPEN_WRITE_BINARY);
    struct check_job job = read_job();
    board_time_start();
    for (uint32_t index = 0; index < N_KERNELS; index++)
        if (job.kernel == CHECK_ALL || job.kernel == index)
            check_kernel(&job, index);
    harness_exit(0);
}
