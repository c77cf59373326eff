/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the model on every sample of inputs.bin, writes outputs.bin and, last, result.bin: the words
 * of struct result, then the layers. The host turns ticks into instructions. No 64-bit multiply or
 * divide and no library function here: what the compiler's libraries hold counts as the model's. */
#include "harness.h"
#include "profile.h"

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

#define PAINT 0xA5C3A5C3u

/* Enough iterations to go through several wraps of a 24-bit timer. */
#define LOOP_SHORT 1000u
#define LOOP_LONG 4001000u

struct span {
    uint64_t ticks;
    uint32_t wraps, unused;
};

/* Little-endian, no padding; read by src/measure/measure.c. */
struct result {
    uint32_t magic, n_layers;
    struct span loop_short, loop_long; /* LOOP_SHORT and LOOP_LONG iterations of board_loop() */
    struct span nothing;               /* a call of an empty function */
    struct span inference;             /* the first sample */
    struct span layer_overhead;        /* LAYER_TRIALS empty layers */
    uint32_t loop_short_n, loop_long_n, layer_trials, stack_bytes;
};

#define MAGIC 0x4D4D5444u
#define LAYER_TRIALS 64u

extern uint32_t stack_bottom[];

static struct result result;
static struct board_time last_layer;
static struct harness_layer trial_layer;
static struct harness_layer *layers;

_Noreturn void harness_exit(uint32_t code)
{
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

/* SYS_READ and SYS_WRITE return how many bytes were not transferred. */
static void transfer(intptr_t operation, intptr_t file, const void *data, uint32_t bytes)
{
    uintptr_t argument[3] = {(uintptr_t)file, (uintptr_t)data, bytes};
    if (bytes > 0 && board_semihosting(operation, argument) != 0)
        harness_exit(HARNESS_FILE);
}

static void close_file(intptr_t file)
{
    if (board_semihosting(SYS_CLOSE, &file) != 0)
        harness_exit(HARNESS_FILE);
}

static struct span span_between(struct board_time start, struct board_time end)
{
    return (struct span){end.ticks - start.ticks, end.wraps - start.wraps, 0};
}

static void nothing(void)
{
    __asm__ volatile("");
}

/* All timed functions go through this one call, so that its cost is that of nothing(). */
__attribute__((noinline)) static struct span time_call(void (*function)(void))
{
    struct board_time start = board_time();
    function();
    return span_between(start, board_time());
}

static void loop_short(void)
{
    board_loop(LOOP_SHORT);
}

static void loop_long(void)
{
    board_loop(LOOP_LONG);
}

void harness_layers_start(void)
{
    last_layer = board_time();
}

void harness_layer_done(int32_t index)
{
    struct board_time now = board_time();
    struct harness_layer *layer = layers == 0 ? &trial_layer : &layers[index];
    layer->ticks += now.ticks - last_layer.ticks;
    layer->wraps += now.wraps - last_layer.wraps;
    layer->calls++;
    last_layer = board_time();
}

static void calibrate(void)
{
    result.loop_short = time_call(loop_short);
    result.loop_long = time_call(loop_long);
    result.nothing = time_call(nothing);
    result.loop_short_n = LOOP_SHORT;
    result.loop_long_n = LOOP_LONG;
    trial_layer = (struct harness_layer){0}; /* the stack's run may have been recorded here */
    last_layer = board_time();
    /* Not inlined: a layer's overhead includes the call. */
    void (*volatile record)(int32_t) = harness_layer_done;
    void (*call)(int32_t) = record;
    for (uint32_t i = 0; i < LAYER_TRIALS; i++)
        call(0);
    result.layer_overhead = (struct span){trial_layer.ticks, trial_layer.wraps, 0};
    result.layer_trials = LAYER_TRIALS;
}

/* Depth of the stack below this function's frame that `function` uses, from a painted stack. */
__attribute__((noinline)) static uint32_t stack_use(void (*function)(void))
{
    volatile uint32_t *const bottom = stack_bottom;
    volatile uint32_t *const top = (uint32_t *)(board_stack_pointer() & ~(uintptr_t)3);
    for (volatile uint32_t *word = bottom; word < top; word++)
        *word = PAINT;
    function();
    volatile uint32_t *word = bottom;
    while (word < top && *word == PAINT)
        word++;
    if (word == bottom)
        harness_exit(HARNESS_STACK);
    return (uint32_t)((uintptr_t)top - (uintptr_t)word);
}

/* FNV-1a of all outputs. */
static uint32_t outputs_hash(void)
{
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < harness_n_outputs; i++) {
        const uint8_t *bytes = harness_outputs[i].data;
        for (uint32_t j = 0; j < harness_outputs[i].bytes; j++)
            hash = (hash ^ bytes[j]) * 16777619u;
    }
    return hash;
}

static void first_sample(void)
{
    /* The stack with the timer off: an interrupt's frame is not the library's. */
    result.stack_bytes = stack_use(harness_inference);
    uint32_t hash = outputs_hash();
    board_time_start();
    calibrate();
    layers = harness_n_layers > 0 ? harness_layers : 0;
    result.inference = time_call(harness_inference);
    if (outputs_hash() != hash)
        harness_exit(HARNESS_STATE);
}

_Noreturn void harness_main(void)
{
    intptr_t inputs = open_file("inputs.bin", 10, OPEN_READ_BINARY);
    intptr_t outputs = open_file("outputs.bin", 11, OPEN_WRITE_BINARY);
    for (uint32_t sample = 0; sample < harness_n_samples; sample++) {
        for (uint32_t i = 0; i < harness_n_inputs; i++)
            transfer(SYS_READ, inputs, harness_inputs[i].data, harness_inputs[i].bytes);
        if (sample == 0)
            first_sample();
        else
            harness_inference();
        for (uint32_t i = 0; i < harness_n_outputs; i++)
            transfer(SYS_WRITE, outputs, harness_outputs[i].data, harness_outputs[i].bytes);
    }
    close_file(outputs);
    result.magic = MAGIC;
    result.n_layers = harness_n_layers;
    intptr_t file = open_file("result.bin", 10, OPEN_WRITE_BINARY);
    transfer(SYS_WRITE, file, &result, sizeof result);
    transfer(SYS_WRITE, file, harness_layers, harness_n_layers * (uint32_t)sizeof *harness_layers);
    close_file(file);
    harness_exit(0);
}
